"""BM25 with fields over any kind of terms, as arrays; scores are shares of what a perfect match would get."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Field = tuple[float, Sequence[str]]

_SATURATION = 1.2
_LENGTH_SHARE = 0.6
_RAREST = 0.004
#: Documents without any term, added so that a word in every one of few templates still counts.
_IMAGINED = 5


@dataclass(frozen=True)
class TermIndex:
    """Postings of every term: which documents carry it and how strongly (0–1), with its rarity."""

    size: int
    vocabulary: Mapping[str, int]
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    strengths: Scores
    rarities: Scores

    def score(self, query: Mapping[str, float]) -> Scores:
        """The weighted share of the query's terms that each document carries, 0–1; `query` maps terms to weights."""
        total = np.zeros(self.size, dtype=np.float32)
        mass = self.mass(query)
        if mass == 0:
            return total
        for term, weight in query.items():
            number = self.vocabulary.get(term)
            if number is not None:
                here = slice(self.starts[number], self.starts[number + 1])
                total[self.documents[here]] += self.strengths[here] * np.float32(weight * self.rarities[number] / mass)
        return total

    def mass(self, query: Mapping[str, float]) -> float:
        """What the query's terms are worth together; a term no document carries counts as the rarest."""
        return float(sum(weight * self.rarity(term) for term, weight in query.items()))

    def common(self, share: float) -> frozenset[str]:
        """The terms that more than this share of the documents carry."""
        counts = np.diff(self.starts) if self.vocabulary else ()
        return frozenset(term for term, count in zip(self.vocabulary, counts, strict=True) if count > share * self.size)

    def rarity(self, term: str) -> float:
        number = self.vocabulary.get(term)
        return _UNKNOWN if number is None else float(self.rarities[number])


def build(documents: Iterable[Sequence[Field]]) -> TermIndex:
    """Each document lists its fields as (weight, terms), the same fields in the same order.

    Shorter fields weigh more per term than longer ones. `documents` is read once and may be a generator.
    """
    counted = _Counted()
    for fields in documents:
        counted.add(fields)
    return counted.packed()


class _Counted:
    """How often each term stands in each field of each document, as growing flat arrays."""

    def __init__(self) -> None:
        self.size = 0
        self.vocabulary: dict[str, int] = {}
        self._terms = array("q")
        self._counts = array("i")
        self._rows: list[tuple[int, int, float, int, int]] = []

    def add(self, fields: Sequence[Field]) -> None:
        for place, (weight, terms) in enumerate(fields):
            counts = Counter(terms)
            self._terms.extend([self.vocabulary.setdefault(term, len(self.vocabulary)) for term in counts])
            self._counts.extend(counts.values())
            self._rows.append((self.size, place, weight, len(terms), len(counts)))
        self.size += 1

    def packed(self) -> TermIndex:
        if not self.vocabulary:
            none = np.zeros(0, np.float32)
            return TermIndex(self.size, {}, np.zeros(1, np.int64), np.zeros(0, np.int32), none, none)
        terms, frequencies, owners = self._frequencies()
        keys = terms * self.size + owners
        order = np.argsort(keys, kind="stable")
        firsts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        sums = np.add.reduceat(frequencies[order], firsts)
        terms, owners = np.divmod(keys[order][firsts], self.size)
        counts = np.bincount(terms, minlength=len(self.vocabulary))
        starts = np.zeros(len(counts) + 1, dtype=np.int64)
        np.cumsum(counts, out=starts[1:])
        strengths = np.minimum(sums / (_SATURATION + sums) * (1 + _SATURATION / 4), 1.0)
        rarities = rarity(counts / (self.size + _IMAGINED))
        return TermIndex(
            self.size,
            self.vocabulary,
            starts,
            owners.astype(np.int32),
            strengths.astype(np.float32),
            rarities.astype(np.float32),
        )

    def _frequencies(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """For each term of each field: the term, its frequency weighed by field and length, and the document."""
        owner, place, weight, length, distinct = (np.array(column) for column in zip(*self._rows, strict=True))
        average = np.bincount(place, weights=length) / np.maximum(1, np.bincount(place))
        share = weight / (1 - _LENGTH_SHARE + _LENGTH_SHARE * length / np.maximum(1.0, average)[place])
        counts = np.frombuffer(self._counts, dtype=np.int32)
        return (
            np.frombuffer(self._terms, dtype=np.int64),
            counts * np.repeat(share, distinct),
            np.repeat(owner.astype(np.int64), distinct),
        )


def query_terms(found: Iterable[str], weight: Callable[[str], float]) -> dict[str, float]:
    """Distinct terms with their weights; a repeated term counts once."""
    return {term: weight(term) for term in found}


def rarity(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of terms by the share of documents that carry them; the number of documents does not matter."""
    weights: NDArray[np.float64] = np.log(1 + (1 - share) / (share + _RAREST))
    return weights


_UNKNOWN = float(rarity(np.zeros(1))[0])
