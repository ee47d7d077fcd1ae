"""A day over WeCom's wire: the whole bot behind its real callback, against the strict fake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import time

import pytest
from aiohttp import web
from sqlalchemy import func
from sqlmodel import select

from bot import app, config
from bot.core.clock import ManualClock
from bot.core.errors import StorageBusy
from bot.core.log import quiet
from bot.core.messages import Incoming, Message
from bot.library import ContentLibrary
from handlers.context import Desk
from storage.database import Database
from storage.models import Assignment, Attempt, Delivery, Inbox
from tests.chat import LESSON, World
from tests.conversations.test_daily_loop import GOOD, RUDE
from tests.fakes.wecom import FakeWecom


@dataclass
class Day:
    """The running bot and the vendor it talks to."""

    world: World
    fake: FakeWecom

    async def count(self, table: type) -> int:
        async with self.world.database.reading() as tx:
            return int(await tx.scalar(select(func.count()).select_from(table)) or 0)

    async def tick(self) -> None:
        await self.world.tick()


@pytest.fixture
async def day(database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock) -> AsyncIterator[Day]:
    async with FakeWecom(("Alice", "Bob", "Carol"), clock=clock) as fake:
        settings = config.read(fake.environment())
        library, desk = opened
        program = app.build(settings, clock, database, (library, replace(desk, settings=settings)))
        runner = web.AppRunner(program.web, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        fake.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        assert await fake.verify_url()
        yield Day(World(program, database, clock), fake)
        await runner.cleanup()
        assert fake.errors == []


async def test_a_full_day_of_three_learners(day: Day) -> None:
    fake, world = day.fake, day.world
    for name in ("alice", "bob", "carol"):
        await fake.subscribe(name)
        assert "我是接话教练" in (await fake.until(name, "接话教练")).text
    await world.campaign(LESSON)
    await world.at("09:30")
    for name in ("alice", "bob", "carol"):
        assert "唐女士说" in (await fake.until(name, "今日一题")).text
    await fake.push_text("alice", GOOD)
    assert "点评" in (await fake.until("alice", "点评")).text
    world.clock.advance(seconds=2)
    await world.tick()
    assert "可以这样接" in (await fake.until("alice", "对照着看")).text
    await fake.push_text("bob", "话术 退费")
    await fake.until("bob", "“退费”的话术")
    await fake.push_text("bob", "1")
    await fake.until("bob", "何时用")
    await fake.push_text("bob", RUDE)
    await fake.until("bob", "重来")
    await world.at("15:20")
    await fake.until("carol", "还等着你")
    assert not any("还等着你" in text for text in fake.hears("alice"))
    await world.at("18:07")
    async with world.database.reading() as tx:
        statuses = sorted((await tx.scalars(select(Assignment.status))).all())
    assert statuses == ["answered", "answered", "missed"]
    assert await day.count(Attempt) == 2


async def test_three_equal_callbacks_are_one_attempt_with_the_same_answer(day: Day) -> None:
    fake, world = day.fake, day.world
    await fake.subscribe("alice")
    await world.campaign(LESSON)
    await world.at("09:30")
    await fake.until("alice", "今日一题")
    pushed = await fake.push_text("alice", GOOD, lost=2)
    assert len(pushed.attempts) == 3
    assert "点评" in (await fake.until("alice", "点评")).text
    world.clock.advance(seconds=2)
    await world.tick()
    await fake.until("alice", "对照着看")
    assert await day.count(Attempt) == 1
    assert sum("点评" in text for text in fake.hears("alice")) == 1


async def test_a_bad_signature_is_refused_and_nothing_is_stored(day: Day) -> None:
    fake = day.fake
    query, body = fake.callbacks.envelope(fake.callbacks.xml("alice", "", MsgType="text", Content="您好", MsgId=1))
    status, _ = await fake.callbacks.post({**query, "msg_signature": "0" * 40}, body)
    assert status == 403
    assert await day.count(Inbox) == 0


async def test_a_menu_click_and_entering(day: Day) -> None:
    fake = day.fake
    await fake.enter("bob")
    assert "我是接话教练" in (await fake.until("bob", "接话教练")).text
    before = len(fake.hears("bob"))
    fake.advance(5)
    await fake.enter("bob")
    assert len(fake.hears("bob")) == before, "opening the chat again says nothing"
    await fake.click("bob", "帮助")
    await fake.until("bob", "**帮助**")


async def test_an_expired_token_is_renewed_and_the_question_arrives_once(day: Day) -> None:
    fake, world = day.fake, day.world
    await fake.subscribe("alice")
    await world.campaign(LESSON)
    fake.expire_token()
    await world.at("09:30")
    await fake.until("alice", "今日一题")
    assert sum("今日一题" in text for text in fake.hears("alice")) == 1


async def test_people_outside_the_visible_range_are_recorded(day: Day) -> None:
    fake, world = day.fake, day.world
    for name in ("alice", "bob"):
        await fake.subscribe(name)
    fake.revoke_user("bob")
    await world.campaign(LESSON)
    await world.at("09:30")
    await fake.until("alice", "今日一题")
    rows: list[Delivery] = []
    async with asyncio.timeout(5):
        while not rows or any(row.status == "sending" for row in rows):  # recorded after the vendor has shown it
            await asyncio.sleep(0.05)
            async with world.database.reading() as tx:
                rows = list((await tx.scalars(select(Delivery).where(Delivery.kind == "challenge"))).all())
    assert {row.recipient: row.status for row in rows} == {"alice": "sent", "bob": "failed"}
    assert next(row for row in rows if row.recipient == "bob").error


async def test_when_the_platform_is_down_the_question_waits(day: Day) -> None:
    fake, world = day.fake, day.world
    await fake.subscribe("alice")
    await world.campaign(LESSON)
    fake.fault("message/send", "errcode", times=2)
    await world.at("09:40")
    for _ in range(40):  # the running bot retries by the clock, which stands still unless it is moved
        if any("今日一题" in text for text in fake.hears("alice")):
            break
        fake.advance(20)
        await asyncio.sleep(0.1)
    await fake.until("alice", "今日一题")
    assert sum("今日一题" in text for text in fake.hears("alice")) == 1


async def test_when_the_database_is_busy_the_message_is_kept(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, world = day.fake, day.world
    await fake.subscribe("alice")
    original, busy = world.program.dispatcher.receive, [True, True, True, False]

    async def receive(incoming: Incoming) -> tuple[Message, ...]:
        if busy.pop(0) if busy else False:
            raise StorageBusy
        return await original(incoming)

    monkeypatch.setattr(world.program.parked, "_receive", receive)
    pushed = await fake.push_text("alice", "帮助")
    assert not pushed.accepted
    assert await world.program.parked.retry() == 0
    await world.tick()
    await fake.until("alice", "直接打字就是查话术")


async def test_the_log_holds_no_secret(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    fake, world = day.fake, day.world
    quiet()
    with caplog.at_level(logging.DEBUG):
        await fake.subscribe("alice")
        await world.campaign(LESSON)
        fake.expire_token()
        await world.at("09:30")
        await fake.push_text("alice", GOOD + "手机13812345678")
        await fake.until("alice", "点评")
    for secret in (fake.secret, fake.token, fake.aes_key, "13812345678", "唐女士，五千八"):
        assert secret not in caplog.text
    assert fake.clock.now().astimezone(world.program.desk.calendar.zone).time() >= time(9, 30)
