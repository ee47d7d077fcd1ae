"""A clock that jumps, forward or back, makes nobody hear a thing twice and nobody wait for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.clock import ShiftedClock
from bot.core.messages import say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.library import ContentLibrary
from bot.platforms.base import Sent
from handlers.context import Desk
from storage import deliveries
from storage.database import Database
from storage.deliveries import Owed
from tests.chat import LESSON, Friend, World
from tests.conftest import MONDAY
from tests.contract.test_delivery import Scripted

JUMPS = [timedelta(hours=-1), timedelta(days=-3), timedelta(minutes=50), timedelta(hours=-2), timedelta(minutes=5)]


@pytest.fixture
async def started(database: Database, opened: tuple[ContentLibrary, Desk]) -> tuple[World, ShiftedClock]:
    clock = ShiftedClock()
    clock.jump_to(MONDAY)
    return World.build(database, opened, clock), clock  # type: ignore[arg-type]


async def _tick(world: World, times: int = 3) -> None:
    for _ in range(times):
        await world.tick()


async def test_a_campaign_fires_once_however_the_clock_jumps(started: tuple[World, ShiftedClock]) -> None:
    world, clock = started
    alice: Friend = await world.person("小林")
    await world.campaign(LESSON)
    clock.jump_to(MONDAY + timedelta(minutes=32))
    await _tick(world)
    clock.jump_to(MONDAY + timedelta(minutes=65))
    await _tick(world)
    await alice.reads()
    assert alice.hears("今日一题").count("今日一题") == 1
    for jump in JUMPS:
        clock.jump_to(clock.now() + jump)
        await _tick(world)
        await alice.reads()
        alice.hears_not("今日一题")


async def test_an_answer_comes_after_a_jump_back(started: tuple[World, ShiftedClock]) -> None:
    world, clock = started
    alice = await world.person("小林")
    clock.jump_to(MONDAY - timedelta(hours=5))
    await alice.says("帮助")
    assert alice.heard


@pytest.mark.parametrize("jump", [timedelta(minutes=10), timedelta(minutes=-10)])
async def test_a_jump_while_a_call_is_under_way(database: Database, jump: timedelta) -> None:
    """Another replica may take the call for a dead one's: it repeats the same call, which the vendor recognises."""
    clock, vendor = ShiftedClock(), Scripted()
    first, second = (Courier(database, {"scripted": vendor}, clock, turns_of(database)) for _ in range(2))
    async with database.transaction() as tx:
        owed = Owed("one", 0, "notice", say("早"), clock.now())
        await deliveries.enqueue(tx, [owed], clock.now(), address=("scripted", "a"))

    async def slow() -> Sent:
        clock.jump_to(clock.now() + jump)
        await second.recover()
        await second.run_once()
        return Sent("m")

    vendor.script.append(slow)
    await first.run_once()
    clock.jump_to(clock.now() + timedelta(minutes=20))
    for courier in (first, second):
        await courier.recover()
        await courier.run_once()
    assert set(vendor.calls) == {vendor.calls[0]}, "recipients, words and key are the same every time"
    async with database.reading() as tx:
        assert await deliveries.counts(tx, MONDAY - timedelta(days=900)) == {"sent": 1}
