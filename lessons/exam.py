"""The grader's exam: a scorer or judge gives points for a lesson only after agreeing with the lesson's gold replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lessons.model import Lesson

FEWEST = 3
_AGREED = 0.8
_FURTHEST = 1


@dataclass(frozen=True)
class Sitting:
    """What a grader answered: (gold band, its band) for each gold reply, in the lesson's order."""

    grader: str
    answers: tuple[tuple[int, int], ...]

    @property
    def agreed(self) -> int:
        """How many got the very band."""
        return sum(gold == given for gold, given in self.answers)

    @property
    def passed(self) -> bool:
        """Enough gold replies, four in five the very band, and none further off than one band."""
        asked = len(self.answers)
        close = all(abs(gold - given) <= _FURTHEST for gold, given in self.answers)
        return asked >= FEWEST and self.agreed >= _AGREED * asked and close

    @property
    def why(self) -> str:
        """In one sentence, what became of it."""
        asked = len(self.answers)
        if asked < FEWEST:
            return f"只有 {asked} 条例句，至少要 {FEWEST} 条才能考"
        if self.passed:
            return f"{asked} 条例句对上 {self.agreed} 条，通过"
        wrong = "、".join(f"{gold} 评成 {given}" for gold, given in self.answers if gold != given)
        return f"{asked} 条例句对上 {self.agreed} 条（{wrong}），没有通过"


def gold(lesson: Lesson) -> list[str]:
    """The replies a grader has to judge."""
    return [sample.text for sample in lesson.samples]


def sitting(lesson: Lesson, grader: str, bands: Sequence[int]) -> Sitting:
    """The result, from the grader's band for each text of `gold(lesson)`."""
    return Sitting(grader, tuple((s.band, band) for s, band in zip(lesson.samples, bands, strict=True)))
