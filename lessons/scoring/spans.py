"""The learner's own words behind a verdict: always an exact piece of the text as typed."""

from __future__ import annotations

import numpy as np

from lessons.model import Criterion
from lessons.scoring.criteria import Judgement
from lessons.scoring.reading import Reading
from lessons.scoring.vectors import Floats

_JOINS = 0.6
_LONGEST = 60


def quote_for(criterion: Criterion, reading: Reading, judgement: Judgement) -> str | None:
    """The clauses that speak most for a criterion; None when the text has no clause."""
    if not reading.clauses:
        return None
    name = "band" if criterion is Criterion.EXPRESSION else str(criterion)
    return quote_around(judgement.clause_head(name), reading)


def quote_around(strength: Floats, reading: Reading) -> str | None:
    """The strongest clause together with neighbours nearly as strong, at most some sixty characters."""
    best = int(np.argmax(strength))
    needed = max(float(strength[best]) * _JOINS, 0.25)
    first = last = best
    while first > 0 and strength[first - 1] >= needed and _size(reading, first - 1, last) <= _LONGEST:
        first -= 1
    while (
        last + 1 < len(reading.clauses) and strength[last + 1] >= needed and _size(reading, first, last + 1) <= _LONGEST
    ):
        last += 1
    return quote_between(reading, reading.clauses[first].start, reading.clauses[last].end)


def quote_between(reading: Reading, start: int, end: int) -> str | None:
    """The original text behind a stretch of the normalised one."""
    return reading.plain.quote(start, end) or None


def _size(reading: Reading, first: int, last: int) -> int:
    return reading.clauses[last].end - reading.clauses[first].start
