"""The bot's side wired to a fake: its DingTalk with a token store in memory, a Stream, a callback server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.core.errors import StorageBusy
from bot.core.messages import Incoming, Message, say
from bot.platforms.base import DEAF, Ear, Notice
from bot.platforms.dingtalk import Account, DingTalk, Intake, Stream
from bot.platforms.dingtalk.intake import Receive
from bot.platforms.dingtalk.stream import Pace
from bot.platforms.tokens import TokenStore
from bot.web.callbacks import DINGTALK_DEADLINE, add_dingtalk
from tests.fakes.dingtalk.server import FakeDingTalk
from tests.fakes.stores import MemoryTokens

QUICK = Pace(silence=1.2, first_pause=0.02, longest_pause=0.1, ack_after=0.3)
"""A Stream that notices everything within a second or two."""


@asynccontextmanager
async def running(
    fake: FakeDingTalk, store: TokenStore | None = None, timeout: float = 5.0, ear: Ear = DEAF, **account: Any
) -> AsyncIterator[DingTalk]:
    """A started DingTalk that talks to `fake`; several on one store are replicas."""
    events = {"event_token": fake.http.event_token, "event_aes_key": fake.http.aes_key}
    values = {"api": fake.api_url, "old_api": fake.old_url, **events, **account}
    dingtalk = DingTalk(
        Account(fake.client_id, fake.secret, **values),
        clock=fake.clock,
        tokens=store or MemoryTokens(),
        timeout=timeout,
        ear=ear,
    )
    await dingtalk.start()
    try:
        yield dingtalk
    finally:
        await dingtalk.stop()


@asynccontextmanager
async def streaming(
    fake: FakeDingTalk, dingtalk: DingTalk, receive: Receive, *, pace: Pace = QUICK, **options: Any
) -> AsyncIterator[Stream]:
    """A Stream that hands messages to `receive`, connected."""
    connected = len(fake.gateway.connections)
    stream = Stream(dingtalk.http, dingtalk.account, Intake(dingtalk, receive), pace=pace, **options)
    await stream.start()
    try:
        await fake.listening(connected + 1)
        yield stream
    finally:
        await stream.stop()


@asynccontextmanager
async def serving(
    fake: FakeDingTalk, dingtalk: DingTalk, receive: Receive, *, deadline: float = DINGTALK_DEADLINE
) -> AsyncIterator[str]:
    """A bot that hands HTTP pushes to `receive`; the fake is told its address."""
    app = web.Application()
    add_dingtalk(app, dingtalk, Intake(dingtalk, receive), deadline=deadline)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.http.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback/dingtalk"
    try:
        yield fake.http.url
    finally:
        await runner.cleanup()


class Echo:
    """A receiver like the dispatcher: it stores, knows a repeat, answers by sending, and settles a card by one tap."""

    def __init__(self, dingtalk: DingTalk) -> None:
        self.dingtalk = dingtalk
        self.taken: list[Incoming] = []
        self.slow = 0.0
        self.busy = 0
        self.broken = False
        self.alarms: list[Notice] = []

    async def __call__(self, incoming: Incoming) -> tuple[Message, ...]:
        if self.busy:
            self.busy -= 1
            raise StorageBusy
        if self.broken:
            raise KeyError("broken")
        face = (Message((), title=f"已选：{incoming.text}"),) if incoming.card else ()
        if incoming.key in {each.key for each in self.taken}:
            return face
        self.taken.append(incoming)
        await asyncio.sleep(self.slow)
        for payload in self.dingtalk.render(say(f"你说：{incoming.text}")):
            await self.dingtalk.send([incoming.sender], payload)
        return face

    async def alarm(self, notice: Notice) -> None:
        self.alarms.append(notice)


async def until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    """Wait for something that happens on the other side."""
    deadline = time.monotonic() + timeout
    while True:
        if condition():
            return
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.005)
