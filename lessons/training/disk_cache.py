"""Sentence vectors kept on disk between training runs; never used by the running product."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lessons.scoring.embed import WIDTH, Embedder, Vectors

FOLDER = Path(".cache")
_BATCH = 64


class DiskCache:
    """An embedder that remembers everything; a damaged or missing file only costs time."""

    def __init__(self, inner: Embedder, folder: Path = FOLDER) -> None:
        self.name = inner.name
        self._inner = inner
        self._path = folder / f"vectors-{inner.name}.npz"
        self._seen = self._read()
        self._known = len(self._seen)

    def encode(self, texts: Sequence[str]) -> Vectors:
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._seen}
        listed = list(missing.items())
        for start in range(0, len(listed), _BATCH):
            part = listed[start : start + _BATCH]
            self._seen.update(
                zip((key for key, _ in part), self._inner.encode([text for _, text in part]), strict=True)
            )
        return np.stack([self._seen[key] for key in keys]) if keys else np.zeros((0, WIDTH), dtype=np.float32)

    def save(self) -> None:
        """Write the cache if it grew; a folder that cannot be written is no fault."""
        if len(self._seen) == self._known:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(self._path, keys=np.array(list(self._seen)), vectors=np.stack(list(self._seen.values())))
        except OSError:
            return

    def _read(self) -> dict[str, Vectors]:
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
        except (OSError, ValueError, KeyError):
            return {}
