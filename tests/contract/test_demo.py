"""What the demo organisation leaves for its trainers and its operator to do."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from bot import app
from bot.config import Settings
from bot.core.clock import ShiftedClock
from bot.library import ContentLibrary
from handlers.context import Desk
from storage import appeals, audit, people
from storage.database import Database
from storage.models import Appeal
from tests.chat import Friend, World


@pytest.fixture
async def demo(database: Database, opened: tuple[ContentLibrary, Desk]) -> World:
    """The demo as it opens, with nothing done in it yet."""
    program = app.build(Settings(web_chat=True, demo=True), ShiftedClock(), database, opened)
    assert program.stage is not None
    await program.stage.open()
    await program.stage.settle()
    world = World(program, database, program.clock)  # type: ignore[arg-type]
    await world.tick()
    return world


async def named(world: World, name: str) -> Friend:
    async with world.database.reading() as tx:
        (row,) = await people.named(tx, [name])
    return Friend(world, row.id or 0, name)


async def test_trainers_find_appeals_in_every_state(demo: World) -> None:
    trainer = await named(demo, "何静")
    await trainer.reads()
    trainer.hears("有 2 条申诉等你看")
    await trainer.says("申诉队列")
    trainer.hears("申诉队列｜2 件", "理由：")
    async with demo.database.reading() as tx:
        rows = list(await tx.scalars(select(Appeal).order_by(col(Appeal.id))))
        assert await audit.broken_at(tx) is None
    assert [row.status for row in rows] == [appeals.UPHELD, appeals.REJECTED, appeals.OPEN, appeals.OPEN]
    assert (rows[0].new_points or 0) > rows[0].points
    assert all(row.created_at < demo.clock.now() for row in rows)


async def test_the_operator_finds_a_message_to_decide_about(demo: World) -> None:
    boss = await named(demo, "赵工")
    await boss.says("状态")
    assert boss.buttons == ["重发"]
    await boss.says("重发")
    boss.hears("不确定送没送到", "通知")
    await boss.says("重发 全部")
    boss.hears("重发 1 条")
    await boss.says("重发")
    boss.hears("没有不确定")
    await boss.says("状态")
    assert boss.buttons == []
