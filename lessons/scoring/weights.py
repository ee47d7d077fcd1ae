"""The shipped weights: plain arrays in one file, with a digest of their content; how they are made is in training."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.vectors import Floats

FOLDER = Path(__file__).parent
Halves = NDArray[np.float16]
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Weights:
    """Everything learnt. Rows are inputs and columns are heads; small integers times `*_scale` give the weights."""

    reply_rarity: Halves
    reply_grams: NDArray[np.int8]
    reply_grams_scale: Floats
    reply_dense: NDArray[np.int16]
    reply_dense_scale: Floats
    reply_base: Floats
    surface_mean: Floats
    surface_scale: Floats
    clause_rarity: Halves
    clause_grams: NDArray[np.int8]
    clause_grams_scale: Floats
    clause_dense: NDArray[np.int16]
    clause_dense_scale: Floats
    sentence_rarity: Halves
    sentence_grams: NDArray[np.int8]
    sentence_grams_scale: Floats
    sentence_dense: NDArray[np.int16]
    sentence_dense_scale: Floats
    bins_low: Floats
    bins_step: Floats
    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaves: NDArray[np.uint8]
    red_roots: NDArray[np.int32]
    red_feature: NDArray[np.int16]
    red_threshold: NDArray[np.uint8]
    red_left: NDArray[np.int32]
    red_right: NDArray[np.int32]
    red_leaves: NDArray[np.uint8]
    things_known: NDArray[np.uint8]
    things_rarity: Halves
    mark_cuts: Floats
    total: Floats
    band_cuts: Floats
    red_cuts: Floats

    def digest(self) -> str:
        """Eight hex digits that change exactly when any weight changes."""
        seen = hashlib.sha256()
        for field in fields(self):
            array = np.ascontiguousarray(getattr(self, field.name))
            seen.update(f"{field.name}{array.dtype.str}{array.shape}".encode())
            seen.update(array.tobytes())
        return seen.hexdigest()[:8]


def file_of(embedder: str | None) -> Path:
    """Where the weights for an embedder, or for none, are kept."""
    return FOLDER / f"weights-{embedder or 'characters'}.npz"


@lru_cache(maxsize=4)
def load(path: Path) -> Weights:
    with np.load(path, allow_pickle=False) as arrays:
        loaded: dict[str, Any] = {field.name: arrays[field.name] for field in fields(Weights)}
    return Weights(**loaded)


def save(weights: Weights, path: Path) -> None:
    """The same weights make the same file, byte for byte; the old file stays whole until the new one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for field in fields(weights):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(getattr(weights, field.name)), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{field.name}.npy", _EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)
    unfinished.replace(path)
