"""How a drill goes: each reply is scored, moves the customer's temper, and is answered; pure, no words of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lessons.drills.model import Drill, Ending, Exchange, Turn, When
from lessons.feedback import clear_of_breaches
from lessons.model import Answer, Answers, Criterion, Lesson, RedLine
from lessons.scoring.result import Flag, Mark, Score

MOST_TEMPER = 5
_ENOUGH = 0.5
_LEVEL = {Mark.HIT: 1.0, Mark.PARTIAL: 0.5, Mark.MISS: 0.0, Mark.NOT_NEEDED: 0.5}
_STEP = {Turn.CALMER: 1.0, Turn.SAME: 0.5, Turn.ANGRIER: 0.0}
_BAND_FROM = (20, 45, 65, 90)
_MOST_AFTER_BREACH = 15
_MOST = {Ending.CALM: 100, Ending.TENSE: 75, Ending.GONE: 40}
_NO_ANSWER = {Flag.EMPTY, Flag.STUFFING, Flag.OFF_TOPIC, Flag.GRADER, Flag.NO_CHINESE}

#: Promises nobody may make please the customer at the moment; the others make it worse at once.
_PLEASING = {RedLine.CREDIT_RECORD, RedLine.OVERPROMISE, RedLine.RETURNS, RedLine.PRIVACY, RedLine.INTERNAL}

ScoreOf = Callable[[Lesson, str], Score]


@dataclass(frozen=True)
class Said:
    """One reply of the learner, what it did, and what the customer said back. `temper` is the one after it."""

    text: str
    score: Score
    turn: Turn
    answer: str
    temper: int

    def to_data(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "score": self.score.to_dict(),
            "turn": str(self.turn),
            "answer": self.answer,
            "temper": self.temper,
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Said:
        return cls(**{**data, "score": Score.from_dict(data["score"]), "turn": Turn(data["turn"])})


@dataclass(frozen=True)
class Course:
    """A drill so far."""

    drill: Drill
    situation: Lesson
    said: tuple[Said, ...] = ()

    @property
    def temper(self) -> int:
        return self.said[-1].temper if self.said else self.drill.temper

    @property
    def customer_says(self) -> str:
        """What the learner has to answer now, or the customer's last words when it is over."""
        return self.said[-1].answer if self.said else self.drill.opening or self.situation.customer.says

    @property
    def exchange(self) -> Exchange:
        return self.drill.exchanges[len(self.said)]

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it goes on."""
        if self.temper >= MOST_TEMPER:
            return Ending.GONE
        if len(self.said) < len(self.drill.exchanges):
            return None
        settled = self.temper < self.drill.temper and self.said[-1].turn is Turn.CALMER
        return Ending.CALM if settled else Ending.TENSE

    @property
    def lesson(self) -> Lesson:
        """The situation as it stands now, to score the next reply against: its customer says the last words."""
        context = self.situation.context
        if self.said:
            context += f"\n{self.situation.customer.name}一开始说：{self.situation.customer.says}"
        model = Answer(text=self.exchange.good, why=(self.exchange.aim,))
        return self.situation.model_copy(
            update={
                "customer": self.situation.customer.model_copy(update={"says": self.customer_says}),
                "context": context,
                "answers": Answers(good=model, bad=model),
                "samples": (),
            }
        )

    @property
    def needs(self) -> tuple[Criterion, ...]:
        """What the next reply must do: what the exchange asks for, and calming first where that has not worked yet."""
        needs = self.exchange.needs
        calm = not self.said or self.said[-1].turn is Turn.CALMER
        return needs if calm or Criterion.EMPATHY in needs else (Criterion.EMPATHY, *needs)

    def after(self, text: str, score_of: ScoreOf) -> Course:
        """The drill with one more reply. Only while it goes on."""
        score = score_of(self.lesson, text)
        turn = _turn(score, worth(score, self.needs))
        change = {Turn.CALMER: -1, Turn.SAME: 0, Turn.ANGRIER: 1}[turn]
        temper = min(MOST_TEMPER, max(0, self.temper + change))
        reactions = self.exchange.reactions(turn)
        answer = next(r.says for r in reactions if r.when is None or _picks_up(r.when, text, score))
        return replace(self, said=(*self.said, Said(text, score, turn, answer, temper)))

    def taken_back(self) -> Course:
        """The drill without its last reply."""
        return replace(self, said=self.said[:-1])


def worth(score: Score, needs: tuple[Criterion, ...]) -> float:
    """How far a reply did what was needed, 0 to 1."""
    return sum(_LEVEL[score.criteria[need].mark] for need in needs) / len(needs)


def _turn(score: Score, done: float) -> Turn:
    if score.confirmed:
        return Turn.SAME if {breach.rule for breach in score.confirmed} <= _PLEASING else Turn.ANGRIER
    if _NO_ANSWER & set(score.flags):
        return Turn.ANGRIER
    if done >= _ENOUGH:
        return Turn.CALMER
    harsh = score.band == 0 or (score.band == 1 and score.criteria[Criterion.EXPRESSION].mark is Mark.MISS)
    forgiven = Flag.TOO_SHORT in score.flags and not score.red_lines
    return Turn.ANGRIER if harsh and not forgiven else Turn.SAME


def _picks_up(when: When, text: str, score: Score) -> bool:
    crossed = {breach.rule for breach in score.confirmed}
    return (
        (not when.words or any(word in text for word in when.words))
        and (when.hit is None or score.criteria[when.hit].mark is Mark.HIT)
        and (when.missing is None or score.criteria[when.missing].mark is Mark.MISS)
        and (when.red_line is None or (bool(crossed) if when.red_line == "any" else when.red_line in crossed))
    )


@dataclass(frozen=True)
class Result:
    """The whole talk: band and points, per criterion the best mark with the reply that earned it, the turning point.

    `best` maps a criterion to (index of the reply, its score). `turning` is the index of the reply that decided the
    talk, `weakest` of the one most worth saying anew; None when there is none.
    """

    band: int
    points: int
    best: dict[Criterion, tuple[int, Mark, str | None]]
    turning: int | None
    weakest: int | None


def result(course: Course) -> Result:
    """Judge a finished drill; the code adds up, half for how the customer took it and half for what was done."""
    wanted = [c for c in Criterion if any(c in exchange.needs for exchange in course.drill.exchanges)]
    best = {criterion: _best(course, criterion) for criterion in wanted}
    taken = sum(_STEP[said.turn] for said in course.said) / len(course.drill.exchanges)
    done = sum(_LEVEL[mark] for _, mark, _ in best.values()) / len(wanted)
    points = 5 * round((50 * taken + 50 * done) / 5)
    points = min(points, _MOST[course.ending or Ending.TENSE])
    if any(said.score.confirmed for said in course.said):
        points = min(points, _MOST_AFTER_BREACH)
    band = sum(points >= start for start in _BAND_FROM)
    return Result(band, points, best, _turning(course), _weakest(course))


def _best(course: Course, criterion: Criterion) -> tuple[int, Mark, str | None]:
    """The best mark, from the reply that was asked for it where several are alike."""
    rows = [
        (_LEVEL[said.score.criteria[criterion].mark], criterion in exchange.needs, -index)
        for index, (said, exchange) in enumerate(zip(course.said, course.drill.exchanges, strict=False))
    ]
    index = -max(rows)[2]
    verdict = clear_of_breaches(course.said[index].score.criteria[criterion], course.said[index].score)
    return index, verdict.mark, verdict.quote


def _turning(course: Course) -> int | None:
    """The reply that decided it: the first that crossed a red line, else the first that turned the customer to where
    the talk ended, or where it got stuck."""
    crossed = [index for index, said in enumerate(course.said) if said.score.confirmed]
    if crossed:
        return crossed[0]
    moved_at_all = {said.turn for said in course.said} - {Turn.SAME}
    if course.ending is Ending.TENSE and moved_at_all == {Turn.CALMER}:
        return next(index for index, said in enumerate(course.said) if said.turn is Turn.SAME)
    towards = Turn.CALMER if course.ending is Ending.CALM else Turn.ANGRIER
    turns = [course.drill.temper, *(said.temper for said in course.said)]
    worst = max(turns) if towards is Turn.CALMER else min(turns)
    from_there = max(index for index, temper in enumerate(turns) if temper == worst)
    moved = [index for index, said in enumerate(course.said) if said.turn is towards and index >= from_there]
    return moved[0] if moved else None


def _weakest(course: Course) -> int | None:
    rows = [
        (bool(said.score.confirmed), said.turn is Turn.ANGRIER, -worth(said.score, exchange.needs), -index)
        for index, (said, exchange) in enumerate(zip(course.said, course.drill.exchanges, strict=False))
    ]
    poor = [row for row, said in zip(rows, course.said, strict=True) if row[0] or said.turn is not Turn.CALMER]
    return -max(poor)[-1] if poor else None
