"""How often the right template comes first, or among the first three, by kind of query; as a table and as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessons.search.index import Hit, Index
from lessons.search.labelled import FOLDER, KIND_NAMES, Kind, LabelledQuery, load, parts

_SHOWN = 3


@dataclass(frozen=True)
class Tally:
    """Queries asked, and those right at the first place and among the first three.

    For nonsense, right means that nothing was found.
    """

    asked: int
    first: int
    top: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.asked + other.asked, self.first + other.first, self.top + other.top)

    def to_dict(self) -> dict[str, Any]:
        return {"n": self.asked, "hit@1": _share(self.first, self.asked), "hit@3": _share(self.top, self.asked)}


@dataclass(frozen=True)
class Miss:
    """A query whose answer was wrong, with what came instead."""

    query: LabelledQuery
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Report:
    """One part of the queries: tallies by kind, what was wrong, and how many had no template to find."""

    part: str
    kinds: Mapping[Kind, Tally]
    misses: tuple[Miss, ...]
    uncovered: int

    @property
    def together(self) -> Tally:
        """All kinds but nonsense."""
        return sum((tally for kind, tally in self.kinds.items() if kind is not Kind.NONSENSE), Tally(0, 0, 0))

    def to_dict(self) -> dict[str, Any]:
        return {
            "part": self.part,
            "kinds": {str(kind): tally.to_dict() for kind, tally in self.kinds.items()},
            "together": self.together.to_dict(),
            "uncovered": self.uncovered,
            "misses": [
                {
                    "id": miss.query.id,
                    "text": miss.query.text,
                    "kind": str(miss.query.kind),
                    "situations": list(miss.query.situations),
                    "hits": [{"template": hit.template, "score": hit.score, "why": hit.why} for hit in miss.hits],
                }
                for miss in self.misses
            ],
        }


def measure(index: Index, queries: Iterable[LabelledQuery], part: str = "") -> Report:
    """Ask every query. Those whose situations no template covers are only counted."""
    covered = {situation for template in index.templates for situation in template.situations}
    tallies: dict[Kind, Tally] = defaultdict(lambda: Tally(0, 0, 0))
    misses: list[Miss] = []
    uncovered = 0
    for query in queries:
        if query.situations and covered.isdisjoint(query.situations):
            uncovered += 1
            continue
        hits = index.search(query.text, _SHOWN)
        tally = _judged(query, hits)
        tallies[query.kind] += tally
        if not tally.top:
            misses.append(Miss(query, tuple(hits)))
    return Report(part, {kind: tallies[kind] for kind in Kind if kind in tallies}, tuple(misses), uncovered)


def reports(index: Index, folder: Path = FOLDER) -> list[Report]:
    """The reports on all parts that are there."""
    return [measure(index, load(part, folder), part) for part in parts(folder)]


def table(report: Report, *, misses: bool = False) -> str:
    """The report as lines of text; with `misses` every wrong answer as well."""
    lines = [f"{report.part}：{'kind':<12}{'n':>5}{'hit@1':>8}{'hit@3':>8}"]
    lines += [_line(f"{kind:<12}", tally, KIND_NAMES[kind]) for kind, tally in report.kinds.items()]
    lines.append(_line(f"{'together':<12}", report.together, "不含闲聊"))
    lines.append(f"没有话术可查、未计入：{report.uncovered} 条")
    if misses:
        lines += [f"  ✗ {m.query.id} {m.query.kind} {m.query.text} → {_found(m.hits)}" for m in report.misses]
    return "\n".join(lines)


def _judged(query: LabelledQuery, hits: Sequence[Hit]) -> Tally:
    if not query.situations:
        return Tally(1, int(not hits), int(not hits))
    right = [not set(query.situations).isdisjoint(hit.situations) for hit in hits]
    return Tally(1, int(right[:1] == [True]), int(any(right[:_SHOWN])))


def _line(name: str, tally: Tally, meaning: str) -> str:
    shares = f"{_share(tally.first, tally.asked):>8.3f}{_share(tally.top, tally.asked):>8.3f}"
    return f"  {name}{tally.asked:>7}{shares}  {meaning}"


def _found(hits: Sequence[Hit]) -> str:
    return "；".join(f"{hit.template} {hit.score:.2f} {hit.why}" for hit in hits) or "没找到"


def _share(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0
