"""A reading → the numbers the models look at; the same code for training and use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lessons.model import RedLine
from lessons.scoring import relation, shape
from lessons.scoring.embed import WIDTH
from lessons.scoring.evidence import SIGNS
from lessons.scoring.ngrams import Bag, bag
from lessons.scoring.reading import Parts, Reading, unit
from lessons.scoring.speech_hits import Hit, is_about_life, speech_hits

Floats = NDArray[np.float32]

REPLY_BUCKETS = 2**15
PART_BUCKETS = 2**15
_LONGEST = 3

_MEANING_WEIGHT = np.float32(0.65)
PART_DENSE = 2 * WIDTH + len(SIGNS) + 11 + 1
REPLY_MEANING = 2 * WIDTH
REPLY_SURFACE = 3 * len(SIGNS) + len(shape.NAMES)
#: What the forest sees besides the heads and pools.
PLAIN_NAMES = (
    *(f"{sign}:{how}" for how in ("count", "last", "share") for sign in SIGNS),
    *relation.NAMES,
    *shape.NAMES,
    *(f"{rule}:{how}" for how in ("outright", "sounds") for rule in RedLine),
    "about-life",
    "last-outright",
)


def reply_bag(reading: Reading) -> Bag:
    return bag(reading.plain.text, _LONGEST, REPLY_BUCKETS)


def part_bags(parts: Parts) -> list[Bag]:
    return [bag(piece.text, _LONGEST, PART_BUCKETS) for piece in parts.pieces]


def reply_meaning(reading: Reading) -> Floats:
    """Where the clauses point together and their strongest traits, at equal weight."""
    if not len(reading.by_clause.vectors):
        return np.zeros(REPLY_MEANING, dtype=np.float32)
    joined: Floats = np.concatenate([reading.whole, unit(reading.by_clause.vectors.max(axis=0))]) * _MEANING_WEIGHT
    return joined


def reply_surface(reading: Reading) -> Floats:
    """Signs and outer shape, not yet standardised."""
    return np.concatenate([sign_summary(reading.by_clause.signs), shape.shape(reading)])


def sign_summary(signs: Floats) -> Floats:
    """How often each sign occurs (at most three times), whether the last clause shows it, its share of the clauses."""
    if not len(signs):
        return np.zeros(3 * len(SIGNS), dtype=np.float32)
    return np.concatenate([np.minimum(signs.sum(axis=0), 3), signs[-1], signs.mean(axis=0) * 3])


def part_dense(parts: Parts) -> Floats:
    """One row a clause or sentence: its meaning, that of its neighbours, its signs and how it is meant."""
    vectors, count = parts.vectors, len(parts.pieces)
    if not count:
        return np.zeros((0, PART_DENSE), dtype=np.float32)
    nothing = np.zeros((1, WIDTH), dtype=np.float32)
    around = (np.vstack([nothing, vectors[:-1]]) + np.vstack([vectors[1:], nothing])) / 2
    return np.hstack(
        [
            vectors * np.float32(0.7),
            around * np.float32(0.3),
            parts.signs * np.float32(0.2),
            _flags(parts) * np.float32(0.15),
            np.ones((count, 1), dtype=np.float32),
        ]
    ).astype(np.float32)


def _flags(parts: Parts) -> Floats:
    last = len(parts.pieces) - 1
    rows = [
        (
            piece.negated,
            piece.reported,
            piece.conditional,
            piece.question,
            piece.quoted,
            index == 0,
            index == last,
            index / max(1, last),
            len(piece.text) / 20,
            "我" in piece.text,
            "您" in piece.text or "你" in piece.text,
        )
        for index, piece in enumerate(parts.pieces)
    ]
    return np.array(rows, dtype=np.float32)


def plain_values(reading: Reading, hits: list[Hit]) -> Floats:
    """The values of `PLAIN_NAMES`."""
    outright = {hit.rule for hit in hits if hit.outright}
    sounds = {hit.rule for hit in hits}
    last = reading.clauses[-1].start if reading.clauses else 0
    extra = [
        *(float(rule in outright) for rule in RedLine),
        *(float(rule in sounds) for rule in RedLine),
        float(is_about_life(reading.situation)),
        float(any(hit.outright and hit.end > last for hit in hits)),
    ]
    known = np.array(extra, dtype=np.float32)
    return np.concatenate(
        [sign_summary(reading.by_clause.signs), relation.relation(reading), shape.shape(reading), known]
    )


def hits_of(reading: Reading) -> list[Hit]:
    return speech_hits(reading.plain.text, reading.clauses, reading.situation)
