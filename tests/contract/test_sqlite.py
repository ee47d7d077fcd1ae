"""SQLite's connections: what is short runs in the loop, what is long does not stop it, and writers take turns."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.core.clock import SystemClock
from bot.core.errors import StorageBusy
from storage import database as databases
from storage import planting
from storage.database import Database
from storage.sqlite import Way, way_of

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT count(*) FROM n"
SLOW = f"SELECT * FROM ({COUNT})"


@pytest.fixture
async def database(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Database]:
    shutil.copy(migrated_file, tmp_path / "test.db")
    opened = Database(f"sqlite:///{tmp_path / 'test.db'}")
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("statement", "way"),
    [
        ("SELECT 1", Way.WATCHED),
        ("INSERT INTO inbox (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id", Way.HERE),
        ("INSERT INTO attempt (a) SELECT a FROM b", Way.APART),
        ("UPDATE person SET unanswered=? WHERE person.id = ?", Way.HERE),
        ("UPDATE assignment SET status=? WHERE assignment.status = ? AND assignment.due_at <= ?", Way.APART),
        ("UPDATE delivery SET status=? WHERE delivery.person_id = ? AND delivery.kind IN (?)", Way.HERE),
        ("UPDATE attempt SET text=? WHERE attempt.id IN (?, ?)", Way.HERE),
        ("DELETE FROM review WHERE review.id = ?", Way.HERE),
        ("DELETE FROM review", Way.APART),
        ("BEGIN", Way.HERE),
        ("BEGIN IMMEDIATE", Way.UNLOCKED),
        ("ROLLBACK TO SAVEPOINT sa_savepoint_1", Way.HERE),
        ("CREATE TABLE x (a)", Way.APART),
        ("PRAGMA journal_mode=WAL", Way.APART),
    ],
)
def test_where_a_statement_runs(statement: str, way: Way) -> None:
    assert way_of(statement) is way


async def test_a_long_query_gives_the_same_rows_and_leaves_the_loop_free(database: Database) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    async with database.reading() as tx:
        assert await tx.scalar(text(SLOW), {"most": 10}) == 10
        before = turns
        assert await tx.scalar(text(SLOW), {"most": 2_000_000}) == 2_000_000
    beside.cancel()
    assert turns - before > 100, "nobody else had a turn"


async def test_rows_written_before_a_long_query_are_still_there_after_it(database: Database) -> None:
    async with database.transaction() as tx:
        await planting.organisation(tx, 3, SystemClock().now())
        assert await tx.scalar(text(SLOW), {"most": 2_000_000}) == 2_000_000
    async with database.reading() as tx:
        assert len(await planting.everybody(tx)) == 3


async def test_a_cancelled_query_does_not_spoil_its_connection(database: Database) -> None:
    begun = asyncio.Event()

    async def slow() -> None:
        async with database.transaction() as tx:
            await planting.organisation(tx, 3, SystemClock().now())
            begun.set()
            await tx.execute(text(SLOW), {"most": 5_000_000})

    task = asyncio.create_task(slow())
    await begun.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    async with database.transaction() as tx:
        assert await planting.everybody(tx) == [], "what was cancelled was written"
        await planting.organisation(tx, 2, SystemClock().now())
    async with database.reading() as tx:
        assert len(await planting.everybody(tx)) == 2


async def test_writers_come_in_the_order_they_asked(database: Database) -> None:
    order: list[int] = []

    async def write(number: int) -> None:
        async with database.transaction():
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(write(number) for number in range(30)))
    assert order == list(range(30))


async def test_a_writer_who_waits_too_long_is_told_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_PATIENCE", 0.01)
    async with database.transaction():
        with pytest.raises(StorageBusy):
            async with database.transaction():
                pass
    async with database.transaction() as tx:
        assert await planting.is_empty(tx), "the turn was not given back"
