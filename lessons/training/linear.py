"""Ridge regression for many heads at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_STEPS = 20


def dual(kernel: Floats, targets: Floats, weight: Floats, penalty: float) -> tuple[Doubles, Doubles]:
    """Coefficients of the training rows and the base, for replies whose inner products are known."""
    base = np.average(targets, axis=0, weights=weight).astype(np.float64)
    system = kernel.astype(np.float64) + np.diag(penalty / weight.astype(np.float64))
    solved: Doubles = np.asarray(np.linalg.solve(system, targets - base), dtype=np.float64)
    return solved, base


def ridge(grams: csr_array, dense: Floats, targets: Floats, weight: Floats, penalty: float) -> Floats:
    """Weights, inputs × heads, of rows too many and too wide to solve: conjugate gradients, all heads at once."""
    buckets, each = grams.shape[1], weight[:, None]
    turned_grams, turned_dense = grams.T.tocsr(), np.ascontiguousarray(dense.T)

    def forth(weights: Floats) -> Floats:
        answers: Floats = each * (grams @ weights[:buckets] + dense @ weights[buckets:])
        return answers

    def back(rows: Floats) -> Floats:
        return np.vstack([turned_grams @ rows, turned_dense @ rows])

    squares = np.concatenate([grams.multiply(grams).T @ weight, (dense * dense).T @ weight])
    diagonal = (squares + penalty).astype(np.float32)[:, None]
    found = np.zeros((len(diagonal), targets.shape[1]), dtype=np.float32)
    rest = back(each * targets)
    step = rest / diagonal
    size = (rest * step).sum(axis=0)
    for _ in range(_STEPS):
        pull = back(forth(step)) + penalty * step
        far = size / np.maximum((step * pull).sum(axis=0), 1e-20)
        found, rest = found + far * step, rest - far * pull
        next_step = rest / diagonal
        next_size = (rest * next_step).sum(axis=0)
        step, size = next_step + step * (next_size / np.maximum(size, 1e-20)), next_size
    return found


def to_small(
    weights: Floats | Doubles, kind: type[np.int8] | type[np.int16]
) -> tuple[NDArray[np.signedinteger], Floats]:
    """Whole numbers and the scale of each column that bring the weights back."""
    most = float(np.iinfo(kind).max)
    scale = (np.abs(weights).max(axis=0) / most + 1e-12).astype(np.float32)
    return np.rint(weights / scale).astype(kind), scale
