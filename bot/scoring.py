"""The scorer as the bot uses it: remembers, sits an exam for each lesson before it counts, asks the judge if there is
one, and falls back to the offline scorer when the judge does not answer."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Protocol

from bot.core.clock import Clock
from bot.core.log import note
from bot.core.meters import Meters
from bot.scorers import Scorers
from lessons import appeal, exam
from lessons.catalogue import digest
from lessons.exam import Sitting
from lessons.feedback import FALLBACK_LABEL, JUDGE_LABEL, LABEL
from lessons.judge import verdict
from lessons.model import Lesson
from lessons.scoring import Scorer
from lessons.scoring.result import Score
from storage import exams
from storage.database import Database
from storage.models import Exam

log = logging.getLogger(__name__)

_MOST = 2048


class OfflineGrader:
    """Scores each (lesson, text) once. A score is a pure function of both, so remembering changes nothing."""

    slow = False

    def __init__(self, inner: Scorer, most: int = _MOST, scorers: Scorers | None = None) -> None:
        self._inner, self._most = inner, most
        self._scorers = scorers
        self._scores: OrderedDict[tuple[Lesson, str], Score] = OrderedDict()
        self._sittings: dict[str, Sitting] = {}  # by the lesson's digest
        self._corrected = lru_cache(maxsize=most)(inner.corrected)
        self._thread = ThreadPoolExecutor(1, "scoring")  # more would only fight for the interpreter

    def score(self, lesson: Lesson, text: str) -> Score:
        return self._scores.get((lesson, text)) or self._kept(lesson, text, self._inner.score(lesson, text))

    def _kept(self, lesson: Lesson, text: str, score: Score) -> Score:
        self._scores[lesson, text] = score
        while len(self._scores) > self._most:
            self._scores.popitem(last=False)
        return score

    def recomputed(self, lesson: Lesson, text: str, granted: frozenset[str]) -> Score:
        """The offline score where a human has found otherwise, by the weights of today."""
        return self._corrected(lesson, text, granted)

    def corrected(self, lesson: Lesson, text: str, score: Score, granted: frozenset[str]) -> Score:
        """A score of this reply after appeals were upheld against what `granted` names; never a lower one."""
        return appeal.settled(score, self.recomputed(lesson, text, granted), granted)

    def score_many(self, pairs: Iterable[tuple[Lesson, str]]) -> list[Score]:
        return self._inner.score_many(pairs)

    async def prepare(self, lesson: Lesson, text: str) -> None:
        """Score and examine off the loop, so that `score` and `trial` find it done."""
        loop = asyncio.get_running_loop()
        if (lesson, text) not in self._scores:
            found = await self._scorers.scored(lesson, text) if self._scorers is not None else None
            if found is None:
                found = await loop.run_in_executor(self._thread, self._inner.score, lesson, text)
            self._kept(lesson, text, found)
        if digest(lesson) not in self._sittings:
            await loop.run_in_executor(self._thread, self.sitting, lesson)

    def start(self) -> None:
        """Open the processes that score, where there are to be some."""
        if self._scorers is not None:
            self._scorers.start()

    def stop(self) -> None:
        if self._scorers is not None:
            self._scorers.stop()

    def sitting(self, lesson: Lesson) -> Sitting:
        """How the offline scorer did on the lesson's gold replies; some 50 ms the first time."""
        key = digest(lesson)
        if key not in self._sittings:
            self._sittings[key] = self._examined(lesson)
        return self._sittings[key]

    def trial(self, lesson: Lesson, score: Score) -> bool:
        """Whether a score must not count, because its grader has not passed the exam for this lesson."""
        return not self.sitting(lesson).passed

    def label(self, score: Score) -> str:
        """Who judged, for the foot of the feedback."""
        return LABEL

    def _examined(self, lesson: Lesson) -> Sitting:
        scores = self._inner.score_many((lesson, text) for text in exam.gold(lesson))
        return exam.sitting(lesson, self._inner.version, [score.band for score in scores])


class Judge(Protocol):
    """What is asked of an LLM judge; see bot/judge.py. `version` is the `scorer` of its scores."""

    @property
    def version(self) -> str: ...

    async def grade(self, lesson: Lesson, text: str, offline: Score) -> Score | None: ...


