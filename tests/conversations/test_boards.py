"""The weekly board: pushed to managers on the first working morning, fair, and never a list of losers."""

from __future__ import annotations

from datetime import date, time

import pytest

from storage import settings as stored
from storage.models import Role
from tests.chat import LESSON, Friend, World
from tests.conversations.test_daily_loop import GOOD, RUDE

NAMES = ("安一", "白二", "陈三", "丁四", "方五", "高六")


async def a_week(world: World) -> dict[str, Friend]:
    """Six learners; four answer on Monday, one is on leave, one opted out."""
    people = {name: await world.person(name) for name in NAMES}
    await people["高六"].says("请假 11-23 到 11-27")
    await people["方五"].says("退出排行")
    await world.campaign(LESSON)
    await world.at("09:30")
    for name in ("安一", "白二", "方五"):
        await people[name].says(GOOD)
    await people["陈三"].says(RUDE)
    return people


@pytest.fixture
async def boss(world: World) -> Friend:
    return await world.person("周敏", "客服中心", Role.MANAGER, learns=False)


async def test_the_board_arrives_on_monday_morning(world: World, boss: Friend) -> None:
    await a_week(world)
    await world.at("09:05", date(2026, 11, 30))
    await boss.reads()
    boss.hears_nothing()
    await world.at("09:20", date(2026, 11, 30))
    await boss.reads()
    text = boss.hears("周榜｜11月23日–11月29日", "参与率 80%（4/5 题）", "全勤", "安一、白二、陈三")
    assert "方五" not in text, "opted out"
    assert "高六" not in text, "on leave"
    assert "丁四" not in text, "no list of those who did not answer"
    picture = boss.heard[-1].picture
    assert picture is not None
    async with world.database.reading() as tx:
        png = await stored.picture(tx, picture)
    assert png is not None
    assert png.startswith(b"\x89PNG")


async def test_only_once_and_not_on_other_days(world: World, boss: Friend) -> None:
    await a_week(world)
    await world.at("17:00", date(2026, 12, 1))
    await boss.reads()
    assert boss.text.count("周榜｜") == 1


async def test_after_a_holiday_it_comes_on_the_first_working_day(world: World, boss: Friend) -> None:
    await a_week(world)
    calendar = world.program.desk.calendar
    first = calendar.on_or_after(date(2027, 1, 1))
    await world.jump(calendar.at(first, _nine()))
    await boss.reads()
    boss.hears_not("周榜｜") if first.weekday() else boss.hears("周榜｜")


async def test_on_request(world: World, boss: Friend) -> None:
    people = await a_week(world)
    await boss.says("排行 本周")
    boss.hears("周榜｜11月23日–11月29日", "4/5 题")
    await boss.says("团队")
    boss.hears("今天 4/5 人答了题", "推送了还没答 1 人：丁四", "请假 1 人：高六", "不看个人分数")
    await people["安一"].says("排行 本周")
    people["安一"].hears("我的这一周", "答了 1/1 题")


async def test_a_small_team_gets_no_board(world: World) -> None:
    boss = await world.person("宋岚", "小组", Role.MANAGER, learns=False)
    people = [await world.person(f"组员{n}", "小组") for n in range(3)]
    await world.campaign(LESSON)
    await world.at("09:30")
    for person in people:
        await person.says(GOOD)
    await boss.says("排行 本周")
    text = boss.hears("不足 5 人")
    assert not any(person.name in text for person in people)


async def test_a_manager_never_sees_other_teams(world: World, boss: Friend) -> None:
    other = await world.person("魏国栋", "贷后管理部", Role.MANAGER, learns=False)
    await a_week(world)
    await other.says("团队")
    other.hears("你名下还没有学员")
    await other.says("排行 本周")
    other.hears_not("安一", "客服中心")


def _nine() -> time:
    return time(9, 20)
