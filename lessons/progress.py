"""How one learner is doing: the streak on working days and the trend of each criterion."""

from __future__ import annotations

from collections import Counter
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
    day uses one of two automatic freezes of its month; without one the streak ends. Days missed before the streak
    began use none.
    """
    merged: dict[date, bool | None] = {}
    for day, answered in days:
        before = merged.get(day)
        merged[day] = True if True in (before, answered) else before if answered is None else answered
    used: Counter[tuple[int, int]] = Counter()
    count, spent = 0, 0
    for day in sorted(merged, reverse=True):
        month = (day.year, day.month)
        if merged[day]:
            count, spent = count + 1, used[today.year, today.month]
        elif merged[day] is False:
            if used[month] == FREEZES_PER_MONTH:
                break
            used[month] += 1
    return Streak(count, FREEZES_PER_MONTH - spent)


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
