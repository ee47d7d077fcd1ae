"""Where the answers are cut: marks, bands and red-line tiers, from answers of trees that had not seen the reply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lessons.scoring import heads, total

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_RIDGE = 3.0
_SURE = 0.985
_FOUND = 0.92


def mark_cuts(answers: Doubles, truth: Floats) -> Floats:
    """For each criterion the levels from which on a reply is partial and is hit, so that as many are as truly are."""
    rows = [
        matching_cuts(answers[:, column], np.rint(truth[:, column] * 2), 3) for column in range(len(heads.CRITERIA))
    ]
    return np.array(rows, dtype=np.float32)


def matching_cuts(values: Doubles, truth: Floats | Doubles, classes: int) -> list[float]:
    """Cuts that make every class as frequent among the values as among the truth."""
    ranked = np.sort(values)
    cuts = []
    for upper in range(classes - 1):
        below = int((truth <= upper).sum())
        edge = ranked[max(0, below - 1) : below + 1]
        cuts.append(round(float(edge.mean()), 4))
    return cuts


def total_weights(answers: Doubles, bands: Floats, red: NDArray[np.bool_]) -> Floats:
    """The weights of the total: ridge regression of the bands of clean replies, then the chance of a red line."""
    grounds = np.array([total.grounds(dict(zip(heads.OUTPUTS, row, strict=True))) for row in answers[~red]])
    scale = grounds.std(axis=0) + 1e-3
    scale[-1] = 1.0
    scaled = grounds / scale
    penalty = np.full(scaled.shape[1], _RIDGE)
    penalty[-1] = 1e-6
    solved = np.linalg.solve(scaled.T @ scaled + np.diag(penalty), scaled.T @ bands[~red]) / scale
    chance = _logistic(answers[:, heads.OUTPUTS.index("red-line")], red)
    weights: Floats = np.concatenate([solved, chance]).astype(np.float32)
    return weights


def _logistic(likely: Doubles, truth: NDArray[np.bool_]) -> Doubles:
    """Slope and base of the chance of a red line given its likelihood, by Newton's method."""
    inputs = np.column_stack([likely, np.ones(len(likely))])
    found = np.array([4.0, -2.0])
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-(inputs @ found)))
        bend = inputs.T @ (inputs * (chance * (1 - chance))[:, None]) + 1e-3 * np.eye(2)
        found = found + np.linalg.solve(bend, inputs.T @ (truth - chance))
    return found


def red_cuts(likely: Doubles, truth: NDArray[np.bool_], heard: NDArray[np.bool_]) -> Floats:
    """Least likelihoods for: confirmed when heard outright, confirmed unheard, suspected unheard."""
    with_words = _surest(likely[heard], truth[heard], lowest=0.2, highest=0.6)
    alone = _surest(likely, truth, lowest=0.6, highest=0.95)
    unheard = np.sort(likely[truth & ~heard])
    missed = int((1 - _FOUND) * truth.sum())
    suspected = float(np.clip(unheard[min(missed, len(unheard) - 1)], 0.18, 0.25))
    return np.array([with_words, alone, suspected], dtype=np.float32)


def _surest(likely: Doubles, truth: NDArray[np.bool_], *, lowest: float, highest: float) -> float:
    """The least cut in the range above which nearly all are true."""
    for cut in np.arange(lowest, highest, 0.01):
        above = likely >= cut
        if above.any() and truth[above].mean() >= _SURE:
            return float(round(cut, 2))
    return highest
