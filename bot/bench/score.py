"""score: judge one reply after the other on one core, in words that nobody has used before.

Baseline: the sentence vectors of the same words alone, which any scorer with meaning would pay for.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.bench.apart import apart
from bot.bench.ground import situations
from bot.bench.report import Baseline, Figure, Options, Progress, Report, at_most, middle, percentile
from bot.bench.words import fresh, graded
from lessons import catalogue
from lessons.model import Lesson
from lessons.scoring import Scorer
from lessons.scoring.embed import UseEmbedder
from lessons.scoring.reading import pieces_of

_P95 = at_most(15.0)
_REPLIES, _QUICK = 600, 24
_LESSONS = 12


@dataclass(frozen=True)
class Scored:
    """Milliseconds of each reply: on the wall's clock and of work, and of work for its vectors alone."""

    wall: list[float]
    cpu: list[float]
    vectors: list[float]


async def run(options: Options, progress: Progress) -> Report:
    """`runs` processes, each with words of its own."""
    found = []
    with progress.of("score", options.runs) as show:
        for turn in range(options.runs):
            found.append(await apart(_measured, options.seed + turn, _QUICK if options.quick else _REPLIES))
            show(turn + 1)
    figures = []
    for key, label, share, goal in (("p50", "一条，中位", 0.5, None), ("p95", "一条，p95", 0.95, _P95)):
        wall, cpu, vectors = (
            middle([percentile(getattr(each, name), share) for each in found]) for name in ("wall", "cpu", "vectors")
        )
        against = Baseline("只算句向量", vectors)
        figures += [
            Figure(f"wall_{key}", f"{label}，墙上的钟", wall, "毫秒", goal=goal),
            Figure(f"cpu_{key}", f"{label}，处理器时间", cpu, "毫秒", goal=goal, against=against),
        ]
    return Report("score", figures, {"replies": len(found[0].wall), "runs": options.runs})


def _measured(seed: int, count: int) -> Scored:
    dice, known = random.Random(seed), graded()
    lessons = situations(catalogue.load(), _LESSONS)
    says = [
        (lesson, fresh(dice.choice(known[lesson.id]), dice)) for lesson in (dice.choice(lessons) for _ in range(count))
    ]
    scorer, vectors = Scorer.built_in(), UseEmbedder()
    for lesson in lessons:
        scorer.score(lesson, "您先别急，我这就帮您看。")
    vectors.encode(["您好"])
    wall, cpu = _timed(lambda say: scorer.score(*say), says)
    _, alone = _timed(lambda say: vectors.encode(pieces_of(say[1]) or ["您好"]), says)
    return Scored(wall, cpu, alone)


def _timed(
    work: Callable[[tuple[Lesson, str]], object], says: Sequence[tuple[Lesson, str]]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each call: on the wall's clock, and of this process's work."""
    wall, cpu = [], []
    for say in says:
        began, worked = time.perf_counter(), time.process_time()
        work(say)
        cpu.append((time.process_time() - worked) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    return wall, cpu
