"""The graded replies → readings and targets; the only place that knows the columns of content/graded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessons import catalogue
from lessons.model import Criterion, Customer, Lesson, Track

GRADED = catalogue.BUILT_IN / "graded"
SAMPLES = GRADED / "samples"
FROZEN = GRADED / "frozen"


@dataclass(frozen=True)
class Graded:
    """One labelled reply with the lesson it answers. `levels` holds 0/1/2, or None for an explanation not needed."""

    id: str
    lesson: Lesson
    text: str
    band: int
    levels: dict[Criterion, int | None]
    compliance: int
    red_line: str
    spans: dict[str, str]
    kind: str
    author: str


def load(folder: Path = GRADED, *, built_in: bool = False) -> list[Graded]:
    """Every reply of `folder/*.jsonl` (not of its subfolders), in file order.

    With `built_in` a reply belongs to the built-in lesson of its scenario where there is one; without, to a lesson made
    of the row's own words, so that training depends on the graded replies alone.
    """
    lessons = _built_in_lessons() if built_in else {}
    return [_graded(row, path.stem, lessons) for path in sorted(folder.glob("*.jsonl")) for row in _rows(path)]


def taught(*, built_in: bool = False) -> list[Graded]:
    """Everything training may see: the graded replies, then the labelled samples and bad answers of the lessons.

    The samples are a copy taken when they were labelled, so that editing a lesson does not change the weights.
    """
    return [*load(built_in=built_in), *load(SAMPLES, built_in=built_in)]


def _built_in_lessons() -> dict[str, Lesson]:
    found, _ = catalogue.examine(catalogue.BUILT_IN, complete=False)
    return {lesson.id: lesson for lesson in found.situations()}


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _graded(row: dict[str, Any], author: str, built_in: dict[str, Lesson]) -> Graded:
    return Graded(
        id=str(row["id"]),
        lesson=built_in.get(row["scenario"]) or bare_lesson(row["scenario"], row["customer"], row["context"]),
        text=row["text"],
        band=int(row["band"]),
        levels={c: None if row.get(str(c)) is None else int(row[str(c)]) for c in Criterion},
        compliance=int(row["compliance"]),
        red_line=row.get("redline") or "",
        spans={k: v for k, v in (row.get("spans") or {}).items() if v},
        kind=row.get("kind") or "plain",
        author=author,
    )


def bare_lesson(scenario: str, customer: str, context: str) -> Lesson:
    """A lesson with nothing but the words of the customer and the context."""
    track = Track(scenario.split("-", maxsplit=1)[0])
    return Lesson(
        id=scenario, title=scenario, track=track, customer=Customer(name="客户", says=customer), context=context
    )
