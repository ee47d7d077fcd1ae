"""DingTalk's HTTP mode over real HTTP: signed robot messages, encrypted events, and what must be refused."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.core.messages import Incoming, Kind
from bot.platforms.dingtalk.callback import NO_QUOTA, STRANGER
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import Echo, running, serving
from tests.fakes.dingtalk.crypto import EventSealer

EMPTY = {"msgtype": "empty"}


@pytest.fixture
async def bot(fake: FakeDingTalk) -> AsyncIterator[Echo]:
    async with running(fake) as dingtalk:
        echo = Echo(dingtalk)
        async with serving(fake, dingtalk, echo):
            yield echo


# Robot messages


async def test_a_message_is_answered_with_nothing_and_then_by_its_session(fake: FakeDingTalk, bot: Echo) -> None:
    data = fake.chats.message("Alice", text={"content": " 您先别急😀"})
    attempt = await fake.http.message(data)
    assert (attempt.status, json.loads(attempt.body)) == (200, EMPTY)
    assert bot.taken == [Incoming("dingtalk", "Alice", data["msgId"], Kind.TEXT, "您先别急😀")]
    assert [shown.way for shown in fake.delivered("Alice")] == ["session"]
    assert (await fake.http.message(data)).status == 200
    assert len(bot.taken) == 1, "a replay inside the hour is known already"


async def test_a_slow_handler_is_answered_before_the_vendor_hangs_up(
    fake: FakeDingTalk, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(fake) as dingtalk:
        echo = Echo(dingtalk)
        echo.slow = 0.6
        async with serving(fake, dingtalk, echo, deadline=0.25):
            attempt = await fake.http.message(fake.chats.message("Alice", text={"content": "慢"}))
            assert (attempt.status, json.loads(attempt.body)) == (200, EMPTY)
            assert attempt.seconds < 0.5
            assert fake.hears("Alice") == []
    assert fake.hears("Alice") == ["你说：慢"], "the server waits for it before it stops"
    assert "callback.late" in [getattr(record, "action", "") for record in caplog.records]


async def test_a_busy_database_says_503(fake: FakeDingTalk, bot: Echo) -> None:
    bot.busy = 1
    data = fake.chats.message("Alice", text={"content": "忙"})
    assert [(await fake.http.message(data)).status for _ in range(2)] == [503, 200]
    assert fake.hears("Alice") == ["你说：忙"]


async def test_a_receiver_that_fails_says_500(fake: FakeDingTalk, bot: Echo, caplog: pytest.LogCaptureFixture) -> None:
    bot.broken = True
    assert (await fake.http.message(fake.chats.message("Alice", text={"content": "私话"}))).status == 500
    assert "私话" not in caplog.text


async def test_strangers_and_the_quota(fake: FakeDingTalk, bot: Echo, caplog: pytest.LogCaptureFixture) -> None:
    await fake.http.message(fake.chats.message("outsider", senderStaffId=None, text={"content": "x"}))
    await fake.http.message(fake.chats.over_quota(fake.chats.message("Alice", text={"content": "x"})))
    assert (fake.hears("outsider"), fake.hears("Alice")) == ([STRANGER], [NO_QUOTA])
    assert "dingtalk.quota" in [getattr(record, "action", "") for record in caplog.records]


# Events


async def test_the_subscription_is_verified_and_events_are_accepted(fake: FakeDingTalk, bot: Echo) -> None:
    assert await fake.http.event({"EventType": "check_url"})
    assert await fake.http.event({"EventType": "user_leave_org", "UserId": ["Alice"], "TimeStamp": "1"})
    fake.advance(24 * 3600)
    assert await fake.http.event({"EventType": "check_url"})
    assert bot.taken == []


# What is not for us


async def test_bad_pushes_get_4xx_and_store_nothing(
    fake: FakeDingTalk, bot: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = json.dumps(fake.chats.message("Alice", text={"content": "私话"})).encode()
    good, http = fake.http.headers(), fake.http
    query, event = http.sealed({"EventType": "x"})
    other = EventSealer(http.event_token, http.aes_key, "dinganother")
    now = int(fake.clock.now().timestamp() * 1000)
    bad = [
        ({}, {}, body),
        ({}, {"timestamp": good["timestamp"]}, body),
        ({}, {"sign": good["sign"]}, body),
        ({}, http.headers("another-secret"), body),
        ({}, http.headers(timestamp=str(now - 3_601_000)), body),
        ({}, http.headers(timestamp=str(now + 3_601_000)), body),
        ({}, http.headers(timestamp="1e9"), body),
        ({}, good | {"sign": good["sign"][:-4]}, body),
        ({}, good, b""),
        ({}, good, b"{"),
        ({}, good, b"[]"),
        ({}, good, b"\xff\xfe"),
        ({}, good, b"[" * 200_000),
        ({}, good, b"{}"),
        ({}, good, b'{"msgId":"m"}'),
        (query | {"signature": "0" * 40, "msg_signature": "0" * 40}, {}, event),
        (query | {"timestamp": str(now - 3_601_000)}, {}, event),
        (query, {}, json.dumps({"encrypt": base64.b64encode(b"x" * 64).decode()}).encode()),
        (query, {}, b'{"encrypt":"not base64"}'),
        (query, {}, b"<xml/>"),
        (*_with_headers(http.sealed({"EventType": "x"}, other)),),
    ]
    for number, (params, headers, raw) in enumerate(bad):
        status = (await http.post(params, headers, raw)).status
        expected = 200 if raw == b'{"msgId":"m"}' else 403  # nobody wrote it, and there is nowhere to say so
        assert status == expected, number
    assert bot.taken == []
    for secret in (fake.secret, http.event_token, http.aes_key, good["sign"], "私话"):
        assert secret not in caplog.text
    assert (await http.message(fake.chats.message("Alice", text={"content": "还在"}))).status == 200


def _with_headers(sealed: tuple[dict[str, str], bytes]) -> tuple[dict[str, str], dict[str, str], bytes]:
    return sealed[0], {}, sealed[1]


async def test_a_huge_body_is_refused_and_the_next_message_works(fake: FakeDingTalk, bot: Echo) -> None:
    attempt = await fake.http.post({}, fake.http.headers(), b"x" * 10_000_000)
    assert attempt.status in (413, None)
    assert (await fake.http.message(fake.chats.message("Alice", text={"content": "在"}))).status == 200
    assert fake.hears("Alice") == ["你说：在"]


async def test_other_methods_are_refused(fake: FakeDingTalk, bot: Echo) -> None:
    async with aiohttp.ClientSession() as http, http.get(fake.http.url) as response:
        assert response.status == 405


async def test_fifty_at_once_are_each_stored_once(fake: FakeDingTalk, bot: Echo) -> None:
    messages = [fake.chats.message("Alice", text={"content": str(number)}) for number in range(50)]
    attempts = await asyncio.gather(*(fake.http.message(data) for data in messages * 2))
    assert {attempt.status for attempt in attempts} == {200}
    assert len(bot.taken) == len(fake.hears("Alice")) == 50
