"""A grown forest of decision trees as plain arrays: one walk gives all outputs; growing happens in lessons.training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.vectors import Floats


@dataclass(frozen=True)
class Bins:
    """Features → whole numbers 0–255, so that trees compare integers and every machine takes the same path.

    Features are rounded first: machines add up floats in different orders.
    """

    low: Floats
    step: Floats

    def apply(self, features: Floats) -> NDArray[np.uint8]:
        steps = np.floor((np.round(features, 4) - self.low) / self.step)
        binned: NDArray[np.uint8] = np.clip(steps, 0, 255).astype(np.uint8)
        return binned


@dataclass(frozen=True)
class Forest:
    """Nodes of all trees one after the other. A node with `feature` -1 is a leaf and `left` its row in `leaves`.

    A case goes left when its binned feature is at most `threshold`. Leaf values are 0–255 for 0–1.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaves: NDArray[np.uint8]

    def predict(self, binned: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The mean leaf over all trees for one case."""
        at = self.roots.copy()
        features = self.feature[at]
        inner = np.flatnonzero(features >= 0)
        while len(inner):
            node = at[inner]
            goes_left = binned[self.feature[node]] <= self.threshold[node]
            at[inner] = np.where(goes_left, self.left[node], self.right[node])
            inner = inner[self.feature[at[inner]] >= 0]
        total = self.leaves[self.left[at]].astype(np.int64).sum(axis=0)
        mean: NDArray[np.float64] = total / (255.0 * len(self.roots))
        return mean
