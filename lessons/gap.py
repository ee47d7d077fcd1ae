"""Which of the five criteria a team practises next, and the lesson of the week that shows it; nobody's own result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lessons.boards import K
from lessons.model import Criterion


@dataclass(frozen=True)
class Tries:
    """What a team's first tries at one lesson came to. `met` counts a hit as one and a partial as a half; what was not
    needed is in neither."""

    lesson_id: str
    people: int
    judged: dict[Criterion, int]
    met: dict[Criterion, float]


@dataclass(frozen=True)
class Gap:
    """The weakest criterion, the share of tries that met it (0–1), and the lesson to practise it in."""

    criterion: Criterion
    rate: float
    lesson_id: str


def weakest(tries: Sequence[Tries], people: int) -> Gap | None:
    """The gap of a team of which `people` answered; None for fewer than K people, or fewer than K tries judged.

    The lesson is where the criterion was met least; one that fewer than K people answered only when all are so.
    """
    judged = {c: sum(one.judged[c] for one in tries) for c in Criterion}
    rates = {c: sum(one.met[c] for one in tries) / judged[c] for c in Criterion if judged[c] >= K}
    if people < K or not rates:
        return None
    criterion = min(rates, key=lambda c: rates[c])
    shown = [one for one in tries if one.judged[criterion]]
    lesson = min(shown, key=lambda one: (one.people < K, *_order(one, criterion), one.lesson_id))
    return Gap(criterion, rates[criterion], lesson.lesson_id)


def _order(one: Tries, criterion: Criterion) -> tuple[float, int]:
    """The weakest first; among lessons of a few people the one with most of them: their results stay their own."""
    if one.people < K:
        return 0.0, -one.people
    return one.met[criterion] / one.judged[criterion], -one.people
