"""rows: what a row and its entries in the indexes weigh on the disk, as a curve over people with a few days of work.

One person's day is lived through the real dispatcher; what it wrote is then planted for everybody.
Baseline: the bytes of the values in the same rows, without headers, padding, free space and indexes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.app import open_desk
from bot.bench.apart import apart
from bot.bench.day import CALL, at, live, plant
from bot.bench.ground import MONDAY, ground, keep, situations
from bot.bench.report import Baseline, Figure, Options, Progress, Report
from bot.config import Settings
from bot.delivery.calls import Call
from storage import planting, sizes
from storage.database import Database
from storage.models import (
    Assignment,
    Attempt,
    Content,
    Conversation,
    Delivery,
    Identity,
    Inbox,
    Lookup,
    Person,
    Review,
)
from storage.sizes import Size

_DAYS = 3
_JOBS = 400
"""More are never in the queue: `bot.delivery.calls`."""

TABLES: tuple[tuple[Any, str], ...] = (
    (Person, "人"),
    (Identity, "平台身份"),
    (Assignment, "题目"),
    (Attempt, "作答"),
    (Review, "复习卡"),
    (Delivery, "消息"),
    (Content, "消息内容"),
    (Inbox, "收件"),
    (Lookup, "查话术"),
    (Conversation, "对话"),
)
"""The tables that grow with people and days."""


@dataclass(frozen=True)
class Weighed:
    """One table: its name for programs and for people, what it weighs, and bytes of the values in it."""

    key: str
    label: str
    size: Size
    values: int


async def run(options: Options, progress: Progress) -> Report:
    """One planted organisation a size; every index by itself at the largest."""
    figures: list[Figure] = []
    with progress.of("rows", len(options.people)) as show:
        for place, size in enumerate(options.people):
            found = await apart(_measured, options, size)
            figures += [figure for each in found for figure in _figures(each, size)]
            if size == max(options.people):
                figures += [figure for each in found for figure in _indexes(each, size)]
            show(place + 1)
    sound = all(figure.value > 0 for figure in figures)
    return Report("rows", figures, {"database": options.kind, "days": _DAYS}, sound=sound)


def _figures(found: Weighed, people: int) -> list[Figure]:
    rows = max(1, found.size.rows)
    plain = Baseline("行里的值", found.values / rows) if found.values else None
    return [
        Figure(f"{found.key}.rows", f"{found.label}，行数", found.size.rows, "行", people),
        Figure(f"{found.key}.row", f"{found.label}，一行", found.size.table / rows, "字节", people, against=plain),
        Figure(f"{found.key}.index", f"{found.label}，一行的索引", found.size.index / rows, "字节", people),
    ]


def _indexes(found: Weighed, people: int) -> list[Figure]:
    rows = max(1, found.size.rows)
    return [
        Figure(f"{found.key}.{name}", f"{found.label}：{name}", size / rows, "字节", people)
        for name, size in sorted(found.size.indexes.items())
    ]


def _measured(options: Options, size: int) -> list[Weighed]:
    return asyncio.run(_rows(options, size))


async def _rows(options: Options, size: int) -> list[Weighed]:
    async with ground(options) as database:
        lessons = situations(open_desk(Settings(), quick=True)[1].catalogue, _DAYS + 1)
        async with database.transaction() as tx:
            await planting.organisation(tx, size, at(MONDAY))
        day = await live(database, lessons[0])
        async with database.transaction() as tx:
            who = [(key, name) for name, key in await planting.known(tx, "wecom") if key != day.question.person_id]
            versions = await keep(tx, lessons, at(MONDAY))
            await planting.copies(tx, day.conversation, ({"person_id": key} for key, _ in who))
        for number, version in enumerate(versions[1:]):
            async with database.transaction() as tx:
                await plant(tx, day, who, version, MONDAY + timedelta(days=number))
        queued = None if database.is_sqlite else await _queue(database)
        return await _weigh(database) + ([queued] if queued else [])


async def _queue(database: Database) -> Weighed:
    """A full queue of the largest calls."""
    from bot.jobs.postgres import SCHEMA, PostgresJobs

    jobs = PostgresJobs(database.address, 0)
    await jobs.start({"send": _nothing})
    try:
        await jobs.put([Call("wecom", tuple(range(n, n + CALL))).job for n in range(_JOBS)])
        async with database.reading() as tx:
            size = await sizes.weigh_jobs(tx, SCHEMA)
    finally:
        await jobs.stop()
        async with database.transaction() as tx:
            await planting.forget_jobs(tx, SCHEMA)
    return Weighed("jobs", f"排着的发送，一次 {CALL} 人", size, 0)


async def _nothing(**_args: Any) -> None:
    """The queue has no workers."""


async def _weigh(database: Database) -> list[Weighed]:
    await planting.settle(database)
    async with database.reading() as tx:
        return [
            Weighed(str(table.__tablename__), label, await sizes.weigh(tx, table), await sizes.values(tx, table))
            for table, label in TABLES
        ]
