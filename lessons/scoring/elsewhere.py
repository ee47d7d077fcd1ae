"""Whether a reply speaks of its own customer's things or of another customer's, by the rare pairs of characters."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.numbers import numbers
from lessons.scoring.reading import Reading
from lessons.scoring.situation import Situation
from lessons.scoring.things import pairs
from lessons.scoring.vectors import Floats

BUCKETS = 2**13
NAMES = ("things-own", "things-anywhere", "things-own-share", "things-own-of-anywhere")
_LONG_NUMBER = 2


#: A reply with this much of some situation, and at most this share of that of its own, answers the other one.
_MUCH, _OWN_AT_MOST = 25.0, 0.35


@dataclass(frozen=True)
class Elsewhere:
    """`known` is situations × buckets, 1 where a situation has the thing; `rarity` one weight a bucket."""

    known: NDArray[np.uint8]
    rarity: Floats

    def values(self, reading: Reading) -> Floats:
        """The values of `NAMES`: how much of the reply its own situation has, and how much the best of all."""
        said = buckets(frozenset(pairs(reading.plain.text)), numbers(reading.plain.text))
        if not len(said):
            return np.zeros(len(NAMES), dtype=np.float32)
        worth = self.rarity[said]
        own = float(worth[np.isin(said, _of(reading.situation))].sum())
        best = max(own, float((self.known[:, said] @ worth).max()))
        return np.array([own, best, own / float(worth.sum()), own / (best + 1.0)], dtype=np.float32)


def has_strayed(values: Floats) -> bool:
    """Whether the values of `NAMES` show a reply to another customer."""
    return bool(values[1] >= _MUCH and values[3] < _OWN_AT_MOST)


@lru_cache(maxsize=2048)
def _of(scene: Situation) -> NDArray[np.int64]:
    """The things of a situation: what is said, known and permitted."""
    return buckets(scene.things, scene.numbers)


def buckets(words: frozenset[str], figures: frozenset[str]) -> NDArray[np.int64]:
    """Pairs of characters and longer numbers, hashed, each once, ascending."""
    things = {*words, *(figure for figure in figures if len(figure) >= _LONG_NUMBER)}
    return np.unique([zlib.crc32(thing.encode()) % BUCKETS for thing in things]).astype(np.int64)


def of_situations(scenes: list[Situation]) -> Elsewhere:
    """The table of the given situations."""
    known = np.zeros((len(scenes), BUCKETS), dtype=np.uint8)
    for row, scene in zip(known, scenes, strict=True):
        row[_of(scene)] = 1
    rarity = np.log((1 + len(scenes)) / (0.5 + known.sum(axis=0))).astype(np.float16).astype(np.float32)
    return Elsewhere(known, rarity)