class Grading:
    """The offline grader with a judge before it, where one is configured; keeps the results of every exam."""

    def __init__(
        self,
        offline: OfflineGrader,
        database: Database,
        clock: Clock,
        judge: Judge | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._offline = offline
        self._database = database
        self._clock = clock
        self._judge = judge
        self._meters = meters or Meters()
        self._judged: OrderedDict[tuple[str, str], Score] = OrderedDict()
        self._known: dict[tuple[str, str], bool] = {}
        self._sitting: dict[str, asyncio.Task[None]] = {}

    @property
    def slow(self) -> bool:
        return self._judge is not None

    def score(self, lesson: Lesson, text: str) -> Score:
        """The judge's score when `prepare` got one, else the offline score."""
        return self._judged.get((digest(lesson), text)) or self._offline.score(lesson, text)

    def corrected(self, lesson: Lesson, text: str, score: Score, granted: frozenset[str]) -> Score:
        """As for the offline grader; a judge's score is added up again by the judge's own table."""
        after = self._offline.recomputed(lesson, text, granted)
        if score.scorer.startswith(verdict.PREFIX) and not any(flag in granted for flag in score.flags):
            after = verdict.corrected(score, text, granted, after)
        return appeal.settled(score, after, granted)

    def score_many(self, pairs: Iterable[tuple[Lesson, str]]) -> list[Score]:
        return self._offline.score_many(pairs)

    async def prepare(self, lesson: Lesson, text: str) -> None:
        """Score ahead: offline always, by the judge where it has passed the lesson's exam. Never raises for a judge."""
        with self._meters.scoring("offline"):
            await self._offline.prepare(lesson, text)
        if not lesson.samples:  # a drill's exchange, or a lesson without gold replies: nobody has passed an exam for it
            return
        await self._keep(lesson, self._offline.sitting(lesson))
        if self._judge is None or not await self._judge_passed(lesson):
            return
        with self._meters.scoring("judge"):
            judged = await self._judge.grade(lesson, text, self._offline.score(lesson, text))
        if judged is not None:
            self._judged[digest(lesson), text] = judged
            while len(self._judged) > _MOST:
                self._judged.popitem(last=False)

    def trial(self, lesson: Lesson, score: Score) -> bool:
        """As for the offline grader; a judge is only asked where it has passed."""
        return not self._is_judged(score) and self._offline.trial(lesson, score)

    def label(self, score: Score) -> str:
        if self._is_judged(score):
            return JUDGE_LABEL
        return (
            LABEL if self._judge is None or not self._known.get((self._judge.version, score.lesson)) else FALLBACK_LABEL
        )

    def start(self) -> None:
        self._offline.start()

    async def stop(self) -> None:
        """End exams in hand; they are sat again when needed."""
        self._offline.stop()
        for task in self._sitting.values():
            task.cancel()
        await asyncio.gather(*self._sitting.values(), return_exceptions=True)

    def _is_judged(self, score: Score) -> bool:
        return self._judge is not None and score.scorer == self._judge.version

    async def _judge_passed(self, lesson: Lesson) -> bool:
        """Whether the judge may give points here; the first time it is sent to its exam meanwhile."""
        assert self._judge is not None
        key = (self._judge.version, digest(lesson))
        if key not in self._known:
            async with self._database.reading() as tx:
                found = await exams.find(tx, *key)
            if found is None:
                if key[1] not in self._sitting:
                    self._sitting[key[1]] = asyncio.create_task(self._sit(self._judge, lesson))
                return False
            self._known[key] = found.passed
        self._known[self._judge.version, lesson.id] = self._known[key]
        return self._known[key]

    async def _sit(self, judge: Judge, lesson: Lesson) -> None:
        """The judge's exam; not finished, and tried again with a later reply, when it leaves a question unanswered."""
        try:
            texts = exam.gold(lesson)
            scores = await asyncio.gather(*(judge.grade(lesson, t, self._offline.score(lesson, t)) for t in texts))
            bands = [score.band for score in scores if score is not None]
            if len(bands) == len(texts):
                await self._keep(lesson, exam.sitting(lesson, judge.version, bands))
        except Exception:
            log.exception("a judge's exam failed", extra={"action": "exam.failed", "ids": {"lesson": lesson.id}})
        finally:
            self._sitting.pop(digest(lesson), None)

    async def _keep(self, lesson: Lesson, sitting: Sitting) -> None:
        """Write an exam's result down, once."""
        key = (sitting.grader, digest(lesson))
        if key in self._known:
            return
        row = Exam(
            grader=sitting.grader,
            lesson_id=lesson.id,
            digest=key[1],
            asked=len(sitting.answers),
            agreed=sitting.agreed,
            passed=sitting.passed,
            answers=[{"gold": gold, "given": given} for gold, given in sitting.answers],
            at=self._clock.now(),
        )
        async with self._database.transaction() as tx:
            await exams.put(tx, row)
        self._known[key] = sitting.passed
        if not sitting.passed:
            note(log, "exam.failed", sitting.why, logging.WARNING, lesson=lesson.id, grader=sitting.grader)
