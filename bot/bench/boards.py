"""boards: a weekly board over everybody, as a curve over people with 25 answers each.

Baseline: one pass over all answers in the database, counting them and their points.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.bench.apart import Memory, apart
from bot.bench.ground import MONDAY, ground, keep, situations
from bot.bench.report import Baseline, Figure, Options, Progress, Report, at_most, middle
from bot.core.clock import SHANGHAI
from lessons import boards, catalogue
from storage import boards as rows
from storage import people, planting
from storage.database import Database

_GOAL_AT = 100_000
_SECONDS = at_most(2.0)
_WEEKS, _DAYS = 5, 5
_ANSWERED = 100
"""Percent: the goal speaks of 25 answers a person."""
_WORDS = "您先别急，这个费用我现在就帮您查清楚，下午三点前给您回电话。"


@dataclass(frozen=True)
class Made:
    """Seconds of the board by the wall's clock and of this process's work, and of one pass over all answers; MB it
    took; people and answers on it."""

    seconds: float
    work: float
    scan: float
    grown: float
    people: int
    answers: int


async def run(options: Options, progress: Progress) -> Report:
    """One planted history a size, the board of its last week made `runs` times."""
    figures = []
    with progress.of("boards", len(options.people)) as show:
        for place, size in enumerate(options.people):
            figures += _figures(size, await apart(_measured, options, size))
            show(place + 1)
    sound = all(figure.value == figure.at for figure in figures if figure.key == "people")
    return Report("boards", figures, {"database": options.kind, "runs": options.runs}, sound=sound)


def _figures(size: int, found: list[Made]) -> list[Figure]:
    scan = Baseline("把作答数一遍", middle([each.scan for each in found]))
    seconds = middle([each.seconds for each in found])
    return [
        Figure("seconds", "算一周的榜", seconds, "秒", size, _SECONDS if size == _GOAL_AT else None, scan),
        Figure("work", "其中这个进程的处理器时间", middle([each.work for each in found]), "秒", size),
        Figure("memory", "内存最多多占", max(each.grown for each in found), "MB", size),
        Figure("answers", "库里的作答", found[0].answers, "次", size),
        Figure("people", "榜上的人", found[0].people, "人", size),
    ]


def _measured(options: Options, size: int) -> list[Made]:
    return asyncio.run(_boards(options, size))


async def _boards(options: Options, size: int) -> list[Made]:
    async with ground(options) as database:
        await _plant(database, size)
        return [await _once(database) for _ in range(options.runs)]


async def _plant(database: Database, size: int) -> None:
    """Five weeks of working days; the last one is the board's."""
    lessons = situations(catalogue.load(), _DAYS)
    at = datetime.combine(MONDAY, datetime.min.time(), SHANGHAI)
    async with database.transaction() as tx:
        await planting.organisation(tx, size, at)
        versions = await keep(tx, lessons, at)
    for day in days():
        moment = datetime.combine(day, datetime.min.time(), SHANGHAI) + timedelta(hours=10)
        async with database.transaction() as tx:
            turned = versions[day.toordinal() % _DAYS :][:1]
            await planting.questions(tx, turned, day, moment, moment + timedelta(hours=8), answered=_ANSWERED)
            await planting.replies(tx, day, moment, _WORDS)
    await planting.settle(database)


def days() -> list[date]:
    """The working days of the weeks before MONDAY."""
    first = MONDAY - timedelta(weeks=_WEEKS)
    return [first + timedelta(weeks=week, days=day) for week in range(_WEEKS) for day in range(_DAYS)]


async def _once(database: Database) -> Made:
    first, last = MONDAY - timedelta(days=7), MONDAY - timedelta(days=1)
    began = time.perf_counter()
    async with database.reading() as tx:
        answers = await planting.scan(tx)
    scan, memory = time.perf_counter() - began, Memory()
    began, worked = time.perf_counter(), time.process_time()
    async with database.reading() as tx:
        names = {key: each.name for key, each in (await people.departments(tx)).items()}
        board = boards.build(await rows.week(tx, first, last), names)
    seconds, work = time.perf_counter() - began, time.process_time() - worked
    return Made(seconds, work, scan, memory.grown, board.people, answers)
