"""Group robots of both vendors: twenty a minute by the clock, blocks, errcodes, and what may have been shown."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.core.clock import ManualClock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, StorageBusy, Temporary, TooFast
from bot.core.messages import Button, Line, Message, say
from bot.platforms.base import Platform, Sent
from bot.platforms.dingtalk_robot import CODES as DINGTALK
from bot.platforms.dingtalk_robot import DingtalkRobot
from bot.platforms.robot import CALLS
from bot.platforms.wecom_robot import CODES as WECOM
from bot.platforms.wecom_robot import PICTURE_BYTES, WecomRobot
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.wecom_robot import FakeWecomRobot

BOARD = say("第一 小林", "第二 小周", title="上周榜单", buttons=(Button("周榜", "排行"),))
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


@pytest.fixture
async def group(clock: ManualClock) -> AsyncIterator[FakeWecomRobot]:
    async with FakeWecomRobot(clock) as group:
        yield group


class Album:
    """Stored pictures; `busy` while the database is."""

    def __init__(self) -> None:
        self.png, self.busy = PNG, False

    async def __call__(self, _picture: int) -> bytes:
        if self.busy:
            raise StorageBusy
        return self.png


@pytest.fixture
def album() -> Album:
    return Album()


@pytest.fixture
async def wecom_robot(group: FakeWecomRobot, clock: ManualClock, album: Album) -> AsyncIterator[WecomRobot]:
    robot = WecomRobot(group.url, clock=clock, picture_of=album, timeout=2)
    await robot.start()
    yield robot
    await robot.stop()


@pytest.fixture
async def ding_robot(ding: FakeDingTalk, clock: ManualClock) -> AsyncIterator[DingtalkRobot]:
    robot = DingtalkRobot(ding.robot_url, ding.robot.secret, clock=clock, timeout=2)
    await robot.start()
    yield robot
    await robot.stop()


async def post(robot: Platform, message: Message) -> None:
    """Every part of a message, as the courier sends them."""
    for number, payload in enumerate(robot.render(message)):
        assert await robot.send(["group"], {**payload, "key": f"0123456789abcdef.{number}"}) == Sent()


async def failing(robot: Platform, message: Message = BOARD) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        await post(robot, message)
    return caught.value


async def test_they_are_platforms(wecom_robot: WecomRobot, ding_robot: DingtalkRobot) -> None:
    robots: tuple[Platform, ...] = (wecom_robot, ding_robot)
    assert [robot.name for robot in robots] == ["wecom_robot", "dingtalk_robot"]
    for robot in robots:
        assert robot.limits.recipients == 1
        assert robot.limits.person_per_minute == CALLS, "the group counts as one person, over all replicas"
        assert (robot.repeat_safe, robot.repeat_seconds, robot.fits_passive(BOARD)) == (False, 0.0, False)


# What a group sees


async def test_a_wecom_group_sees_words_and_picture(group: FakeWecomRobot, wecom_robot: WecomRobot) -> None:
    await post(wecom_robot, Message(BOARD.lines, BOARD.title, BOARD.buttons, picture=7))
    assert group.posts == [("markdown", "**上周榜单**\n第一 小林\n第二 小周"), ("image", PNG)]


async def test_a_dingtalk_group_sees_words(ding: FakeDingTalk, ding_robot: DingtalkRobot) -> None:
    await post(ding_robot, BOARD)
    await post(ding_robot, say("你好😀"))
    assert ding.robot.posts == [
        ("markdown", "  #### 上周榜单  \n\n  第一 小林  \n  第二 小周  "),
        ("text", "你好😀"),
    ]


@pytest.mark.parametrize("size", [0, PICTURE_BYTES + 1])
async def test_a_picture_that_cannot_be_sent_is_left_out(
    group: FakeWecomRobot, wecom_robot: WecomRobot, album: Album, size: int
) -> None:
    album.png = (PNG + b"x" * size)[:size]
    await post(wecom_robot, Message((Line("周榜"),), picture=7))
    assert group.posts == [("text", "周榜")]


async def test_the_largest_picture_is_sent(group: FakeWecomRobot, wecom_robot: WecomRobot, album: Album) -> None:
    album.png = PNG + b"x" * (PICTURE_BYTES - len(PNG))
    await post(wecom_robot, Message((Line("周榜"),), picture=7))
    assert [kind for kind, _ in group.posts] == ["text", "image"]


async def test_a_busy_database_is_temporary(group: FakeWecomRobot, wecom_robot: WecomRobot, album: Album) -> None:
    album.busy = True
    assert isinstance(await failing(wecom_robot, Message((Line("周榜"),), picture=7)), Temporary)
    assert group.posts == [("text", "周榜")], "only the picture is tried again"


async def test_long_words_arrive_whole_and_in_order(
    group: FakeWecomRobot, wecom_robot: WecomRobot, ding: FakeDingTalk, ding_robot: DingtalkRobot
) -> None:
    rows = [f"第{number}名 " + "话😀" * 30 for number in range(60)]
    for robot in (wecom_robot, ding_robot):
        await post(robot, say(*rows, title="榜"))
    for posts in (group.posts, ding.robot.posts):
        seen = [row.strip() for _, text in posts for row in str(text).split("\n") if "名 " in row]
        assert (len(posts) > 1, seen) == (True, rows)


async def test_wecoms_markdown_may_have_4096_bytes(group: FakeWecomRobot, wecom_robot: WecomRobot) -> None:
    title = "榜" * 20
    room = 4096 - len(f"**{title}**\n".encode())
    await post(wecom_robot, say("x" * (room - 30), "y" * 29, title=title))
    assert [(kind, len(str(text).encode())) for kind, text in group.posts] == [("markdown", 4096)]
    await post(wecom_robot, say("x" * (room - 30), "y" * 30, title=title))
    assert [kind for kind, _ in group.posts[1:]] == ["markdown"] * 2


# Pace


async def test_twenty_a_minute_and_not_one_call_more(
    group: FakeWecomRobot, wecom_robot: WecomRobot, ding: FakeDingTalk, ding_robot: DingtalkRobot, clock: ManualClock
) -> None:
    for robot in (wecom_robot, ding_robot):
        for _ in range(CALLS):
            await post(robot, BOARD)
            clock.advance(seconds=1)
        error = await failing(robot)
        assert isinstance(error, Temporary)
        assert error.retry_after == 40
        clock.advance(seconds=error.retry_after)
        await post(robot, BOARD)
    assert len(group.posts) == len(ding.robot.posts) == CALLS + 1


async def test_a_block_is_waited_out_without_a_call(
    ding: FakeDingTalk, ding_robot: DingtalkRobot, clock: ManualClock
) -> None:
    ding.fault("robot/send", "errcode", code=410100)
    error = await failing(ding_robot)
    assert isinstance(error, Temporary)
    assert error.retry_after == 600
    clock.advance(seconds=599)
    assert isinstance(await failing(ding_robot), Temporary)
    assert ding.requests("robot/send") == []
    clock.advance(seconds=1)
    await post(ding_robot, BOARD)


# Errors


@pytest.mark.parametrize("code", [*DINGTALK, 1234567])
async def test_dingtalks_codes(ding: FakeDingTalk, ding_robot: DingtalkRobot, code: int) -> None:
    ding.fault("robot/send", "errcode", code=code)
    await _understood(await failing(ding_robot), code, DINGTALK)


@pytest.mark.parametrize("code", [*WECOM, 1234567])
async def test_wecoms_codes(group: FakeWecomRobot, wecom_robot: WecomRobot, code: int) -> None:
    group.fault("errcode", code=code)
    await _understood(await failing(wecom_robot), code, WECOM)


async def _understood(error: PlatformError, code: int, table: Any) -> None:
    assert type(error) is (table[code].error if code in table else Permanent)
    assert error.code == str(code)
    if isinstance(error, Misconfigured):
        assert "JIEHUA_" in error.advice


@pytest.mark.parametrize("what", ["secret", "keyword", "address", "skew"])
async def test_what_the_groups_security_refuses(
    ding: FakeDingTalk, ding_robot: DingtalkRobot, what: str, clock: ManualClock
) -> None:
    match what:
        case "secret":
            ding.robot.secret = "SECanother"
        case "keyword":
            ding.robot.keyword = "告警"
        case "address":
            ding.robot.addresses = {"10.0.0.1"}
        case "skew":
            ding.robot.clock = ManualClock(clock.now() + timedelta(hours=2))
    error = await failing(ding_robot)
    assert (type(error), error.code) == (Misconfigured, "310000")
    assert ding.robot.posts == []


async def test_a_robot_without_a_secret_sends_no_signature(ding: FakeDingTalk, clock: ManualClock) -> None:
    ding.robot.secret = ""
    robot = DingtalkRobot(ding.robot_url, "", clock=clock)
    await robot.start()
    await post(robot, BOARD)
    await robot.stop()
    assert len(ding.robot.posts) == 1


async def test_a_robot_that_was_removed(group: FakeWecomRobot, wecom_robot: WecomRobot) -> None:
    group.key = "another"
    error = await failing(wecom_robot)
    assert (type(error), error.code) == (Misconfigured, "93000")


@pytest.mark.parametrize("kind", ["reset", "truncated", "html", "status", "cut", "json"])
async def test_an_answer_that_cannot_be_believed_is_ambiguous(
    group: FakeWecomRobot, wecom_robot: WecomRobot, kind: Any
) -> None:
    group.fault(kind, after=True)
    assert isinstance(await failing(wecom_robot), Ambiguous)
    assert len(group.posts) == 1


async def test_a_picture_is_refused_for_itself(group: FakeWecomRobot, wecom_robot: WecomRobot) -> None:
    group.fault("latency")
    group.fault("errcode", code=45009)
    error = await failing(wecom_robot, Message((Line("周榜"),), picture=7))
    assert (type(error), error.code) == (TooFast, "45009")
    assert group.posts == [("text", "周榜")]


async def test_no_log_line_and_no_error_holds_an_address(
    group: FakeWecomRobot,
    wecom_robot: WecomRobot,
    ding: FakeDingTalk,
    ding_robot: DingtalkRobot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    group.fault("reset")
    ding.fault("robot/send", "reset")
    errors = [str(await failing(robot)) + repr(robot) for robot in (wecom_robot, ding_robot)]
    for secret in (group.key, ding.robot.token, ding.robot.secret):
        assert secret not in caplog.text + "".join(errors)


async def test_the_wecom_fake_is_strict(group: FakeWecomRobot) -> None:
    long = {"msgtype": "markdown", "markdown": {"content": "话" * 1366}}
    bad: list[tuple[Any, int]] = [
        (long, 40058),
        ({"msgtype": "markdown", "markdown": {"content": " "}}, 93017),
        ({"msgtype": "markdown_v3", "markdown_v3": {}}, 40008),
        ({"msgtype": "text", "text": {"content": "x"}, "key": "x"}, 40008),
        ({"msgtype": "image", "image": {"base64": "iVBORw==", "md5": "0" * 32}}, 40058),
        ([], 40008),
    ]
    async with aiohttp.ClientSession() as http:
        for body, code in bad:
            async with http.post(group.url, data=json.dumps(body, ensure_ascii=False).encode()) as response:
                assert (await response.json())["errcode"] == code
    assert group.posts == []
