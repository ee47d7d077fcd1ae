"""Fakes of WeCom and DingTalk and a bot's side of each, on one clock, and a database for tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.clock import ManualClock
from bot.platforms.dingtalk import DingTalk
from bot.platforms.wecom import Wecom
from storage.database import Database
from storage.models import Token
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running as ding_running
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 20, 1, 7, tzinfo=UTC))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with the token table; on PostgreSQL another fixture takes this one's place."""
    database = Database(f"sqlite:///{tmp_path}/tokens.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(Token.metadata.tables["token"].create)
    yield database
    await database.close()


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[FakeWecom]:
    async with FakeWecom(members=["Alice", "bob", "carol"], clock=clock) as fake:
        yield fake


@pytest.fixture
async def wecom(fake: FakeWecom) -> AsyncIterator[Wecom]:
    async with running(fake) as wecom:
        yield wecom


@pytest.fixture
async def ding(clock: ManualClock) -> AsyncIterator[FakeDingTalk]:
    async with FakeDingTalk(members=["Alice", "bob", "carol"], clock=clock) as fake:
        yield fake


@pytest.fixture
async def dingtalk(ding: FakeDingTalk) -> AsyncIterator[DingTalk]:
    async with ding_running(ding) as dingtalk:
        yield dingtalk
