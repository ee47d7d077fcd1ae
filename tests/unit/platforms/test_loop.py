"""No call holds up the loop: with endpoints that take three seconds it still turns within 50 ms, on either platform."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.core.clock import ManualClock
from tests.fakes.aside import aside
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import Echo, streaming
from tests.fakes.dingtalk.bot import running as ding_running
from tests.fakes.dingtalk.contacts import FakeContacts as DingContacts
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running
from tests.fakes.wecom.contacts import FakeContacts as WecomContacts
from tests.lag import measured

SLOW, MOST = 3.0, 0.05
HELLO = {"msgtype": "text", "text": {"content": "在"}}


async def sends_on_wecom() -> None:
    with aside(FakeWecom(clock=at())) as fake:
        fake.fault("gettoken", "latency", seconds=SLOW)
        async with running(fake) as wecom:
            await wecom.send(["Alice"], HELLO | {"key": "k"})
        assert fake.hears("Alice") == ["在"]


async def reads_wecoms_directory() -> None:
    with aside(FakeWecom(clock=at())) as fake:
        WecomContacts(fake)
        fake.fault("gettoken", "latency", seconds=SLOW)
        fake.fault("department/list", "latency", seconds=0.3)
        async with running(fake) as wecom:
            assert (await wecom.contacts.read()).departments


async def sends_on_dingtalk() -> None:
    with aside(FakeDingTalk(clock=at())) as fake:
        fake.fault("v1.0/oauth2/accessToken", "latency", seconds=SLOW)
        async with ding_running(fake) as dingtalk:
            await dingtalk.send(["bob"], HELLO)
        assert fake.hears("bob") == ["在"]


async def reads_dingtalks_directory() -> None:
    with aside(FakeDingTalk(clock=at())) as fake:
        DingContacts(fake)
        fake.fault("v1.0/oauth2/accessToken", "latency", seconds=SLOW)
        fake.fault("topapi/v2/department/listsub", "latency", seconds=0.3)
        async with ding_running(fake) as dingtalk:
            assert (await dingtalk.contacts.read()).departments


async def opens_a_stream() -> None:
    """dingtalk-stream 0.24.3 froze for 2.9 seconds here."""
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(FakeDingTalk(clock=at()))
        fake.gateway.open_delay = SLOW
        dingtalk = await stack.enter_async_context(ding_running(fake))
        echo = Echo(dingtalk)
        await stack.enter_async_context(streaming(fake, dingtalk, echo))
        assert (await fake.says("Alice", "在")).accepted


def at() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, 1, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "does",
    [sends_on_wecom, reads_wecoms_directory, sends_on_dingtalk, reads_dingtalks_directory, opens_a_stream],
    ids=lambda does: does.__name__,
)
async def test_three_slow_seconds_do_not_hold_up_the_loop(does: Callable[[], Any]) -> None:
    async with measured() as lag:
        began = time.monotonic()
        await does()
        assert time.monotonic() - began >= SLOW, "it was slow indeed"
    assert len(lag.late) > 100
    assert lag.longest < MOST


async def test_a_blocked_loop_is_seen_and_a_busy_one_between_two_ticks_is_not() -> None:
    async with measured() as lag:
        await asyncio.sleep(0.05)
        time.sleep(0.2)  # noqa: ASYNC251
        await asyncio.sleep(0.05)
    assert 0.1 < lag.longest < 1
