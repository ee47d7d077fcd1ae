"""Agreement, error and precision figures over lists of numbers; no scoring and no printing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def qwk(truth: Sequence[int], guess: Sequence[int], classes: int) -> float:
    """Quadratic weighted kappa: 1 is perfect, 0 is what chance gives."""
    if not len(truth):
        return float("nan")
    seen = np.zeros((classes, classes))
    np.add.at(seen, (np.asarray(truth), np.asarray(guess)), 1)
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / len(truth)
    cost = (np.arange(classes)[:, None] - np.arange(classes)) ** 2
    expected = float((cost * chance).sum())
    return 1.0 - float((cost * seen).sum()) / expected if expected else 1.0


def mae(truth: Sequence[int], guess: Sequence[int]) -> float:
    return float(np.abs(np.asarray(truth) - np.asarray(guess)).mean()) if len(truth) else float("nan")


def share(hits: int, of: int) -> float | None:
    return hits / of if of else None


def by_length(lengths: Sequence[int], truth: Sequence[int], groups: NDArray[np.int64]) -> list[int]:
    """The bands a model that knows nothing but length would give, each group left out of its own fit.

    Log length in ten bins; a bin's answer is the mean band of its training replies, cut like the scorer's total.
    """
    logs, bands = np.log1p(np.asarray(lengths, dtype=float)), np.asarray(truth)
    guess = np.zeros(len(bands), dtype=int)
    for group in np.unique(groups):
        train, test = groups != group, groups == group
        edges = np.quantile(logs[train], np.linspace(0.1, 0.9, 9))
        bins = np.digitize(logs, edges)
        means = np.array(
            [bands[train][bins[train] == b].mean() if (bins[train] == b).any() else 2.0 for b in range(10)]
        )
        ranked = np.sort(means[bins[train]])
        cuts = [ranked[min(len(ranked) - 1, int((bands[train] <= band).sum()))] for band in range(4)]
        guess[test] = np.searchsorted(cuts, means[bins[test]], side="right")
    return [int(value) for value in guess]
