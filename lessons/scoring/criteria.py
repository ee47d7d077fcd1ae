"""The learnt part: a reading → levels of the criteria, compliance and red-line likelihoods; marks are cut in total."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessons.scoring import elsewhere, heads, vectors
from lessons.scoring.forest import Bins, Forest
from lessons.scoring.ngrams import Bag, weighted
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
    *elsewhere.NAMES,
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
    """`outputs` by the names of `heads.OUTPUTS`, each 0–1; clauses and sentences × `heads.CLAUSE_HEADS`.

    `strayed` when the things named are rather those of another situation.
    """

    outputs: dict[str, float]
    clauses: Floats
    sentences: Floats
    strayed: bool

    def clause_head(self, name: str) -> Floats:
        column: Floats = self.clauses[:, heads.CLAUSE_HEADS.index(name)]
        return column

    def sentence_head(self, name: str) -> Floats:
        column: Floats = self.sentences[:, heads.CLAUSE_HEADS.index(name)]
        return column


@dataclass(frozen=True)
class Head:
    """Linear heads over a bag of characters and a row of dense values."""

    rarity: Floats
    grams: NDArray[np.int8]
    grams_scale: Floats
    dense: Floats

    @classmethod
    def of(
        cls, rarity: Halves, grams: NDArray[np.int8], grams_scale: Floats, dense: NDArray[np.int16], scale: Floats
    ) -> Head:
        return cls(rarity.astype(np.float32), grams, grams_scale, dense.astype(np.float32) * scale)

    def answer(self, bags: list[Bag], dense: Floats) -> Floats:
        """One row a bag, one column a head."""
        known = [weighted(counts, self.rarity) for counts in bags]
        from_grams = [counts.values @ self.grams[counts.indices].astype(np.float32) for counts in known]
        answers: Floats = np.stack(from_grams) * self.grams_scale + dense @ self.dense
        return answers


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
        self._elsewhere = elsewhere.Elsewhere(weights.things_known, weights.things_rarity.astype(np.float32))
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
        self._replies = Head.of(
            weights.reply_rarity,
            weights.reply_grams,
            weights.reply_grams_scale,
            weights.reply_dense,
            weights.reply_dense_scale,
        )
        self._clauses = Head.of(
            weights.clause_rarity,
            weights.clause_grams,
            weights.clause_grams_scale,
            weights.clause_dense,
            weights.clause_dense_scale,
        )
        self._sentences = Head.of(
            weights.sentence_rarity,
            weights.sentence_grams,
            weights.sentence_grams_scale,
            weights.sentence_dense,
            weights.sentence_dense_scale,
        )

    def judge(self, reading: Reading, hits: list[Hit]) -> Judgement:
        clauses = _of_parts(self._clauses, reading.by_clause)
        sentences = _of_parts(self._sentences, reading.by_sentence)
        things = self._elsewhere.values(reading)
        plain = vectors.plain_values(reading, hits)
        features = np.concatenate([self._reply(reading), pool(clauses), pool(sentences), plain, things])
        binned = self._bins.apply(features)
        answers = self._forest.predict(binned)
        answers[RED] = (answers[RED] + self._red_forest.predict(binned[RED_SEES])) / 2
        return Judgement(
            dict(zip(heads.OUTPUTS, answers.tolist(), strict=True)), clauses, sentences, elsewhere.has_strayed(things)
        )

    def _reply(self, reading: Reading) -> Floats:
        surface = (vectors.reply_surface(reading) - self._weights.surface_mean) * self._weights.surface_scale
        dense = np.concatenate([vectors.reply_meaning(reading), surface])
        answers: Floats = self._replies.answer([vectors.reply_bag(reading)], dense)[0] + self._weights.reply_base
        return answers


def _of_parts(head: Head, parts: Parts) -> Floats:
    if not parts.pieces:
        return np.zeros((0, len(heads.CLAUSE_HEADS)), dtype=np.float32)
    return head.answer(vectors.part_bags(parts), vectors.part_dense(parts))
