"""A world with a robot in one WeCom group and one in a DingTalk group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import col, select

from bot.core.clock import ManualClock
from bot.library import ContentLibrary
from handlers.context import Desk
from storage.database import Database
from storage.models import Delivery
from tests.chat import World
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.wecom_robot import FakeWecomRobot


@dataclass
class Groups:
    """What both groups have been shown, and the world that shows it."""

    world: World
    wecom: FakeWecomRobot
    ding: FakeDingTalk

    @property
    def on_wecom(self) -> list[str]:
        """The words of every post; a picture is 「图」."""
        return [each if isinstance(each, str) else "「图」" for _, each in self.wecom.posts]

    @property
    def on_dingtalk(self) -> list[str]:
        return [text for _, text in self.ding.robot.posts]

    @property
    def everything(self) -> str:
        return "\n".join([*self.on_wecom, *self.on_dingtalk])

    async def owed(self) -> list[tuple[str, str, str]]:
        """(key, platform, status) of everything for groups."""
        async with self.world.database.reading() as tx:
            rows = await tx.scalars(select(Delivery).where(Delivery.kind == "group").order_by(col(Delivery.id)))
            return [(row.key, row.platform, row.status) for row in rows]


@asynccontextmanager
async def groups_on(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock, **settings: Any
) -> AsyncIterator[Groups]:
    """Both groups, with these settings besides their robots'."""
    async with FakeWecomRobot(clock) as wecom, FakeDingTalk(members=(), clock=clock) as ding:
        world = World.build(
            database,
            opened,
            clock,
            wecom_robot_url=wecom.url,
            dingtalk_robot_url=ding.robot_url,
            dingtalk_robot_secret=ding.robot.secret,
            **settings,
        )
        robots = [world.program.platforms[name] for name in world.program.desk.settings.groups]
        for robot in robots:
            await robot.start()
        yield Groups(world, wecom, ding)
        for robot in robots:
            await robot.stop()


@pytest.fixture
async def groups(database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock) -> AsyncIterator[Groups]:
    async with groups_on(database, opened, clock) as groups:
        yield groups
