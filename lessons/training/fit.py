"""A dataset → shipped weights: heads, then a forest over answers the heads gave to replies they had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.scoring import heads, vectors
from lessons.scoring.criteria import RED, RED_SEES, pool
from lessons.scoring.total import value as total_of
from lessons.scoring.weights import Weights
from lessons.training import cutting
from lessons.training.dataset import Dataset, PartRows
from lessons.training.growing import bins_of, grow
from lessons.training.linear import dual, ridge, to_small

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_REPLY_PENALTY = 0.25
_PART_PENALTY = 4.0
_INNER = 5


class Fitting:
    """Fits the whole pipeline on any choice of groups of one dataset."""

    def __init__(self, data: Dataset) -> None:
        self._data = data

    def fit(self, groups: Sequence[int]) -> Weights:
        """Weights learnt from the replies and clauses of `groups` alone."""
        data = self._data
        rows = np.flatnonzero(np.isin(data.groups, groups))
        features = self._unseen_features(list(groups))[rows]
        bins = bins_of(features)
        binned = bins.apply(features)
        forest, answers, seen = grow(binned, data.outputs[rows], data.sample_weight[rows])
        red_forest, *red = grow(binned[:, RED_SEES], data.outputs[rows][:, RED], data.sample_weight[rows])
        answers[:, RED], seen[:, RED] = (answers[:, RED] + red[0]) / 2, (seen[:, RED] + red[1]) / 2
        real = ~data.made[rows]
        outputs = data.outputs[rows]
        reply, base = self._reply_head(rows)
        grams_head, grams_scale = to_small(reply[: vectors.REPLY_BUCKETS], np.int8)
        dense_head, dense_scale = to_small(reply[vectors.REPLY_BUCKETS :], np.int16)
        bands, crossed = (outputs[real, heads.OUTPUTS.index(name)] for name in ("band", "red-line"))
        total = cutting.total_weights(answers[real], bands * 4, crossed > 0)
        return Weights(
            reply_rarity=data.reply_rarity.astype(np.float16),
            reply_grams=grams_head,
            reply_grams_scale=grams_scale,
            reply_dense=dense_head,
            reply_dense_scale=dense_scale,
            reply_base=base.astype(np.float32),
            surface_mean=data.surface_mean,
            surface_scale=data.surface_scale,
            clause_rarity=data.clauses.rarity.astype(np.float16),
            **_small("clause", _of_parts(data.clauses, groups)),
            sentence_rarity=data.sentences.rarity.astype(np.float16),
            **_small("sentence", _of_parts(data.sentences, groups)),
            things_known=data.elsewhere.known,
            things_rarity=data.elsewhere.rarity.astype(np.float16),
            bins_low=bins.low,
            bins_step=bins.step,
            roots=forest.roots,
            feature=forest.feature,
            threshold=forest.threshold,
            left=forest.left,
            right=forest.right,
            leaves=forest.leaves,
            red_roots=red_forest.roots,
            red_feature=red_forest.feature,
            red_threshold=red_forest.threshold,
            red_left=red_forest.left,
            red_right=red_forest.right,
            red_leaves=red_forest.leaves,
            total=total,
            **self._cuts(answers, seen, rows, total),
        )

    def _cuts(self, answers: Doubles, seen: Doubles, rows: NDArray[np.int64], total: Floats) -> dict[str, Any]:
        """Bands are cut half-way between where unseen and where seen replies want it, so that lesson samples land."""
        data = self._data
        real = ~data.made[rows]
        outputs = data.outputs[rows]
        red, band = heads.OUTPUTS.index("red-line"), heads.OUTPUTS.index("band")
        needed = outputs[:, heads.OUTPUTS.index("nothing-to-explain")] < 1
        marks = cutting.mark_cuts(answers[real & needed], outputs[real & needed])
        wanted = [
            cutting.matching_cuts(_totals(known[real], total), outputs[real, band] * 4, 5) for known in (answers, seen)
        ]
        outright = [index for index, name in enumerate(vectors.PLAIN_NAMES) if name.endswith(":outright")]
        heard = np.asarray(data.plain[rows][:, outright].any(axis=1))
        return {
            "mark_cuts": marks,
            "band_cuts": np.round(np.mean(wanted, axis=0), 4).astype(np.float32),
            "red_cuts": cutting.red_cuts(answers[:, red][real], outputs[:, red][real] > 0, heard[real]),
        }

    def _reply_head(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Primal weights of the reply heads: grams first, then dense inputs."""
        data = self._data
        alpha, base = self._reply_alpha(rows)
        grams = np.zeros((vectors.REPLY_BUCKETS, alpha.shape[1]))
        for row, strength in zip(rows, alpha, strict=True):
            counts = data.reply_bags[row]
            grams[counts.indices] += counts.values[:, None] * strength
        return np.vstack([grams, data.reply_dense[rows].T.astype(np.float64) @ alpha]), base

    def _reply_alpha(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A reply given to the wrong customer says nothing about the reply, so it is left out."""
        data = self._data
        kept = ~(data.made[rows] & (data.outputs[rows, heads.OUTPUTS.index(heads.OFF_TOPIC)] > 0))
        used = rows[kept]
        solved, base = dual(
            data.kernel[np.ix_(used, used)], data.reply_targets[used], data.sample_weight[used], _REPLY_PENALTY
        )
        alpha = np.zeros((len(rows), solved.shape[1]))
        alpha[kept] = solved
        return alpha, base

    def _unseen_features(self, groups: list[int]) -> Floats:
        """For every reply of `groups` what the forest sees, the heads having been taught without its group."""
        data = self._data
        answers = np.zeros((len(data.groups), len(heads.REPLY_HEADS)), dtype=np.float32)
        pools = np.zeros((len(data.groups), 2 * len(heads.CLAUSE_HEADS) * len(heads.POOLS)), dtype=np.float32)
        for part in range(min(_INNER, len(groups))):
            held = groups[part::_INNER]
            taught = [group for group in groups if group not in held]
            seen = np.flatnonzero(np.isin(data.groups, taught))
            new = np.flatnonzero(np.isin(data.groups, held))
            alpha, base = self._reply_alpha(seen)
            answers[new] = data.kernel[np.ix_(new, seen)] @ alpha + base
            by_clause = _pools(data.clauses, new, _of_parts(data.clauses, taught))
            by_sentence = _pools(data.sentences, new, _of_parts(data.sentences, taught))
            pools[new] = np.hstack([by_clause, by_sentence])
        return np.hstack([answers, pools, data.plain]).astype(np.float32)


def _totals(answers: Doubles, total: Floats) -> Doubles:
    return np.array([total_of(dict(zip(heads.OUTPUTS, row, strict=True)), total) for row in answers])


def _of_parts(parts: PartRows, groups: Sequence[int]) -> Floats:
    """Weights of the heads over clauses or sentences, learnt from the given groups."""
    rows = np.flatnonzero(np.isin(parts.groups, groups))
    return ridge(parts.grams[rows], parts.dense[rows], parts.targets[rows], parts.weight[rows], _PART_PENALTY)


def _small(name: str, head: Floats) -> dict[str, Any]:
    """A head as the fields of the weights that begin with `name`."""
    grams, grams_scale = to_small(head[: vectors.PART_BUCKETS], np.int8)
    dense, dense_scale = to_small(head[vectors.PART_BUCKETS :], np.int16)
    named = {"grams": grams, "grams_scale": grams_scale, "dense": dense, "dense_scale": dense_scale}
    return {f"{name}_{field}": value for field, value in named.items()}


def _pools(parts: PartRows, rows: NDArray[np.int64], head: Floats) -> Floats:
    answers = parts.grams @ head[: vectors.PART_BUCKETS] + parts.dense @ head[vectors.PART_BUCKETS :]
    starts = np.searchsorted(parts.owner, rows, side="left")
    ends = np.searchsorted(parts.owner, rows, side="right")
    return np.array([pool(answers[a:b]) for a, b in zip(starts, ends, strict=True)])
