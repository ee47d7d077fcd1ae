"""Nearness in meaning between a query and the phrasings of templates; vectors are kept on disk between starts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.embed import WIDTH, Embedder, Vectors
from lessons.search.lexical import Scores

#: Phrasings that get a vector at most; beyond it the later phrasings of each template go without.
BUDGET = 16_000
_BATCH = 64
_FORMAT = "1"


@dataclass(frozen=True)
class MeaningIndex:
    """Unit vectors of phrasings, sorted by owner; `starts[d]` is the first row of document d."""

    phrasings: tuple[str, ...]
    vectors: Vectors
    owners: NDArray[np.int32]
    starts: NDArray[np.int64]

    def nearness(self, query: Vectors) -> tuple[Scores, Scores]:
        """The cosine of a unit vector to every phrasing, and the greatest of each document (-1 where it has none)."""
        each: Scores = self.vectors @ query
        return each, best_of(each, self.starts)


def best_of(values: Scores, starts: NDArray[np.int64]) -> Scores:
    """The greatest value in each of the consecutive groups that begin at `starts`; -1 for an empty group."""
    best = np.full(len(starts) - 1, -1.0, dtype=np.float32)
    filled = starts[:-1] < starts[1:]
    if filled.any():
        best[filled] = np.maximum.reduceat(values, starts[:-1][filled])
    return best


def build(phrasings: Sequence[Sequence[str]], embedder: Embedder, cache: Path | None = None) -> MeaningIndex:
    """`phrasings[d]` are the folded texts of document d, the most telling first."""
    kept = _within_budget(phrasings)
    texts = [text for texts in kept for text in texts]
    counts = [len(texts) for texts in kept]
    starts = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    owners = np.repeat(np.arange(len(kept), dtype=np.int32), counts)
    return MeaningIndex(tuple(texts), vectors_of(texts, embedder, cache), owners, starts)


def vectors_of(texts: Sequence[str], embedder: Embedder, cache: Path | None = None) -> Vectors:
    """The vectors of the texts, from the cache folder when the very same texts were embedded before."""
    if not texts:
        return np.zeros((0, WIDTH), dtype=np.float32)
    path = cache / f"meaning-{_digest(texts, embedder.name)}.npz" if cache is not None else None
    held = _read(path, len(texts)) if path is not None else None
    if held is not None:
        return held
    vectors = _embedded(texts, embedder)
    if path is not None:
        _write(path, vectors)
    return vectors


def unit(vectors: Vectors) -> Vectors:
    """The rows scaled to length one."""
    plain = np.asarray(vectors, dtype=np.float32)
    scaled: Vectors = plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), np.float32(1e-9))
    return scaled


def _within_budget(phrasings: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    each = max((len(texts) for texts in phrasings), default=0)
    while each > 1 and sum(min(each, len(texts)) for texts in phrasings) > BUDGET:
        each -= 1
    return [texts[:each] for texts in phrasings]


def _embedded(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """Embeds every distinct text once, those of like length together, which wastes no padding."""
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    place = {text: row for row, text in enumerate(distinct)}
    batches = [distinct[start : start + _BATCH] for start in range(0, len(distinct), _BATCH)]
    vectors = np.concatenate([np.asarray(embedder.encode(batch), dtype=np.float32) for batch in batches])
    return np.ascontiguousarray(unit(vectors)[[place[text] for text in texts]])


def _digest(texts: Sequence[str], name: str) -> str:
    content = "\x00".join((_FORMAT, name, *texts))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _read(path: Path, rows: int) -> Vectors | None:
    """What the file holds, or None when it is missing or not what it should be."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            vectors = held["vectors"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    whole = vectors.dtype == np.float32 and vectors.ndim == 2 and len(vectors) == rows
    return vectors if whole else None


def _write(path: Path, vectors: Vectors) -> None:
    """Writes beside the file and renames, so that a reader never sees half of it; a full disk costs only the cache."""
    beside = path.with_suffix(f".{hashlib.sha256(vectors.tobytes()).hexdigest()[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            np.savez(file, vectors=vectors)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
