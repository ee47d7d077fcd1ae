"""Where a benchmark stands: an empty, migrated database, and the settings of a bot on it; cleaned up afterwards."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from bot.bench.cluster import Watchdog
from bot.bench.postgres import served
from bot.bench.report import Options
from bot.core.clock import SHANGHAI
from bot.core.errors import JiehuaError
from lessons.catalogue import Catalogue, canonical, digest
from lessons.model import Lesson
from storage import assignments, planting, schema
from storage.database import Database, Tx

MONDAY = date(2026, 11, 23)
"""The day that benchmarks with a clock of their own live on: a working day like any other."""

_LONGEST = 4 * 3600.0  # seconds after which a server of our own is ended whatever happens


class NotEmpty(JiehuaError):
    """这个数据库里已经有数据。量速度要用空库：另建一个，例如 createdb jiehua_bench。"""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@asynccontextmanager
async def ground(options: Options) -> AsyncIterator[Database]:
    """An empty database with the schema: a SQLite file or a PostgreSQL of its own, or the one that was named.

    Raises NotEmpty for a named one with rows, and RunFailed. What was planted is gone afterwards.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    near = None if options.database == "postgres" else options.folder  # another user's PostgreSQL must get there
    folder = Path(tempfile.mkdtemp(prefix="ground-", dir=near))
    folder.chmod(0o755)
    try:
        async with contextlib.AsyncExitStack() as stack:
            watchdog = Watchdog(_LONGEST)
            stack.callback(watchdog.close)
            _, url = await served(options.database, folder, watchdog, stack)
            database = Database(url)
            stack.push_async_callback(database.close)
            await schema.upgrade(database)
            async with database.reading() as tx:
                if not await planting.is_empty(tx):
                    raise NotEmpty
            try:
                yield database
            finally:
                if url == options.database:
                    async with database.transaction() as tx:
                        await planting.clear(tx)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def keep(tx: Tx, lessons: Sequence[Lesson], now: datetime) -> list[planting.Version]:
    """Store what the lessons say, as asking them would; returns their versions."""
    for lesson in lessons:
        await assignments.keep_version(tx, digest(lesson), lesson.id, canonical(lesson), now)
    return [(lesson.id, digest(lesson)) for lesson in lessons]


async def ask_everybody(tx: Tx, lessons: Sequence[Lesson], now: datetime) -> None:
    """One open question for everybody who was planted, until tomorrow."""
    versions = await keep(tx, lessons, now)
    day = now.astimezone(SHANGHAI).date()
    await planting.questions(tx, versions, day, now - timedelta(minutes=1), now + timedelta(days=1))


def situations(catalogue: Catalogue, most: int) -> list[Lesson]:
    """The first lessons that have gold replies, by id."""
    found = sorted((lesson for lesson in catalogue.situations() if lesson.samples), key=lambda lesson: lesson.id)
    return found[:most]
