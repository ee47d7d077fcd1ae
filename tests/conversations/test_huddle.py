"""晨会: one card a week into the groups, and to managers when they ask; it names nobody and quotes no learner."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from bot.core.calendar import WorkCalendar
from bot.core.clock import ManualClock
from bot.library import ContentLibrary
from handlers.context import Desk
from storage.database import Database
from storage.models import Role
from tests.chat import LESSON, World
from tests.conversations.conftest import Groups, groups_on
from tests.conversations.test_daily_loop import GOOD, RUDE

NAMES = ("安一", "白二", "陈三", "丁四", "方五", "高六")
MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)


async def answered(world: World, *names: str, department: str = "客服中心", text: str = RUDE) -> None:
    """A week in which these people answered the question."""
    people = [await world.person(name, department) for name in names]
    await world.campaign(LESSON)
    await world.at("09:35")
    for person in people:
        await person.says(text)


async def later(world: World, clock: str, day: date = MONDAY) -> None:
    """That moment of a later day, as if nothing had happened since."""
    hour, minute = map(int, clock.split(":"))
    await world.jump(world.program.desk.calendar.at(day, time(hour, minute)))


async def test_the_card_is_in_both_groups_before_the_meeting(groups: Groups) -> None:
    await answered(groups.world, *NAMES)
    await later(groups.world, "08:45")
    assert groups.everything == ""
    await groups.world.at("08:55")
    for posts in (groups.on_wecom, groups.on_dingtalk):
        assert len(posts) == 1
        for words in (
            "晨会｜11月30日", "上一周最该补的：", "三分钟对练「开口就要退全部费用」", "一位演唐女士，一位接话",
            "半分钟", "一分钟", "一分半", "例答", "年费三百我现在就申请退",
        ):  # fmt: skip
            assert words in posts[0]


async def test_it_names_nobody_and_quotes_nobody(groups: Groups) -> None:
    await answered(groups.world, *NAMES)
    await later(groups.world, "08:55")
    assert "晨会｜" in groups.everything
    assert not [name for name in NAMES if name in groups.everything]
    assert not [words for words in RUDE.split("，") if words in groups.everything]


async def test_once_a_week_and_before_the_board(groups: Groups) -> None:
    await answered(groups.world, *NAMES)
    await later(groups.world, "08:51")
    await groups.world.at("10:30")
    await later(groups.world, "09:15", TUESDAY)
    firsts = [post.strip("* #\n")[:3] for post in groups.on_wecom]
    assert firsts == ["晨会｜", "周榜｜", "「图」"]
    assert [post.strip("* #\n")[:3] for post in groups.on_dingtalk] == ["晨会｜", "周榜｜"]
    assert {status for _, _, status in await groups.owed()} == {"sent"}


async def test_the_gap_is_what_the_team_did_least(groups: Groups) -> None:
    await answered(groups.world, *NAMES)
    await later(groups.world, "08:55")
    assert "十次里" in groups.everything
    assert "各项都稳" not in groups.everything


async def test_a_good_week_is_called_one(groups: Groups) -> None:
    await answered(groups.world, *NAMES, text=GOOD)
    await later(groups.world, "08:55")
    assert "上一周各项都稳" in groups.everything
    assert "最该补" not in groups.everything


@pytest.mark.parametrize("many", [0, 4])
async def test_too_few_answers_make_no_card(groups: Groups, many: int) -> None:
    await answered(groups.world, *NAMES[:many])
    await later(groups.world, "09:15")
    assert "晨会" not in groups.everything
    assert not [key for key, _, _ in await groups.owed() if key.startswith("huddle")]


async def test_a_meeting_that_is_over_gets_no_card(groups: Groups) -> None:
    """The bot was off from before the card was due until eleven; the board is of use all day."""
    await answered(groups.world, *NAMES)
    await later(groups.world, "11:00")
    assert "晨会" not in groups.everything
    assert "周榜｜" in groups.everything


async def test_it_can_be_switched_off(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    async with groups_on(database, opened, clock, huddle_at=None) as groups:
        await answered(groups.world, *NAMES)
        await later(groups.world, "09:15")
        assert "晨会" not in groups.everything
        assert "周榜｜" in groups.everything


async def test_after_a_free_monday_it_comes_on_tuesday(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    library, desk = opened
    free = replace(desk, calendar=WorkCalendar(desk.settings.timezone, {MONDAY: False}))
    async with groups_on(database, (library, free), clock) as groups:
        await answered(groups.world, *NAMES)
        await later(groups.world, "08:55")
        assert groups.everything == ""
        await later(groups.world, "08:55", TUESDAY)
        assert "晨会｜12月1日" in groups.everything


async def test_a_manager_asks_for_the_card_of_their_own_people(world: World) -> None:
    boss = await world.person("周敏", "客服中心", Role.MANAGER, learns=False)
    other = await world.person("魏国栋", "贷后管理部", Role.MANAGER, learns=False)
    await answered(world, *NAMES)
    await later(world, "09:00")
    await boss.reads()
    boss.hears_nothing()
    await boss.says("晨会")
    text = boss.hears("晨会｜11月30日", "三分钟对练「开口就要退全部费用」", "例答")
    assert not any(name in text for name in NAMES)
    assert boss.buttons == ["排行", "团队"]
    await other.says("晨会")
    other.hears("不足 5 位")
    other.hears_not("十次里")


async def test_a_learner_is_told_that_it_is_not_theirs(world: World) -> None:
    learner = await world.person("小林")
    await learner.says("晨会")
    learner.hears("要有相应角色才能用")


async def test_help_lists_it_for_managers_only(world: World) -> None:
    boss, learner = await world.person("周敏", "客服中心", Role.MANAGER), await world.person("小林")
    await boss.says("帮助")
    boss.hears("晨会")
    await learner.says("帮助")
    learner.hears_not("晨会")


async def test_what_was_taken_back_does_not_count_and_own_practice_neither(groups: Groups) -> None:
    late, keen = await groups.world.person("方五"), await groups.world.person("高六")
    await answered(groups.world, *NAMES[:4])
    await late.says(RUDE)
    await late.says("撤回")
    late.hears("撤回")
    await keen.says(RUDE)
    await keen.says("撤回")
    await keen.says("练习 开口就要退全部费用")
    await keen.says(RUDE)
    keen.hears("点评")
    await later(groups.world, "08:55")
    assert groups.everything == ""
