"""Trainers hear of waiting appeals once a morning, in their own working time, and of nobody's more than there are."""

from __future__ import annotations

from datetime import date, time

import pytest

from storage import people
from storage.models import Role
from tests.chat import LESSON, Friend, World

COLD = "合同是您自己签的，手续费退不了，您看的那些视频都是瞎说的，别信。"
REASON = "我一开口就说了合同的事，语气是平的"
TUESDAY, WEDNESDAY, SATURDAY = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 28)


@pytest.fixture
async def trainer(world: World) -> Friend:
    return await world.person("何静", "培训部", Role.TRAINER, learns=False)


async def appealed(person: Friend, *numbers: int) -> None:
    await person.says(COLD)
    for number in numbers or (1,):
        await person.says(f"申诉 {number} {REASON}")
        person.hears("两个工作日内有结果")


async def heard_by(person: Friend) -> int:
    """How many messages about the queue have come since last time."""
    await person.reads()
    return person.text.count("条申诉等你看")


async def test_one_line_with_the_count_on_the_next_working_morning(
    world: World, trainer: Friend, alice: Friend
) -> None:
    await appealed(alice, 1, 2, 3)
    await world.at("17:50")
    assert await heard_by(trainer) == 0
    await world.at("08:59", TUESDAY)
    assert await heard_by(trainer) == 0
    await world.at("09:30", TUESDAY)
    assert await heard_by(trainer) == 1
    trainer.hears("有 3 条申诉等你看，打“申诉队列”")
    assert trainer.buttons == ["申诉队列"]
    await world.at("17:50", TUESDAY)
    assert await heard_by(trainer) == 0


async def test_what_still_waits_is_said_again_the_next_morning_and_then_no_more(
    world: World, trainer: Friend, alice: Friend
) -> None:
    await appealed(alice, 1, 2)
    await world.at("10:00", TUESDAY)
    assert await heard_by(trainer) == 1
    await trainer.says("申诉 1 不成立 这句话没有先接住情绪")
    await world.at("10:00", WEDNESDAY)
    assert await heard_by(trainer) == 1
    trainer.hears("有 1 条申诉等你看")
    await trainer.says("申诉 2 不成立 这里也没有带到办法上")
    await world.at("10:00", date(2026, 11, 26))
    assert await heard_by(trainer) == 0


async def test_not_on_a_day_off_and_not_outside_their_shift(world: World) -> None:
    late = await world.person("何静", "培训部", Role.TRAINER, learns=False, shift_start=time(14), shift_end=time(21))
    alice = await world.person("小林")
    await world.jump(world.program.desk.calendar.at(date(2026, 11, 27), time(8, 30)))
    await world.campaign(LESSON)
    await world.at("09:30")
    await alice.reads()
    await appealed(alice)
    await world.at("20:00", SATURDAY)
    assert await heard_by(late) == 0
    monday = date(2026, 11, 30)
    await world.at("13:55", monday)
    assert await heard_by(late) == 0
    await world.at("14:40", monday)
    assert await heard_by(late) == 1


async def test_leave_is_left_alone_and_the_next_day_makes_up_for_it(
    world: World, trainer: Friend, alice: Friend
) -> None:
    await appealed(alice)
    await trainer.says("请假 11-24 到 11-24")
    await world.at("17:50", TUESDAY)
    assert await heard_by(trainer) == 0
    await world.at("10:00", WEDNESDAY)
    assert await heard_by(trainer) == 1


async def test_nobody_is_told_of_their_own(world: World, trainer: Friend) -> None:
    learning = await world.person("吴越", "培训部", Role.TRAINER)
    await world.campaign(LESSON)
    await world.at("09:30")
    await learning.reads()
    await appealed(learning)
    await world.at("10:00", TUESDAY)
    assert (await heard_by(trainer), await heard_by(learning)) == (1, 0)


async def test_what_is_taken_back_over_night_is_not_spoken_of(world: World, trainer: Friend, alice: Friend) -> None:
    await appealed(alice)
    await alice.says("撤回")
    await world.at("10:00", TUESDAY)
    assert await heard_by(trainer) == 0


async def test_compliance_hears_it_only_where_there_is_no_trainer(world: World) -> None:
    decider = await world.person("梁正", "总部", Role.COMPLIANCE, learns=False)
    alice = await world.person("小林")
    await world.campaign(LESSON)
    await world.at("09:30")
    async with world.database.transaction() as tx:
        for person in await people.with_role(tx, Role.TRAINER):
            person.active = False
    await alice.reads()
    await appealed(alice)
    await world.at("10:00", TUESDAY)
    assert await heard_by(decider) == 1
    await world.person("何静", "培训部", Role.TRAINER, learns=False)
    await world.at("10:00", WEDNESDAY)
    assert await heard_by(decider) == 0
