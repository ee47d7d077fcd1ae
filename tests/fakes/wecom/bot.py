"""The bot's side wired to a fake: its Wecom, a token store in memory, and a callback server with any receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.platforms.base import DEAF, Alarm, Ear, OnContact
from bot.platforms.tokens import TokenStore
from bot.platforms.wecom import Account, Wecom
from bot.web.callbacks import WECOM_DEADLINE, Receive, add_wecom
from tests.fakes.stores import MemoryTokens
from tests.fakes.wecom import FakeWecom

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


async def png_of(_picture: int) -> bytes:
    return PNG


@asynccontextmanager
async def running(
    fake: FakeWecom, store: TokenStore | None = None, timeout: float = 5.0, alarm: Alarm | None = None, ear: Ear = DEAF
) -> AsyncIterator[Wecom]:
    """A started Wecom that talks to `fake`; several on one store are replicas."""
    vendor = fake.vendor
    account = Account(vendor.corp_id, vendor.agent_id, fake.secret, fake.token, fake.aes_key, fake.api_url)
    tokens = store or MemoryTokens()
    wecom = Wecom(account, clock=fake.clock, tokens=tokens, picture_of=png_of, timeout=timeout, alarm=alarm, ear=ear)
    await wecom.start()
    try:
        yield wecom
    finally:
        await wecom.stop()


@asynccontextmanager
async def serving(
    fake: FakeWecom,
    wecom: Wecom,
    receive: Receive,
    *,
    deadline: float = WECOM_DEADLINE,
    alarm: Alarm | None = None,
    on_contact: OnContact | None = None,
) -> AsyncIterator[str]:
    """A bot that hands callbacks to `receive`; the fake is told its address."""
    app = web.Application()
    add_wecom(app, wecom, receive, deadline=deadline, alarm=alarm, on_contact=on_contact)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake.bot_url
    finally:
        await runner.cleanup()
