"""A question that was put off is not answered by what is typed before it came."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest

from storage import assignments, attempts
from storage.models import Assignment
from tests.chat import LESSON, Friend, World
from tests.conversations.test_daily_loop import GOOD


async def held(world: World, **campaign: Any) -> Friend:
    """Alice, whose question was planned for the morning and could not go out before the midday quiet."""
    alice = await world.person("小林")
    await world.campaign(LESSON, **campaign)
    world.clock.set(world.program.desk.calendar.at(world.today, time(9, 4)))
    await world.program.ticker.run_once()
    await world.jump(world.program.desk.calendar.at(world.today, time(12, 10)))
    await alice.reads()
    alice.hears_nothing()
    return alice


async def asked(world: World, alice: Friend) -> Assignment:
    async with world.database.reading() as tx:
        (row,) = await assignments.of_day(tx, alice.id, world.today)
        return row


async def tries(world: World, alice: Friend) -> int:
    async with world.database.reading() as tx:
        return len(await attempts.recent(tx, alice.id))


async def test_what_is_typed_before_it_came_is_no_answer(world: World) -> None:
    alice = await held(world)
    await alice.says(GOOD)
    alice.hears("现在没有待答的题")
    assert await tries(world, alice) == 0
    await world.at("13:55")
    await alice.reads()
    alice.hears("今日一题｜开口就要退全部费用")
    await alice.says(GOOD)
    alice.hears("点评｜")
    assert await tries(world, alice) == 1


async def test_it_opens_the_moment_it_is_sent(world: World) -> None:
    alice = await held(world)
    row = await asked(world, alice)
    assert world.program.desk.calendar.local(row.opens_at).time() > time(13, 30)
    world.clock.set(row.opens_at)
    await alice.reads()
    alice.hears("今日一题")


async def test_who_asks_for_it_earlier_gets_it_and_not_twice(world: World) -> None:
    alice = await held(world)
    await alice.says("今日")
    alice.hears("今日一题｜开口就要退全部费用")
    await alice.says(GOOD)
    alice.hears("点评｜")
    await world.at("14:30")
    await alice.reads()
    alice.hears_nothing()


@pytest.mark.parametrize("typed", [GOOD, "您先别急，我帮您一笔一笔看清楚。"])
async def test_a_question_that_is_given_up_is_answered_by_nothing(world: World, typed: str) -> None:
    alice = await held(world, deadline="13:00", reminders=())
    await alice.says(typed)
    alice.hears("现在没有待答的题")
    assert await tries(world, alice) == 0
    assert (await asked(world, alice)).status == assignments.OPEN


async def test_a_question_already_answered_keeps_its_moment(world: World, alice: Friend) -> None:
    before = (await asked(world, alice)).opens_at
    await alice.says(GOOD)
    await world.at("13:55")
    assert (await asked(world, alice)).opens_at == before
