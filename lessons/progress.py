"""How one learner is doing: the streak on working days and the trend of each criterion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lessons.model import Criterion
from lessons.scoring.result import Mark, Score

FREEZES_PER_MONTH = 2

_WORTH = {Mark.HIT: 1.0, Mark.PARTIAL: 0.5, Mark.MISS: 0.0}


@dataclass(frozen=True)
class Streak:
    """Days in a row with an answer; `freezes_left` of this month's two still protect it."""

    days: int
    freezes_left: int


def streak(days: Sequence[tuple[date, bool | None]], today: date) -> Streak:
    """The streak up to today from (day, answered) of the days with a question, in any order.

    None for `answered` is a question still open and changes nothing. Days without a question do not count. A missed
    day uses one of two automatic freezes of its month; without one the streak ends.
    """
    merged: dict[date, bool | None] = {}
    for day, answered in days:
        before = merged.get(day)
        merged[day] = True if True in (before, answered) else before if answered is None else answered
    used: dict[tuple[int, int], int] = {}
    count, alive = 0, True
    for day in sorted(merged, reverse=True):
        answered = merged[day]
        if answered:
            count += alive
        elif answered is False and alive:
            month = (day.year, day.month)
            used[month] = used.get(month, 0) + 1
            alive = used[month] <= FREEZES_PER_MONTH
    spent = min(used.get((today.year, today.month), 0), FREEZES_PER_MONTH)
    return Streak(count, FREEZES_PER_MONTH - spent if count else FREEZES_PER_MONTH)


@dataclass(frozen=True)
class Trend:
    """One criterion over the last answers: the share achieved, and how that changed (None with too few answers)."""

    criterion: Criterion
    share: float
    change: float | None


def trends(scores: Sequence[Score], window: int = 5) -> list[Trend]:
    """The trend of each criterion from scores, the latest first: the last `window` against the `window` before."""
    found = []
    for criterion in Criterion:
        worth = [
            _WORTH[verdict.mark]
            for score in scores
            if (verdict := score.criteria.get(criterion)) is not None and verdict.mark in _WORTH
        ]
        if not worth:
            continue
        now, before = worth[:window], worth[window : 2 * window]
        change = sum(now) / len(now) - sum(before) / len(before) if len(before) >= 3 else None
        found.append(Trend(criterion, sum(now) / len(now), change))
    return found
