"""A fake of DingTalk, a platform that talks to it, and a bot that listens on its Stream."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from bot.core.clock import ManualClock
from bot.core.log import quiet
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import Echo, running, streaming


@pytest.fixture
async def fake(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> AsyncIterator[FakeDingTalk]:
    """The vendor; the whole log, whatever is said, is searched for secrets."""
    caplog.set_level(logging.DEBUG)
    quiet()
    async with FakeDingTalk(members=["Alice", "bob"], clock=clock) as fake:
        yield fake


@pytest.fixture
async def echo(fake: FakeDingTalk) -> AsyncIterator[Echo]:
    async with running(fake) as dingtalk:
        yield Echo(dingtalk)


@pytest.fixture
async def bot(fake: FakeDingTalk, echo: Echo) -> AsyncIterator[Echo]:
    async with streaming(fake, echo.dingtalk, echo):
        yield echo
    assert fake.errors == []
