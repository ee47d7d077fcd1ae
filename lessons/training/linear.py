"""Ridge regression for many heads at once, with whole groups left out at no extra cost."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def dual(kernel: Floats, targets: Floats, weight: Floats, penalty: float) -> tuple[Doubles, Doubles]:
    """Coefficients of the training rows and the base, for replies whose inner products are known."""
    base = np.average(targets, axis=0, weights=weight).astype(np.float64)
    system = kernel.astype(np.float64) + np.diag(penalty / weight.astype(np.float64))
    solved: Doubles = np.asarray(np.linalg.solve(system, targets - base), dtype=np.float64)
    return solved, base


class Grams:
    """The normal equations of clause rows, kept per group so that any groups can be left out."""

    def __init__(self, rows: Floats, targets: Floats, groups: NDArray[np.int64], penalty: float) -> None:
        self._penalty = penalty
        self._parts = {
            int(group): (
                rows[groups == group].T @ rows[groups == group],
                rows[groups == group].T @ targets[groups == group],
            )
            for group in np.unique(groups)
        }

    def fit(self, groups: Iterable[int]) -> Doubles:
        """Weights, inputs × heads, learnt from the given groups."""
        chosen = [self._parts[group] for group in groups if group in self._parts]
        left = np.sum([part[0] for part in chosen], axis=0).astype(np.float64)
        right = np.sum([part[1] for part in chosen], axis=0).astype(np.float64)
        left[np.diag_indices_from(left)] += self._penalty
        return np.linalg.solve(left, right)


def to_small(weights: Doubles, kind: type[np.int8] | type[np.int16]) -> tuple[NDArray[np.signedinteger], Floats]:
    """Whole numbers and the scale of each column that bring the weights back."""
    most = float(np.iinfo(kind).max)
    scale = (np.abs(weights).max(axis=0) / most + 1e-12).astype(np.float32)
    return np.rint(weights / scale).astype(kind), scale
