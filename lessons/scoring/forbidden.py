"""A lesson's own list of what must not be said or granted: is any of it offered in the reply?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lessons.model import RedLine
from lessons.scoring.clauses import Clause
from lessons.scoring.normalise import normalise
from lessons.scoring.reading import Reading
from lessons.scoring.spans import quote_between
from lessons.scoring.things import pairs

_ENOUGH = 0.6
_FEWEST_PAIRS = 4


def forbidden_promises(reading: Reading) -> Iterator[tuple[RedLine, str]]:
    """Rules of the lesson's forbidden promises whose cues a clause says nearly word for word, with the clause."""
    for limit in reading.lesson.authority.cannot:
        if limit.rule is None:
            continue
        for cue in limit.cues:
            clause = _said(_cue(cue), reading)
            quote = clause and quote_between(reading, clause.start, clause.end)
            if quote:
                yield limit.rule, quote


@lru_cache(maxsize=8192)
def _cue(text: str) -> str:
    return normalise(text).text


def _said(cue: str, reading: Reading) -> Clause | None:
    wanted = pairs(cue)
    if len(wanted) < _FEWEST_PAIRS:
        return None
    for clause in reading.clauses:
        if clause.reported or clause.quoted or clause.negated != _is_negated(cue):
            continue
        if len(wanted & pairs(clause.text)) / len(wanted) >= _ENOUGH:
            return clause
    return None


def _is_negated(cue: str) -> bool:
    return any(char in cue for char in "不没别")
