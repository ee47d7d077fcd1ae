"""Examples → arrays for fitting: bags, dense blocks, rows of clauses and sentences, targets; all computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from lessons.model import Criterion
from lessons.scoring import heads, vectors
from lessons.scoring.clauses import Clause
from lessons.scoring.elsewhere import Elsewhere, of_situations
from lessons.scoring.embed import Embedder
from lessons.scoring.ngrams import Bag, weighted
from lessons.scoring.normalise import normalise
from lessons.scoring.reading import Parts, Reading, read
from lessons.scoring.situation import situation
from lessons.training.examples import COLD, Example

Floats = NDArray[np.float32]
_MOST_OF = 0.5
#: Made replies repeat the clauses of their parents.
_MADE_WEIGHT = 0.5


@dataclass(frozen=True)
class PartRows:
    """Clauses or sentences of all examples; `owner` is the example's place."""

    rarity: Floats
    grams: csr_array
    dense: Floats
    targets: Floats
    weight: Floats
    owner: NDArray[np.int64]
    groups: NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Rows of `reply_*`, `plain`, `outputs` are examples."""

    examples: list[Example]
    groups: NDArray[np.int64]
    made: NDArray[np.bool_]
    sample_weight: Floats
    reply_rarity: Floats
    surface_mean: Floats
    surface_scale: Floats
    reply_bags: list[Bag]
    reply_dense: Floats
    kernel: Floats
    reply_targets: Floats
    plain: Floats
    elsewhere: Elsewhere
    outputs: Floats
    clauses: PartRows
    sentences: PartRows


def build(listed: Sequence[Example], embedder: Embedder | None) -> Dataset:
    readings = [read(example.lesson, example.text, embedder) for example in listed]
    bags = [vectors.reply_bag(reading) for reading in readings]
    rarity = _rarity(bags, vectors.REPLY_BUCKETS)
    mean, scale, dense = _dense(readings)
    lessons = {example.lesson.id: example.lesson for example in listed}
    things = of_situations([situation(lesson) for _, lesson in sorted(lessons.items())])
    return Dataset(
        examples=list(listed),
        groups=np.array([example.group for example in listed]),
        made=np.array([example.made for example in listed]),
        sample_weight=np.array([example.weight for example in listed], dtype=np.float32),
        reply_rarity=rarity,
        surface_mean=mean,
        surface_scale=scale,
        reply_bags=[weighted(counts, rarity) for counts in bags],
        reply_dense=dense,
        kernel=_kernel([weighted(counts, rarity) for counts in bags], dense),
        reply_targets=np.array([_reply_targets(example) for example in listed], dtype=np.float32),
        plain=np.array([np.concatenate([_plain(reading), things.values(reading)]) for reading in readings]),
        elsewhere=things,
        outputs=np.array([_outputs(example) for example in listed], dtype=np.float32),
        clauses=_rows(listed, [reading.by_clause for reading in readings], readings),
        sentences=_rows(listed, [reading.by_sentence for reading in readings], readings),
    )


def _plain(reading: Reading) -> Floats:
    return vectors.plain_values(reading, vectors.hits_of(reading))


def _rarity(bags: Sequence[Bag], buckets: int) -> Floats:
    """Inverse document frequency; what occurs once only is not looked at. Half precision, as it is shipped."""
    seen = np.zeros(buckets)
    for counts in bags:
        seen[counts.indices] += 1
    rarity = np.where(seen >= 2, np.log((1 + len(bags)) / (1 + seen)) + 1, 0)
    return rarity.astype(np.float16).astype(np.float32)


def _dense(readings: Sequence[Reading]) -> tuple[Floats, Floats, Floats]:
    surface = np.array([vectors.reply_surface(reading) for reading in readings])
    mean = surface.mean(axis=0).astype(np.float32)
    scale = (np.sqrt(0.3 / surface.shape[1]) / (surface.std(axis=0) + 0.1)).astype(np.float32)
    meaning = np.array([vectors.reply_meaning(reading) for reading in readings])
    return mean, scale, np.hstack([meaning, (surface - mean) * scale]).astype(np.float32)


def _kernel(bags: Sequence[Bag], dense: Floats) -> Floats:
    """The inner product of every two replies over grams and dense values."""
    grams = np.zeros((len(bags), vectors.REPLY_BUCKETS), dtype=np.float32)
    for row, counts in zip(grams, bags, strict=True):
        row[counts.indices] = counts.values
    kernel: Floats = grams @ grams.T + dense @ dense.T
    return kernel


def _reply_targets(example: Example) -> list[float]:
    levels = [2 if example.levels[c] is None else int(example.levels[c] or 0) for c in Criterion]
    rules = [float(example.red_line == rule) for rule in heads.RULES]
    return [
        *(float(level >= least) for level in levels for least in (1, 2)),
        *(float(example.compliance >= least) for least in (1, 2)),
        *(float(example.band >= least) for least in (1, 2, 3, 4)),
        float(example.red_line not in {"", heads.GRADER}),
        *rules,
        float(example.levels[Criterion.EXPLAIN] is None),
    ]


def _outputs(example: Example) -> list[float]:
    levels = [1.0 if example.levels[c] is None else int(example.levels[c] or 0) / 2 for c in Criterion]
    return [
        *levels,
        example.compliance / 2,
        example.band / 4,
        float(example.red_line not in {"", heads.GRADER}),
        *(float(example.red_line == rule) for rule in heads.RULES),
        float(example.levels[Criterion.EXPLAIN] is None),
        *(float(example.trick == trick) for trick in heads.TRICKS),
    ]


def _rows(listed: Sequence[Example], every: Sequence[Parts], readings: Sequence[Reading]) -> PartRows:
    """Rows and targets of the clauses, or of the sentences, of all replies."""
    bags = [counts for parts in every for counts in vectors.part_bags(parts)]
    rarity = _rarity(bags, vectors.PART_BUCKETS)
    owner = np.concatenate([np.full(len(parts.pieces), place) for place, parts in enumerate(every)]).astype(np.int64)
    targets = [_part_targets(e, r, parts.pieces) for e, r, parts in zip(listed, readings, every, strict=True)]
    return PartRows(
        rarity=rarity,
        grams=as_rows([weighted(counts, rarity) for counts in bags], vectors.PART_BUCKETS),
        dense=np.concatenate([vectors.part_dense(parts) for parts in every]),
        targets=np.concatenate(targets).astype(np.float32),
        weight=np.array([_MADE_WEIGHT if example.made else 1.0 for example in listed], dtype=np.float32)[owner],
        owner=owner,
        groups=np.array([example.group for example in listed])[owner],
    )


def as_rows(bags: Sequence[Bag], buckets: int) -> csr_array:
    """Bags as the rows of a sparse matrix."""
    ends = np.cumsum([0, *(len(counts.indices) for counts in bags)])
    values, indices = (np.concatenate([getattr(counts, name) for counts in bags]) for name in ("values", "indices"))
    return csr_array((values, indices, ends), shape=(len(bags), buckets))


def _part_targets(example: Example, reading: Reading, pieces: Sequence[Clause]) -> Floats:
    count = len(pieces)
    earned = [_covered(example.spans.get(str(criterion)), reading, pieces) for criterion in heads.QUOTED]
    crossed = _covered(example.spans.get("redline"), reading, pieces) if example.red_line else np.zeros(count)
    cold = _covered(example.spans.get(COLD), reading, pieces)
    if example.compliance == 1 and COLD not in example.spans:
        cold = 1 - np.maximum.reduce(earned) if count else cold
    columns = [
        *earned,
        crossed,
        *(crossed * (example.red_line == rule) for rule in heads.RULES),
        np.full(count, example.band / 4),
        np.full(count, example.compliance / 2),
        cold,
    ]
    return np.array(columns, dtype=np.float32).T


def _covered(span: str | None, reading: Reading, pieces: Sequence[Clause]) -> Floats:
    """Which pieces lie mostly inside a quoted span, or hold most of it."""
    covered = np.zeros(len(pieces), dtype=np.float32)
    wanted = normalise(span).text.strip("。,.!? ") if span else ""
    start = reading.plain.text.find(wanted) if wanted else -1
    if start < 0:
        return covered
    end = start + len(wanted)
    for index, piece in enumerate(pieces):
        shared = min(end, piece.end) - max(start, piece.start)
        covered[index] = float(shared >= _MOST_OF * min(piece.end - piece.start, end - start))
    return covered
