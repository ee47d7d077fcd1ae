"""The graded replies → readings and targets; the only place that knows the columns of content/graded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lessons import catalogue
from lessons.model import Criterion, Customer, Lesson, Track

GRADED = catalogue.BUILT_IN / "graded"
SAMPLES = GRADED / "samples"
ADDED = GRADED / "added"
FROZEN = GRADED / "frozen"
PARTS = ("graded", "samples", "added")


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
    part: str
    author: str


def load(folder: Path = GRADED, *, built_in: bool = False, only: str = "*") -> list[Graded]:
    """Every reply of `folder/<only>.jsonl` (not of its subfolders), in file order.

    A reply belongs to the lesson in `folder/lessons` of its scenario, or with `built_in` to the built-in one, where
    there is one; else to a lesson made of the row's own words, so that training depends on the graded replies alone.
    """
    lessons = _lessons(folder / "lessons", built_in=built_in)
    return [_graded(row, path, lessons) for path in sorted(folder.glob(f"{only}.jsonl")) for row in _rows(path)]


def taught(*, built_in: bool = False) -> list[Graded]:
    """Everything training may see: the graded replies, the lessons' labelled samples, and replies added later.

    Every row carries the words of its lesson as they were when it was labelled, so that editing a lesson does not
    change the weights.
    """
    return [reply for folder in (GRADED, SAMPLES, ADDED) for reply in load(folder, built_in=built_in)]


def _lessons(extra: Path, *, built_in: bool) -> dict[str, Lesson]:
    """The lessons of the folder `extra`, and the built-in ones if wanted, by id."""
    found = catalogue.examine(catalogue.BUILT_IN, complete=False)[0].situations() if built_in else ()
    files = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(extra.glob("*.yaml")))
    return {lesson.id: lesson for lesson in (*found, *map(Lesson.model_validate, files))}


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _graded(row: dict[str, Any], path: Path, built_in: dict[str, Lesson]) -> Graded:
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
        part=path.parent.name,
        author=path.stem,
    )


def bare_lesson(scenario: str, customer: str, context: str) -> Lesson:
    """A lesson with nothing but the words of the customer and the context."""
    track = Track(scenario.split("-", maxsplit=1)[0])
    return Lesson(
        id=scenario, title=scenario, track=track, customer=Customer(name="客户", says=customer), context=context
    )
