"""Every way a Stream connection can begin and end, how fast it stops, and a loop that is never blocked."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.clock import ManualClock
from bot.platforms.base import Notice
from bot.platforms.dingtalk import Intake, Stream
from bot.platforms.dingtalk.stream import Pace
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import QUICK, Echo, streaming, until


async def test_a_new_connection_stands_before_an_announced_end(fake: FakeDingTalk, bot: Echo) -> None:
    fake.gateway.close_after = 0.3
    bot.slow = 0.15
    late = asyncio.create_task(fake.says("Alice", "最后一句"))
    await asyncio.sleep(0.05)
    old = fake.gateway.connections[0]
    ending = asyncio.create_task(fake.gateway.disconnect(old))
    await until(lambda: fake.gateway.connections not in ([], [old]))
    assert not ending.done(), "the new connection did not wait for the end of the old one"
    assert old not in fake.gateway.connections
    assert (await late).accepted, "what was pushed on the old one is still answered there"
    await ending
    assert (await fake.says("Alice", "下一句")).accepted


CODES = [1000, 1001, 1006, 1008, 1011, 1012, 4000]


@pytest.mark.parametrize("seed", range(3))
async def test_however_it_ends_it_comes_back_without_a_hot_loop(fake: FakeDingTalk, bot: Echo, seed: int) -> None:
    dice, began = random.Random(seed), time.monotonic()
    for number in range(8):
        await fake.listening()
        connection, code = fake.gateway.connections[0], dice.choice(CODES)
        if code == 1006:
            connection.abort()
        else:
            await connection.socket.close(code=code)
        await until(lambda gone=connection: gone not in fake.gateway.connections)  # type: ignore[misc]
        await fake.listening()
        assert (await fake.says("Alice", str(number))).accepted
    assert len(fake.gateway.opened) == 9
    assert time.monotonic() - began < 5


async def test_a_server_that_hangs_up_at_once_is_not_hammered(fake: FakeDingTalk, echo: Echo) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0.001)

    stream = Stream(echo.dingtalk.http, echo.dingtalk.account, Intake(echo.dingtalk, echo), pause=pause)
    await stream.start()
    for _ in range(9):
        await fake.listening()
        connection = fake.gateway.connections[0]
        await connection.socket.close(code=1000)
        await until(lambda gone=connection: gone not in fake.gateway.connections)  # type: ignore[misc]
    await stream.stop()
    assert all(0.5 * min(2**n, 60) <= seconds <= min(2**n, 60) for n, seconds in enumerate(pauses, 1))
    assert len(pauses) >= 8


async def test_ten_minutes_without_the_gateway_are_few_calls_and_then_it_works(
    fake: FakeDingTalk, echo: Echo, clock: ManualClock
) -> None:
    began = clock.now()

    async def pause(seconds: float) -> None:
        clock.advance(seconds=seconds)
        await asyncio.sleep(0)

    fake.gateway.down_until = began + timedelta(minutes=10)
    async with streaming(fake, echo.dingtalk, echo, pace=Pace(), pause=pause):
        assert (await fake.says("Alice", "在")).accepted
    assert 10 <= len(fake.gateway.opened) <= 30
    assert fake.gateway.opened[-1] - fake.gateway.down_until <= timedelta(seconds=60)
    gaps = [b - a for a, b in zip(fake.gateway.opened, fake.gateway.opened[1:], strict=False)]
    assert max(gaps) <= timedelta(seconds=60)


@pytest.mark.parametrize("trouble", ["wrong secret", "no ticket", "bad endpoint", "banned", "reset", "stale ticket"])
async def test_an_opening_that_fails_is_tried_again(
    fake: FakeDingTalk, echo: Echo, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    route, secret = "v1.0/gateway/connections/open", fake.vendor.secret
    match trouble:
        case "wrong secret":
            fake.vendor.secret = "another"
        case "no ticket":
            fake.fault(route, "json", text='{"endpoint":"ws://x"}', status=200)
        case "bad endpoint":
            fake.fault(route, "json", text='{"endpoint":"http://x","ticket":"secretticket"}', status=200)
        case "banned":
            fake.vendor.banned = "json"
        case "reset":
            fake.fault(route, "reset")
        case "stale ticket":
            text = f'{{"endpoint":"{fake.gateway.url}","ticket":"secretticket"}}'
            fake.fault(route, "json", text=text, status=200)
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)
        fake.vendor.secret, fake.vendor.banned = secret, ""
        await asyncio.sleep(0)

    async with streaming(fake, echo.dingtalk, echo, pause=pause):
        assert (await fake.says("Alice", "在")).accepted
    assert len(waited) == 1
    assert "stream.down" in [getattr(record, "action", "") for record in caplog.records]
    assert "secretticket" not in caplog.text
    if trouble == "wrong secret":
        assert waited[0] == 300
        assert "JIEHUA_DINGTALK_CLIENT_SECRET" in caplog.text


async def test_a_half_open_socket_is_noticed(fake: FakeDingTalk, bot: Echo) -> None:
    old = fake.gateway.connections[0]
    old.freeze()
    began = time.monotonic()
    await until(lambda: len(fake.gateway.opened) == 2)
    assert time.monotonic() - began < 3 * QUICK.silence
    fake.gateway.connections.remove(old)
    await fake.listening()
    assert (await fake.says("Alice", "在")).accepted


async def test_an_idle_connection_is_kept(fake: FakeDingTalk, bot: Echo) -> None:
    await asyncio.sleep(2 * QUICK.silence)
    assert len(fake.gateway.opened) == 1, "pongs are frames: a quiet vendor is not a dead one"


def test_the_watchdog_waits_ninety_seconds() -> None:
    assert Pace().silence == 90


async def test_a_connection_the_vendor_forgets_to_end_is_ended(fake: FakeDingTalk, echo: Echo) -> None:
    fake.gateway.close_after = 30.0
    async with streaming(fake, echo.dingtalk, echo, pace=replace(QUICK, leaving=0.3)):
        old = fake.gateway.connections[0]
        ending = asyncio.create_task(fake.gateway.disconnect(old))
        await fake.listening(1)
        assert (await fake.says("Alice", "在")).accepted
        await until(lambda: old.socket.closed)
        assert not fake.gateway.connections[0].socket.closed, "the new one stays"
        ending.cancel()


async def test_an_event_that_takes_long_holds_up_no_message(fake: FakeDingTalk, echo: Echo) -> None:
    over = asyncio.Event()

    async def alarm(_notice: Notice) -> None:
        await over.wait()

    intake = Intake(echo.dingtalk, echo, alarm)
    stream = Stream(echo.dingtalk.http, echo.dingtalk.account, intake, pace=QUICK)
    await stream.start()
    await fake.listening(1)
    event = asyncio.create_task(fake.event({"errCode": 20001, "errMsg": "额度用尽"}))
    await asyncio.sleep(0.05)
    assert (await fake.says("Alice", "在")).accepted
    assert not event.done() or (await event).accepted
    over.set()
    assert (await event).acks[-1].data["status"] == "SUCCESS"
    await stream.stop()


@pytest.mark.parametrize("state", ["idle", "half-open", "at work", "pausing"])
async def test_stopping_takes_less_than_a_second(fake: FakeDingTalk, echo: Echo, state: str) -> None:
    pushing = None
    async with streaming(fake, echo.dingtalk, echo) as stream:
        if state == "half-open":
            fake.gateway.connections[0].freeze()
        elif state == "at work":
            echo.slow = 30.0
            pushing = asyncio.create_task(fake.says("Alice", "慢"))
            await asyncio.sleep(0.05)
        elif state == "pausing":
            fake.gateway.down_until = fake.clock.now() + timedelta(hours=1)
            fake.gateway.connections[0].abort()
            await asyncio.sleep(0.05)
        began = time.monotonic()
        await stream.stop()
        assert time.monotonic() - began < 1.0
        await stream.stop()
    if pushing is not None:
        pushing.cancel()


async def test_work_that_needs_little_is_finished_when_stopping(fake: FakeDingTalk, echo: Echo) -> None:
    echo.slow = 0.3
    async with streaming(fake, echo.dingtalk, echo):
        pushing = asyncio.create_task(fake.says("Alice", "快好了"))
        await asyncio.sleep(0.05)
    assert fake.hears("Alice") == ["你说：快好了"]
    pushing.cancel()
