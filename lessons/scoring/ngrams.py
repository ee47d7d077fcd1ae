"""Character n-grams of a text as a hashed bag, the same on every machine; no `hash()`, no vocabulary."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PRIMES = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F], dtype=np.uint64)
_MASK = np.uint64(0xFFFFFFFF)
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")

Indices = NDArray[np.int64]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Bag:
    """Sparse counts: `indices` ascending and unique."""

    indices: Indices
    values: Values


def grams(text: str, longest: int, buckets: int) -> Indices:
    """The bucket of every 1- to `longest`-gram of `text`, in order; a run of digits counts as one character."""
    codes = np.array([ord(char) for char in "^" + _DIGITS.sub("0", text) + "$"], dtype=np.uint64)
    found = []
    rolling = np.zeros_like(codes)
    for size in range(longest):
        if len(codes) <= size:
            break
        rolling = (rolling[: len(codes) - size] * np.uint64(31) + codes[size:] * _PRIMES[size]) & _MASK
        mixed = rolling ^ (rolling >> np.uint64(15))
        mixed = (mixed * np.uint64(0x2C1B3C6D)) & _MASK
        mixed ^= mixed >> np.uint64(12)
        found.append((mixed % np.uint64(buckets)).astype(np.int64))
    return np.concatenate(found)


def bag(text: str, longest: int, buckets: int) -> Bag:
    """Sublinear counts, not yet weighted by rarity."""
    indices, counts = np.unique(grams(text, longest, buckets), return_counts=True)
    return Bag(indices, (1.0 + np.log(counts)).astype(np.float32))


def weighted(counts: Bag, rarity: NDArray[np.float32]) -> Bag:
    """A bag times the rarity of its buckets, at length one."""
    values = counts.values * rarity[counts.indices]
    norm = float(np.sqrt(np.dot(values, values)))
    return Bag(counts.indices, values / np.float32(norm) if norm else values)
