"""From the schema of the previous release, with its data, to this one: nothing is lost and the bot goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect

from bot.core.clock import ManualClock
from bot.library import ContentLibrary
from handlers.context import Desk
from lessons.model import AnyLesson
from storage import audit, people, schema
from storage.database import Database
from tests.chat import LESSON, Friend, World
from tests.contract.release import Rows, contents, fill, first_release, fourth_revision
from tests.conversations.test_daily_loop import GOOD

Opened = tuple[ContentLibrary, Desk]
STARTS = [("0001", first_release), ("0004", fourth_revision)]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").empty())
    return f"sqlite:///{tmp_path / 'old.db'}"


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    """A database without any table."""
    database = Database(empty_url)
    yield database
    await database.close()


@pytest.mark.parametrize(("revision", "rows_of"), STARTS, ids=["0.1.0", "0004"])
async def test_nothing_is_lost_and_the_bot_answers(
    empty: Database, opened: Opened, clock: ManualClock, revision: str, rows_of: Callable[[AnyLesson], Rows]
) -> None:
    lesson = opened[1].catalogue.lessons[LESSON]
    rows, database = rows_of(lesson), empty
    await schema.upgrade(database, revision)
    async with database.engine.begin() as connection:
        tables = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
        assert tables - {"alembic_version"} == set(rows), "every table has rows"
        await fill(connection, rows)
        before = await contents(connection, rows)
    await schema.upgrade(database)
    assert await schema.current(database) == schema.newest()
    async with database.engine.connect() as connection:
        assert await contents(connection, rows) == before
    await _lives_on(World.build(database, opened, clock))


async def _lives_on(world: World) -> None:
    """The people of before find everything as they left it."""
    async with world.database.reading() as tx:
        assert await audit.broken_at(tx) is None
        person = await people.by_staff_no(tx, "C1001")
        assert person is not None
    assert person.id is not None
    alice, boss = Friend(world, person.id, person.name), Friend(world, 1, "周敏")
    await alice.reads()
    await alice.says(GOOD)
    alice.hears("点评｜")
    await alice.says("我的")
    alice.hears("最早 75 分")
    await alice.says("话术")
    alice.hears("退费")
    await boss.says("状态")
    boss.hears("有 1 条不确定送没送到")
    await boss.says("排行")
    boss.hears("周榜｜")
    await world.at("10:00")
