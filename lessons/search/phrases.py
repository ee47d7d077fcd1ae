"""Whole phrases (keywords, titles, method names) that stand in a query, character for character or sound for sound."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessons.search.document import Document
from lessons.search.lexical import Scores

Units = tuple[str, ...]

_UNIT = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]")
_KEYWORD, _TITLE, _METHOD = 1.0, 1.0, 0.7
_SHORTEST, _LONGEST = 2, 20
_LOOKED_AT = 60


@dataclass(frozen=True)
class PhraseIndex:
    """Phrase, as a row of units, → the documents it belongs to, and how much it tells about each."""

    size: int
    phrases: dict[Units, tuple[NDArray[np.int32], Scores]]

    def score(self, query: Units) -> Scores:
        """How nearly the query is made of a document's phrases: the square of the share, 0–1."""
        total = np.zeros(self.size, dtype=np.float32)
        for start, end in self.found(query):
            documents, strengths = self.phrases[query[start:end]]
            total[documents] += strengths * np.float32((end - start) / len(query))
        return np.minimum(total, 1.0) ** 2

    def found(self, query: Units) -> list[tuple[int, int]]:
        """Where known phrases stand in the query."""
        looked_at = min(len(query), _LOOKED_AT)
        return [
            (start, end)
            for start in range(looked_at)
            for end in range(start + 1, min(looked_at, start + _LONGEST) + 1)
            if query[start:end] in self.phrases
        ]


def build(documents: Sequence[Document], units: Callable[[str], Units]) -> PhraseIndex:
    """`units` cuts a folded text; phrases that are a single Chinese character are left out."""
    held: dict[Units, dict[int, float]] = {}
    for number, document in enumerate(documents):
        for phrase, strength in _of(document):
            cut = units(phrase)
            if len(cut) >= _SHORTEST or any(len(unit) >= _SHORTEST and unit == phrase for unit in cut):
                owners = held.setdefault(cut, {})
                owners[number] = max(strength, owners.get(number, 0.0))
    return PhraseIndex(len(documents), {phrase: _arrays(owners) for phrase, owners in held.items()})


def characters(text: str) -> Units:
    """Chinese characters one by one, Latin words and numbers whole: 4s店 → 4s, 店."""
    return tuple(_UNIT.findall(text))


def _arrays(owners: dict[int, float]) -> tuple[NDArray[np.int32], Scores]:
    return np.array(list(owners), dtype=np.int32), np.array(list(owners.values()), dtype=np.float32)


def _of(document: Document) -> list[tuple[str, float]]:
    return [
        *((keyword, _KEYWORD) for keyword in document.keywords),
        *((method, _METHOD) for method in document.methods),
        (document.title, _TITLE),
    ]
