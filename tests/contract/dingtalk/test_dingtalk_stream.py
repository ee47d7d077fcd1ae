"""Stream over a real socket: messages, acks, repeats, cards, and what is told instead of an answer."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.messages import Button, Incoming, Kind, say
from bot.platforms.dingtalk import Intake, Stream
from bot.platforms.dingtalk.callback import GROUP, NO_QUOTA, STRANGER
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import QUICK, Echo, running, streaming, until

# Messages


async def test_a_message_is_acked_once_stored_and_answered(fake: FakeDingTalk, bot: Echo) -> None:
    pushed = await fake.says("Alice", " 您先别急😀")
    assert (pushed.accepted, pushed.acks[0].data) == (True, {"response": None})
    assert bot.taken == [Incoming("dingtalk", "Alice", pushed.data["msgId"], Kind.TEXT, "您先别急😀")]
    assert [(shown.text, shown.way) for shown in fake.delivered("Alice")] == [("你说：您先别急😀", "session")]


async def test_a_slow_handler_is_acked_in_time_and_answers_once(fake: FakeDingTalk, bot: Echo) -> None:
    bot.slow, fake.gateway.redeliver_after = 1.0, 0.05
    pushed = await fake.says("Alice", "慢")
    assert (len(pushed.message_ids), pushed.accepted) == (1, True)
    assert QUICK.ack_after <= pushed.acks[0].seconds < fake.gateway.ack_seconds
    assert fake.hears("Alice") == [], "the ack did not wait for the work"
    await fake.until("Alice", "你说：慢")
    assert len(fake.hears("Alice")) == 1


@pytest.mark.parametrize("same_id", [True, False])
async def test_lost_acks_bring_repeats_and_one_answer(fake: FakeDingTalk, bot: Echo, same_id: bool) -> None:
    fake.gateway.redeliver_after, fake.gateway.same_message_id = 0.01, same_id
    pushed = await fake.says("Alice", "在", lost=3)
    assert len(pushed.message_ids) == 4
    assert pushed.accepted
    assert (len(bot.taken), fake.hears("Alice")) == (1, ["你说：在"])


async def test_a_busy_database_gets_no_ack_and_the_repeat_is_stored(fake: FakeDingTalk, bot: Echo) -> None:
    bot.busy, fake.gateway.redeliver_after, fake.gateway.ack_seconds = 2, 0.01, 0.5
    pushed = await fake.says("Alice", "忙")
    assert (len(pushed.message_ids), len(pushed.acks), fake.hears("Alice")) == (3, 1, ["你说：忙"])


async def test_a_receiver_that_fails_says_500_and_the_next_message_works(
    fake: FakeDingTalk, bot: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    bot.broken = True
    pushed = await fake.says("Alice", "私话")
    assert [ack.code for ack in pushed.acks] == [500]
    assert "stream.failed" in [getattr(record, "action", "") for record in caplog.records]
    assert "私话" not in caplog.text
    bot.broken = False
    assert (await fake.says("Alice", "再来")).accepted


async def test_more_than_fits_in_hand_waits_for_the_repeat(fake: FakeDingTalk, echo: Echo) -> None:
    echo.slow, fake.gateway.ack_seconds, fake.gateway.redeliver_after = 0.4, 0.5, 0.1
    async with streaming(fake, echo.dingtalk, echo, pace=replace(QUICK, in_hand=3, ack_after=0.05)):
        pushed = await asyncio.gather(*(fake.says("Alice", f"第{number}句") for number in range(6)))
        assert all(each.accepted for each in pushed)
        assert max(len(each.message_ids) for each in pushed) > 1
        await asyncio.sleep(0.5)
    assert sorted(fake.hears("Alice")) == [f"你说：第{number}句" for number in range(6)]


async def test_one_slow_person_holds_up_nobody(fake: FakeDingTalk, bot: Echo) -> None:
    bot.slow = 0.5
    slow = asyncio.create_task(fake.says("Alice", "慢"))
    await asyncio.sleep(0.05)
    bot.slow = 0.0
    assert (await fake.says("bob", "快")).acks[0].seconds < 0.4
    assert fake.hears("bob") == ["你说：快"]
    assert (await slow).accepted


async def test_messages_are_spread_over_replicas(fake: FakeDingTalk) -> None:
    async with AsyncExitStack() as stack:
        bots = [Echo(await stack.enter_async_context(running(fake))) for _ in range(2)]
        for echo in bots:
            await stack.enter_async_context(streaming(fake, echo.dingtalk, echo))
        for number in range(30):
            await fake.says("Alice", str(number))
    assert all(echo.taken for echo in bots)
    assert sum(len(echo.taken) for echo in bots) == len(fake.hears("Alice")) == 30


# What is told instead


async def test_who_cannot_be_answered_is_told_so(
    fake: FakeDingTalk, bot: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    await fake.says("outsider", "你好", senderStaffId=None)
    assert fake.hears("outsider") == [STRANGER]
    await fake.push(fake.chats.message("Alice", group=True, text={"content": " 话术"}))
    assert fake.hears("cidGROUP==") == [GROUP]
    assert bot.taken == []
    pushed = await fake.says("outsider", "你好", senderStaffId=None, sessionWebhook=None)
    assert pushed.accepted, "nothing can be done about it, and a repeat would change nothing"
    assert "小林" not in caplog.text


async def test_over_the_quota_the_operator_is_told_and_nothing_breaks(fake: FakeDingTalk, echo: Echo) -> None:
    fake.vendor.push_quota = 1
    stream = Stream(echo.dingtalk.http, echo.dingtalk.account, Intake(echo.dingtalk, echo, echo.alarm), pace=QUICK)
    await stream.start()
    await fake.listening()
    assert (await fake.says("Alice", "一")).accepted
    assert (await fake.says("Alice", "二")).accepted
    assert (await fake.event({"errCode": "20001", "errMsg": "x"})).accepted
    fake.vendor.push_quota = 100
    assert (await fake.says("Alice", "三")).accepted
    await stream.stop()
    assert fake.hears("Alice") == ["你说：一", NO_QUOTA, "你说：三"]
    assert [(notice.platform, notice.code) for notice in echo.alarms] == [("dingtalk", "20001")] * 2


async def test_an_expired_session_leads_to_the_robot_api(fake: FakeDingTalk, bot: Echo) -> None:
    fake.chats.lifetime = timedelta(seconds=30)
    await fake.says("Alice", "在")
    fake.chats.lifetime = timedelta(minutes=90)
    fake.chats.accepts = False
    await fake.says("Alice", "还在")
    assert [shown.way for shown in fake.delivered("Alice")] == ["api", "api"]


# Frames


async def test_system_frames_and_events(fake: FakeDingTalk, bot: Echo) -> None:
    connection = fake.gateway.connections[0]
    assert await fake.gateway.ping(connection)
    fake.gateway.redeliver_after = 0.01
    pushed = await fake.event({"timeStamp": 1, "userId": ["Alice"]})
    assert (len(pushed.message_ids), pushed.acks[0].data["status"]) == (1, "SUCCESS")
    assert bot.taken == []


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "7", '{"type":"CALLBACK"}', '{"headers":7,"type":7,"data":{}}', "x" * 99]
)
async def test_frames_that_are_no_frames_break_nothing(fake: FakeDingTalk, bot: Echo, raw: str) -> None:
    await fake.gateway.connections[0].socket.send_str(raw)
    assert (await fake.says("Alice", "在")).accepted
    assert len(fake.gateway.opened) == 1


# Cards


async def test_a_tap_is_answered_with_what_was_chosen_and_counts_once(fake: FakeDingTalk) -> None:
    async with running(fake, card_template=fake.cards.template) as dingtalk:
        echo = Echo(dingtalk)
        async with streaming(fake, dingtalk, echo):
            question = say("今天的题", title="一句话接住").with_buttons(Button("提示", "提示"), Button("跳过", "跳过"))
            (payload,) = dingtalk.render(question)
            sent = await dingtalk.send(["Alice", "bob", "zoe"], payload | {"key": "k.0"})
            assert (set(sent.failed), sent.message_id) == ({"zoe"}, fake.delivered("Alice")[0].track)
            assert (await fake.taps("Alice", 1)).accepted
            assert (await fake.taps("Alice", 1)).accepted
            assert (await fake.taps("bob", 2)).accepted
    assert [(each.sender, each.text, each.kind) for each in echo.taken] == [
        ("Alice", "提示", Kind.CLICK),
        ("bob", "跳过", Kind.CLICK),
    ]
    card = fake.cards.by_track[sent.message_id]
    assert [card.seen_by(user).get("chosen") for user in ("Alice", "bob")] == ["提示", "跳过"]
    assert fake.requests("v1.0/card/instances") == []


async def test_a_tap_that_takes_long_is_marked_by_the_api(fake: FakeDingTalk) -> None:
    async with running(fake, card_template=fake.cards.template) as dingtalk:
        echo = Echo(dingtalk)
        async with streaming(fake, dingtalk, echo):
            (payload,) = dingtalk.render(say("题").with_buttons(Button("提示", "提示")))
            track = (await dingtalk.send(["Alice"], payload | {"key": "k.0"})).message_id
            echo.slow = 0.5
            pushed = await fake.taps("Alice", 1)
            assert (pushed.accepted, pushed.acks[0].data) == (True, {"response": None})
            await fake.until("Alice", "你说：提示")
    assert fake.cards.by_track[track].seen_by("Alice")["chosen"] == "提示"


async def test_no_log_line_holds_a_secret(fake: FakeDingTalk, echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tickets: list[str] = []
    opened = fake.gateway.open

    async def listen(body: Any) -> dict[str, Any]:
        answer = await opened(body)
        tickets.append(answer["ticket"])
        return answer

    fake.gateway.open = listen  # type: ignore[method-assign]
    async with streaming(fake, echo.dingtalk, echo):
        pushed = await fake.says("Alice", "客户的名字是唐女士")
        fake.vendor.expire_token()
        fake.chats.accepts = False
        await fake.says("Alice", "再说一遍")
        fake.gateway.connections[0].abort()
        await until(lambda: len(tickets) == 2)
    session = pushed.data["sessionWebhook"].split("session=")[1]
    for secret in (fake.secret, fake.vendor.token, session, *tickets, *(t.split("+")[0] for t in tickets), "唐女士"):
        assert secret not in caplog.text
