"""The weekly board in the groups: the whole organisation's, once in each, as fair as ever, also when robots fail."""

from __future__ import annotations

import logging
from datetime import date, time
from typing import Any

import pytest
from sqlmodel import col, select

from bot.core.log import quiet
from storage.models import Delivery, Role
from tests.chat import LESSON, World
from tests.conversations.conftest import Groups
from tests.conversations.test_boards import a_week
from tests.conversations.test_daily_loop import RUDE

MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)


async def on_monday(groups: Groups, clock: str) -> None:
    """That moment of next Monday, as if nothing had happened since."""
    hour, minute = map(int, clock.split(":"))
    await groups.world.jump(groups.world.program.desk.calendar.at(MONDAY, time(hour, minute)))


async def test_words_and_picture_on_wecom_and_words_on_dingtalk(groups: Groups) -> None:
    await a_week(groups.world)
    await on_monday(groups, "09:11")
    assert not [post for post in groups.on_wecom if "周榜" in post]
    groups.wecom.posts.clear()
    groups.ding.robot.posts.clear()
    await on_monday(groups, "09:12")
    assert [kind for kind, _ in groups.wecom.posts] == ["markdown", "image"]
    assert [kind for kind, _ in groups.ding.robot.posts] == ["markdown"]
    for post in (groups.on_wecom[0], groups.on_dingtalk[0]):
        for words in ("周榜｜11月23日–11月29日", "参与率 80%（4/5 题）", "安一", "白二", "陈三", "不排末位"):
            assert words in post
    for name in ("丁四", "方五", "高六"):
        assert name not in groups.everything, "unanswered, opted out, on leave"


async def test_only_the_leading_departments_are_named(groups: Groups) -> None:
    people = [await groups.world.person(f"网点{n}", "城东支行") for n in range(5)]
    people += [await groups.world.person(f"坐席{n}", "客服中心") for n in range(5)]
    await groups.world.campaign(LESSON)
    await groups.world.at("09:35")
    for person in people[1:]:
        await person.says(RUDE)
    await on_monday(groups, "09:12")
    board = groups.on_dingtalk[-1]
    for words in ("部门参与", "客服中心　100%", "9/10 题"):
        assert words in board
    assert "城东支行" not in board, "nobody hangs as the last"


async def test_a_week_without_questions_has_no_board(groups: Groups) -> None:
    await groups.world.person("安一")
    await on_monday(groups, "09:20")
    assert groups.everything == ""
    assert await groups.owed() == []


async def test_without_robots_nothing_is_owed_to_groups(world: World) -> None:
    await a_week(world)
    await world.jump(world.program.desk.calendar.at(MONDAY, time(9, 12)))
    async with world.database.reading() as tx:
        assert (await tx.scalars(select(Delivery).where(col(Delivery.person_id).is_(None)))).all() == []


async def test_a_group_that_is_down_for_a_minute_gets_everything_once(groups: Groups) -> None:
    await a_week(groups.world)
    await groups.wecom.down()
    groups.ding.fault("robot/send", "errcode", times=3)
    await on_monday(groups, "09:12")
    for _ in range(12):
        groups.world.clock.advance(seconds=5)
        await groups.world.tick()
    assert groups.wecom.posts == []
    await groups.wecom.up()
    await groups.world.at("09:30")
    shown = [post.strip("* #\n")[:2] for post in groups.on_wecom]
    assert shown == ["周榜", "「图"]
    assert len([post for post in groups.on_dingtalk if "周榜" in post]) == 1
    assert {status for _, _, status in await groups.owed()} == {"sent"}


@pytest.mark.parametrize("kind", ["truncated", "html", "reset", "cut"])
async def test_an_answer_that_cannot_be_believed_is_unknown_and_not_repeated(groups: Groups, kind: Any) -> None:
    await a_week(groups.world)
    groups.wecom.fault(kind, after=True)
    groups.ding.fault("robot/send", kind, after=True)
    await on_monday(groups, "12:40")  # long after the morning's meeting: only the board is owed
    await groups.world.at("14:30")
    await groups.world.at("17:00")
    assert [status for _, _, status in await groups.owed()] == ["unknown", "unknown"]
    assert (len(groups.on_wecom), len(groups.on_dingtalk)) == (1, 1)


async def test_a_robot_that_was_removed_is_told_to_the_operator_and_posts_nothing_at_night(groups: Groups) -> None:
    operator = await groups.world.person("管小理", "科技部", Role.OPERATOR, learns=False)
    await a_week(groups.world)
    key, groups.wecom.key = groups.wecom.key, "another"
    await on_monday(groups, "09:12")
    await operator.reads()
    operator.hears("企业微信群机器人要处理一下", "JIEHUA_WECOM_ROBOT_URL")
    await groups.world.at("18:30")
    groups.wecom.key = key
    await groups.world.at("20:00")
    assert groups.on_wecom == []
    assert {status for _, name, status in await groups.owed() if name == "wecom_robot"} == {"cancelled"}


async def test_no_log_line_holds_an_address_or_a_name(groups: Groups, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quiet()
    await a_week(groups.world)
    groups.wecom.fault("reset")
    await on_monday(groups, "09:12")
    assert not [secret for secret in (groups.wecom.key, groups.ding.robot.secret, "安一") if secret in caplog.text]
