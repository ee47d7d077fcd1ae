"""What an upheld appeal changes: the score of everybody who said the same, and their ladder cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from handlers import question
from handlers.context import Talk
from lessons import appeal, ladder
from lessons.model import Lesson
from lessons.scoring.result import Score
from storage import appeals, assignments, attempts
from storage.models import Appeal, Assignment, Attempt


@dataclass(frozen=True)
class Change:
    """One answer that was corrected."""

    attempt: Attempt
    before: Score
    after: Score


async def known(talk: Talk, row: Assignment, lesson: Lesson, text: str, score: Score) -> Score:
    """The score of a new answer, with what was upheld for the same words before."""
    granted = await appeals.granted(talk.tx, row.digest, appeal.reply_key(text))
    return talk.desk.scorer.corrected(lesson, text, score, granted) if granted else score


async def correct(talk: Talk, upheld: Appeal) -> list[Change]:
    """Correct the answer of an upheld appeal and every other that says the same word by word, was asked the same
    version of the lesson and got the same verdict; the appellant's answers come first.

    Answers are locked before what was upheld is read, so that two appeals about one reply add up.
    """
    found = await attempts.texts(talk.tx, upheld.lesson_id, upheld.digest)
    same = [key for key, text in found if appeal.reply_key(text) == upheld.reply]
    rows = await attempts.to_correct(talk.tx, same)
    granted = await appeals.granted(talk.tx, upheld.digest, upheld.reply)
    lesson = await question.lesson_of(talk, upheld)
    verdict = _verdict(Score.from_dict(upheld.score), upheld.subject)
    changes = []
    for row in rows:
        before = Score.from_dict(row.score)
        if _verdict(before, upheld.subject) != verdict:
            continue
        if isinstance(lesson, Lesson):
            after = talk.desk.scorer.corrected(lesson, row.text, before, granted)
        else:  # nothing to recompute the total from
            after = appeal.settled(before, before, granted)
        await attempts.correct(talk.tx, row, after.to_dict(), after.band, after.points)
        if row.number == 1 and not row.trial and after.band != before.band:
            await _move_card(talk, row)
        changes.append(Change(row, before, after))
    return sorted(changes, key=lambda change: change.attempt.person_id != upheld.person_id)


def _verdict(score: Score, subject: str) -> str | None:
    """What a score says about one subject; None when there is nothing to dispute."""
    return next((item.verdict for item in appeal.items(score) if item.subject == subject and not item.fair), None)


async def _move_card(talk: Talk, row: Attempt) -> None:
    """Put the ladder card where the person's first answers, as they count now, would have put it."""

    def after(day: date, steps: int) -> date:
        return talk.desk.calendar.next_working(day, steps=steps)

    firsts = await attempts.firsts(talk.tx, row.person_id, row.lesson_id)
    card = ladder.replayed([(talk.desk.calendar.today(first.created_at), first.band) for first in firsts], after)
    if card is None:
        await assignments.drop_card(talk.tx, row.person_id, row.lesson_id)
    else:
        await assignments.put_card(talk.tx, row.person_id, row.lesson_id, card, talk.now)
