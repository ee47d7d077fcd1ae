"""search: one query among many templates, how long the index takes to build, and to come back from its cache.

The templates are the built-in ones, copied in other words until there are enough. Baseline: looking for the query as
a substring in the text of every template.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bot.bench.apart import Memory, apart
from bot.bench.report import Baseline, Figure, Options, Progress, Report, at_most, middle, percentile
from bot.bench.words import fresh
from lessons import catalogue
from lessons.catalogue import BUILT_IN
from lessons.model import Template
from lessons.scoring.embed import UseEmbedder
from lessons.search import Index, labelled, synonyms

_GOAL_AT = 10_000
_QUICK = 40
_P95, _BUILD = at_most(15.0), at_most(30.0)


@dataclass(frozen=True)
class Searched:
    """Seconds to build and to come back, MB of the index, milliseconds of each query and of looking everywhere."""

    build: float
    cached: float
    grown: float
    wall: list[float]
    cpu: list[float]
    everywhere: list[float]


async def run(options: Options, progress: Progress) -> Report:
    """The curve over the number of templates; `--people` is that number here."""
    figures = []
    with progress.of("search", len(options.people) * options.runs) as show:
        for place, size in enumerate(options.people):
            found = []
            for turn in range(options.runs):
                found.append(await apart(_measured, options, size, options.seed + turn))
                show(place * options.runs + turn + 1)
            figures += _figures(size, found)
    return Report("search", figures, {"queries": len(found[0].wall), "runs": options.runs})


def _figures(size: int, found: list[Searched]) -> list[Figure]:
    big = size == _GOAL_AT
    share = 0.95
    wall, cpu, plain = (
        middle([percentile(getattr(each, name), share) for each in found]) for name in ("wall", "cpu", "everywhere")
    )
    return [
        Figure("build", "建索引", middle([each.build for each in found]), "秒", size, _BUILD if big else None),
        Figure("cached", "有缓存时再开", middle([each.cached for each in found]), "秒", size),
        Figure("memory", "索引占内存", middle([each.grown for each in found]), "MB", size),
        Figure("wall_p50", "查一次，中位", middle([middle(each.wall) for each in found]), "毫秒", size),
        Figure("wall_p95", "查一次，p95，墙上的钟", wall, "毫秒", size, _P95 if big else None),
        Figure("cpu_p95", "查一次，p95，处理器时间", cpu, "毫秒", size, _P95 if big else None,
               Baseline("逐条找子串", plain)),
    ]  # fmt: skip


def _measured(options: Options, size: int, seed: int) -> Searched:
    known = catalogue.load()
    templates = many(list(known.templates.values()), size, random.Random(seed))
    words, lessons = synonyms.load(BUILT_IN / "synonyms.yaml"), list(known.lessons.values())
    embedder = UseEmbedder()
    embedder.encode(["您好"])
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as cache:
        memory = Memory()
        builds = []
        for _ in range(2):
            began = time.perf_counter()
            index = Index.build(templates, lessons, words, embedder, Path(cache))
            builds.append(time.perf_counter() - began)
    queries = [query.text for part in labelled.parts() for query in labelled.load(part)]
    queries = queries[:_QUICK] if options.quick else queries
    index.search(queries[0])
    wall, cpu = [], []
    for query in queries:
        start, worked = time.perf_counter(), time.process_time()
        index.search(query)
        cpu.append((time.process_time() - worked) * 1000)
        wall.append((time.perf_counter() - start) * 1000)
    return Searched(builds[0], builds[1], memory.grown, wall, cpu, _everywhere(templates, queries))


def _everywhere(templates: list[Template], queries: list[str]) -> list[float]:
    """Milliseconds of work for finding each query as it stands."""
    texts = ["\n".join((each.title, *each.keywords, each.text)) for each in templates]
    spent = []
    for query in queries:
        worked = time.process_time()
        _ = [number for number, text in enumerate(texts) if query in text]
        spent.append((time.process_time() - worked) * 1000)
    return spent


def many(templates: list[Template], size: int, dice: random.Random) -> list[Template]:
    """So many templates: these, then copies of them in other words."""
    found = templates[:size]
    for number in range(len(found), size):
        model = templates[number % len(templates)]
        changed = {"id": f"{model.id}-{number}", "title": fresh(model.title, dice), "text": fresh(model.text, dice)}
        found.append(model.model_copy(update=changed))
    return found
