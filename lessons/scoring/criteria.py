"""The learnt part: a reading → levels of the criteria, compliance and red-line likelihoods; marks are cut in total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessons.scoring import heads, vectors
from lessons.scoring.forest import Bins, Forest
from lessons.scoring.ngrams import weighted
from lessons.scoring.reading import Parts, Reading
from lessons.scoring.speech_hits import Hit
from lessons.scoring.vectors import Floats
from lessons.scoring.weights import Halves, Weights

#: The answers about red lines. Two forests give them: one sees all, one only what single clauses and sentences show,
#: so that nine kind sentences cannot hide the tenth.
RED = np.array([heads.OUTPUTS.index(name) for name in ("red-line", *heads.RULES)])
_FEATURES = (
    *heads.REPLY_HEADS,
    *(f"{part}:{how}:{name}" for part in ("clause", "sentence") for how in heads.POOLS for name in heads.CLAUSE_HEADS),
    *vectors.PLAIN_NAMES,
)
_ABOUT_PARTS = ("clause:", "sentence:")
_ABOUT_RED = (":outright", ":sounds", ":last", "about-life", "last-outright")
RED_SEES = np.array(
    [
        place
        for place, name in enumerate(_FEATURES)
        if name.startswith(_ABOUT_PARTS) or name.endswith(_ABOUT_RED) or name in {"red-line", *heads.RULES}
    ]
)


@dataclass(frozen=True)
class Judgement:
    """`outputs` by the names of `heads.OUTPUTS`, each 0–1; clauses and sentences × `heads.CLAUSE_HEADS`."""

    outputs: dict[str, float]
    clauses: Floats
    sentences: Floats

    def clause_head(self, name: str) -> Floats:
        column: Floats = self.clauses[:, heads.CLAUSE_HEADS.index(name)]
        return column

    def sentence_head(self, name: str) -> Floats:
        column: Floats = self.sentences[:, heads.CLAUSE_HEADS.index(name)]
        return column


@dataclass(frozen=True)
class PartHead:
    """The linear heads over clauses or over sentences."""

    longest: int
    rarity: Floats
    weights: Floats

    @classmethod
    def of(cls, longest: int, rarity: Halves, small: NDArray[np.int16], scale: Floats) -> PartHead:
        return cls(longest, rarity.astype(np.float32), small.astype(np.float32) * scale)


def pool(parts: Floats) -> Floats:
    """Heads of clauses or sentences → one row: best, mean of the best two, mean, last; zeros without any."""
    if not len(parts):
        return np.zeros(len(heads.CLAUSE_HEADS) * len(heads.POOLS), dtype=np.float32)
    ranked = np.sort(parts, axis=0)[::-1]
    return np.concatenate([ranked[0], ranked[:2].mean(axis=0), parts.mean(axis=0), parts[-1]])


class Judge:
    """The weights, ready to use."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._bins = Bins(weights.bins_low, weights.bins_step)
        self._forest = Forest(
            weights.roots, weights.feature, weights.threshold, weights.left, weights.right, weights.leaves
        )
        self._red_forest = Forest(
            weights.red_roots,
            weights.red_feature,
            weights.red_threshold,
            weights.red_left,
            weights.red_right,
            weights.red_leaves,
        )
        self._clauses = PartHead.of(
            vectors.CLAUSE_LONGEST, weights.clause_rarity, weights.clause_head, weights.clause_head_scale
        )
        self._sentences = PartHead.of(
            vectors.SENTENCE_LONGEST, weights.sentence_rarity, weights.sentence_head, weights.sentence_head_scale
        )
        self._reply_rarity = weights.reply_rarity.astype(np.float32)
        self._reply_dense = weights.reply_dense.astype(np.float32) * weights.reply_dense_scale

    def judge(self, reading: Reading, hits: list[Hit]) -> Judgement:
        clauses = self._parts(reading.by_clause, self._clauses)
        sentences = self._parts(reading.by_sentence, self._sentences)
        features = np.concatenate(
            [self._reply(reading), pool(clauses), pool(sentences), vectors.plain_values(reading, hits)]
        )
        binned = self._bins.apply(features)
        answers = self._forest.predict(binned)
        answers[RED] = (answers[RED] + self._red_forest.predict(binned[RED_SEES])) / 2
        return Judgement(dict(zip(heads.OUTPUTS, answers.tolist(), strict=True)), clauses, sentences)

    def _reply(self, reading: Reading) -> Floats:
        weights = self._weights
        counts = weighted(vectors.reply_bag(reading), self._reply_rarity)
        from_grams = (
            counts.values @ weights.reply_grams[counts.indices].astype(np.float32)
        ) * weights.reply_grams_scale
        surface = (vectors.reply_surface(reading) - weights.surface_mean) * weights.surface_scale
        dense = np.concatenate([vectors.reply_meaning(reading), surface])
        answers: Floats = (from_grams + dense @ self._reply_dense + weights.reply_base).astype(np.float32)
        return answers

    def _parts(self, parts: Parts, head: PartHead) -> Floats:
        if not parts.pieces:
            return np.zeros((0, len(heads.CLAUSE_HEADS)), dtype=np.float32)
        grams = np.zeros((len(parts.pieces), vectors.PART_BUCKETS), dtype=np.float32)
        for row, counts in zip(grams, vectors.part_bags(parts, head.longest), strict=True):
            known = weighted(counts, head.rarity)
            row[known.indices] = known.values
        answers: Floats = np.hstack([grams, vectors.part_dense(parts)]) @ head.weights
        return answers
