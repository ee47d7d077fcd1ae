"""Levels → marks, band and points; the only place with the scale of points."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from lessons.model import Criterion
from lessons.scoring.result import Mark

#: The points of each band, lowest and highest, in steps of five.
POINTS = ((0, 20), (25, 45), (50, 65), (70, 85), (90, 100))
_STEP = 5


def grounds(outputs: dict[str, float]) -> NDArray[np.float64]:
    """What the total is a weighted sum of: the five levels, compliance, red-line likelihood and where they meet."""
    levels = np.array([outputs[str(criterion)] for criterion in Criterion])
    compliance, red = outputs["compliance"], outputs["red-line"]
    return np.concatenate([levels, [compliance, red, levels[0] * levels[3]], compliance * levels, [1.0]])


def as_granted(outputs: dict[str, float], granted: Collection[str], *, clean: bool) -> dict[str, float]:
    """The outputs as a human found them: granted criteria fully done; with `clean` no red line is left."""
    done = {str(criterion): 1.0 for criterion in Criterion if criterion in granted}
    return {**outputs, **done, **({"compliance": 1.0, "red-line": 0.0} if clean else {})}


def value(outputs: dict[str, float], weights: NDArray[np.float32]) -> float:
    """The total on the scale of bands, rounded so that every machine agrees.

    What the reply would be worth without a red line, times the chance that it crosses none. The last two weights
    turn the likelihood of a red line into that chance.
    """
    exact = weights.astype(np.float64)
    clean = float(grounds(outputs) @ exact[:-2])
    chance = 1.0 / (1.0 + np.exp(-(exact[-2] * outputs["red-line"] + exact[-1])))
    return round(clean * (1.0 - float(chance)), 4)


def band_of(total: float, cuts: NDArray[np.float32]) -> int:
    return int(np.searchsorted(np.round(cuts.astype(np.float64), 4), total, side="right"))


def points_of(total: float, band: int, cuts: NDArray[np.float32]) -> int:
    """Where the total lies between the cuts of its band, as points in steps of five."""
    edges = np.concatenate([[-0.2], cuts.astype(np.float64), [4.1]])
    low, high = edges[band], edges[band + 1]
    share = min(1.0, max(0.0, (total - low) / (high - low)))
    least, most = POINTS[band]
    steps = (most - least) // _STEP
    return least + _STEP * min(steps, int(share * (steps + 1)))


def mark_of(level: float, cuts: NDArray[np.float32]) -> Mark:
    """`cuts` are the lowest levels of partial and of hit."""
    return (Mark.MISS, Mark.PARTIAL, Mark.HIT)[
        int(np.searchsorted(np.round(cuts.astype(np.float64), 4), level, side="right"))
    ]
