"""Growing the forest: extremely randomised trees over binned features, packed into plain arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from lessons.scoring.forest import Bins, Forest

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

TREES = 160
_SMALLEST_LEAF = 3
_FEATURES = 0.4
_SEED = 20251101


def bins_of(features: Floats) -> Bins:
    """256 even bins between the rare extremes of every feature."""
    low, high = np.quantile(features, [0.002, 0.998], axis=0)
    low = np.minimum(low, features.min(axis=0) + 1e-6 * (high <= low))
    return Bins(low.astype(np.float32), np.maximum((high - low) / 254, 1e-6).astype(np.float32))


def grow(binned: NDArray[np.uint8], outputs: Floats, weight: Floats) -> tuple[Forest, Doubles, Doubles]:
    """A forest, and for each training row the mean answer of the trees that did not see it, and of all trees."""
    model = ExtraTreesRegressor(
        TREES,
        min_samples_leaf=_SMALLEST_LEAF,
        max_features=_FEATURES,
        bootstrap=True,
        oob_score=True,
        random_state=_SEED,
        n_jobs=1,
    )
    model.fit(binned.astype(np.float32), outputs, sample_weight=weight)
    return _packed(model), model.oob_prediction_, model.predict(binned.astype(np.float32))


def _packed(model: ExtraTreesRegressor) -> Forest:
    roots, feature, threshold, left, right, leaves = [], [], [], [], [], []
    nodes = leaf_rows = 0
    for tree in (estimator.tree_ for estimator in model.estimators_):
        is_leaf = tree.children_left < 0
        leaf_index = np.cumsum(is_leaf) - 1 + leaf_rows
        roots.append(nodes)
        feature.append(np.where(is_leaf, -1, tree.feature))
        threshold.append(np.where(is_leaf, 0, np.floor(np.maximum(tree.threshold, 0))))
        left.append(np.where(is_leaf, leaf_index, tree.children_left + nodes))
        right.append(np.where(is_leaf, 0, tree.children_right + nodes))
        leaves.append(np.rint(np.clip(tree.value[is_leaf][:, :, 0], 0, 1) * 255))
        nodes += len(is_leaf)
        leaf_rows += int(is_leaf.sum())
    return Forest(
        roots=np.array(roots, dtype=np.int32),
        feature=np.concatenate(feature).astype(np.int16),
        threshold=np.concatenate(threshold).astype(np.uint8),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        leaves=np.concatenate(leaves).astype(np.uint8),
    )
