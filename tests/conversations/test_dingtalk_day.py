"""A day over DingTalk's Stream: the whole bot on its socket, against the strict fake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

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
from tests.conversations.test_daily_loop import GOOD
from tests.fakes.dingtalk import FakeDingTalk


@dataclass
class Day:
    """A running bot and the vendor it talks to."""

    world: World
    fake: FakeDingTalk

    async def count(self, table: type) -> int:
        async with self.world.database.reading() as tx:
            return int(await tx.scalar(select(func.count()).select_from(table)) or 0)

    async def statuses(self, kind: str) -> dict[str, str]:
        async with self.world.database.reading() as tx:
            rows = (await tx.scalars(select(Delivery).where(Delivery.kind == kind))).all()
        return {row.recipient: row.status for row in rows}

    async def greets(self, *names: str) -> None:
        """People who write once; what they are sent next is a push, because their sessions are over by then."""
        usual, self.fake.chats.lifetime = self.fake.chats.lifetime, timedelta(seconds=90)
        for name in names:
            await self.fake.says(name, "帮助")
            await self.fake.until(name, "帮助")
        self.fake.chats.lifetime = usual
        self.fake.advance(60)

    async def settled(self, kind: str, expected: dict[str, str]) -> None:
        """Deliveries reach these statuses soon; they are recorded after the vendor has shown them."""
        found: dict[str, str] = {}
        for _ in range(100):
            found = await self.statuses(kind)
            if found == expected:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{found} instead of {expected}")


@pytest.fixture
async def fake(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> AsyncIterator[FakeDingTalk]:
    """The vendor; the whole log, whatever is said, is searched for secrets."""
    caplog.set_level(logging.DEBUG)
    quiet()
    async with FakeDingTalk(members=("Alice", "Bob", "Carol"), clock=clock) as fake:
        yield fake
        assert fake.errors == []


@asynccontextmanager
async def bot_on(
    fake: FakeDingTalk, database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock, **settings: str
) -> AsyncIterator[Day]:
    """The bot as `jiehua serve` runs it, from its start to its stop."""
    wanted = config.read(fake.environment(**settings))
    library, desk = opened
    program = app.build(wanted, clock, database, (library, replace(desk, settings=wanted)))
    runner = web.AppRunner(program.web, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.http.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback/dingtalk"
    try:
        if wanted.dingtalk_mode == "stream":
            await fake.listening()
        yield Day(World(program, database, clock), fake)
    finally:
        await runner.cleanup()


@pytest.fixture
async def day(
    fake: FakeDingTalk, database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> AsyncIterator[Day]:
    async with bot_on(fake, database, opened, clock) as day:
        yield day


async def test_a_full_day_of_three_learners(day: Day) -> None:
    fake, world = day.fake, day.world
    await day.greets("Alice", "Bob", "Carol")
    await world.campaign(LESSON)
    await world.at("09:30")
    for name in ("Alice", "Bob", "Carol"):
        shown = await fake.until(name, "今日一题")
        assert (shown.kind, shown.way) == ("markdown", "api")
        assert "唐女士说" in shown.text
    (pushed,) = fake.requests("v1.0/robot/oToMessages/batchSend")
    assert pushed.body["userIds"] == ["Alice", "Bob", "Carol"], "one call for everybody"
    await fake.says("Alice", GOOD)
    assert (await fake.until("Alice", "点评")).way == "session"
    world.clock.advance(seconds=2)
    await world.tick()
    await fake.until("Alice", "对照着看")
    await fake.says("Bob", "话术 退费")
    await fake.until("Bob", "“退费”的话术")
    await fake.says("Bob", "1")
    await fake.until("Bob", "何时用")
    await world.at("15:20")
    await fake.until("Carol", "还等着你")
    await world.at("18:07")
    async with world.database.reading() as tx:
        statuses = sorted((await tx.scalars(select(Assignment.status))).all())
    assert statuses == ["answered", "missed", "missed"]
    assert await day.count(Attempt) == 1
    assert len(fake.requests("v1.0/robot/oToMessages/batchSend")) <= 4, "answers cost no API calls"


async def test_a_voice_message_is_an_answer_too(day: Day) -> None:
    fake, world = day.fake, day.world
    await fake.says("Alice", "帮助")
    await world.campaign(LESSON)
    await world.at("09:30")
    await fake.until("Alice", "今日一题")
    await fake.push(fake.chats.message("Alice", "audio", content={"recognition": GOOD, "duration": 9000}))
    await fake.until("Alice", "点评")
    await fake.push(fake.chats.message("Alice", "picture", content={"downloadCode": "d"}))
    await fake.until("Alice", "只看得懂文字")


async def test_a_lost_ack_across_a_restart_is_one_attempt(
    fake: FakeDingTalk, database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    """The vendor pushes the same msgId to the next process: the inbox knows it."""
    async with bot_on(fake, database, opened, clock) as day:
        await fake.says("Alice", "帮助")
        await day.world.campaign(LESSON)
        await day.world.at("09:30")
        await fake.until("Alice", "今日一题")
        data = fake.chats.message("Alice", text={"content": GOOD})
        await fake.push(data)
        await fake.until("Alice", "点评")
    again = Database(database.url.render_as_string(hide_password=False))
    async with bot_on(fake, again, opened, clock) as day:
        assert (await fake.push(data)).accepted
        await day.world.tick()
        assert await day.count(Attempt) == 1
    assert sum("点评" in text for text in fake.hears("Alice")) == 1


async def test_people_who_cannot_be_reached_are_told_apart(day: Day) -> None:
    fake, world = day.fake, day.world
    await day.greets("Alice", "Bob", "Carol")
    fake.vendor.members.remove("Bob")
    fake.vendor.throttled = {"Carol"}
    await world.campaign(LESSON)
    await world.at("09:30")
    await day.settled("challenge", {"Alice": "sent", "Bob": "failed", "Carol": "due"})
    fake.vendor.throttled = set()
    world.clock.advance(seconds=300)
    await world.tick()
    await day.settled("challenge", {"Alice": "sent", "Bob": "failed", "Carol": "sent"})
    assert sum("今日一题" in text for text in fake.hears("Alice")) == 1


async def test_a_push_without_a_believable_answer_is_unknown_and_never_sent_again(day: Day) -> None:
    fake, world = day.fake, day.world
    await day.greets("Alice")
    fake.fault("v1.0/robot/oToMessages/batchSend", "reset", after=True)
    await world.campaign(LESSON)
    await world.at("09:30")
    await day.settled("challenge", {"Alice": "unknown"})
    await world.at("10:30")
    assert sum("今日一题" in text for text in fake.hears("Alice")) == 1


async def test_when_the_quota_is_used_up_the_question_waits(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    fake, world = day.fake, day.world
    await day.greets("Alice")
    fake.vendor.api_quota = 0
    await world.campaign(LESSON)
    await world.at("09:30")
    await day.settled("challenge", {"Alice": "due"})
    fake.vendor.api_quota = 5000
    await world.at("10:45")
    await fake.until("Alice", "今日一题")
    fake.vendor.push_quota = 0
    await fake.says("Alice", GOOD)
    await fake.until("Alice", "额度用完了")
    assert await day.count(Attempt) == 0
    assert any("额度" in record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR)


async def test_when_the_database_is_busy_the_message_is_kept(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, world = day.fake, day.world
    original, busy = world.program.dispatcher.receive, [True]
    fake.gateway.ack_seconds = 0.5

    async def receive(incoming: Incoming) -> tuple[Message, ...]:
        if busy.pop(0) if busy else False:
            raise StorageBusy
        return await original(incoming)

    monkeypatch.setattr(world.program.parked, "_receive", receive)
    pushed = await fake.says("Alice", "帮助")
    assert not pushed.acks
    assert await world.program.parked.retry() == 0
    await world.tick()
    await fake.until("Alice", "帮助")


async def test_buttons_as_cards(
    fake: FakeDingTalk, database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    async with bot_on(fake, database, opened, clock, CARD_TEMPLATE=fake.cards.template) as day:
        await fake.says("Alice", "帮助")
        card = await fake.until("Alice", "帮助")
        assert card.kind == "card"
        says = [name for name, value in fake.cards.by_track[card.track].values.items() if value == "今日"]
        assert says, fake.cards.by_track[card.track].values
        before = await day.count(Inbox)
        number = int(says[-1][-1])
        for _ in range(2):
            assert (await fake.taps("Alice", number, card.track)).accepted
        assert await day.count(Inbox) == before + 1
        assert fake.cards.by_track[card.track].seen_by("Alice")["chosen"]


async def test_the_same_morning_over_http(
    fake: FakeDingTalk, database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    async with bot_on(fake, database, opened, clock, MODE="http") as day:
        assert (await fake.http.message(fake.chats.message("Alice", text={"content": "帮助"}))).status == 200
        await fake.until("Alice", "帮助")
        await day.world.campaign(LESSON)
        await day.world.at("09:30")
        await fake.until("Alice", "今日一题")
        data = fake.chats.message("Alice", text={"content": GOOD})
        assert [(await fake.http.message(data)).status for _ in range(2)] == [200, 200]
        await fake.until("Alice", "点评")
        assert await day.count(Attempt) == 1
        bad = fake.http.headers("another-secret")
        assert (await fake.http.message(data, bad)).status == 403


async def test_the_log_holds_no_secret(day: Day, caplog: pytest.LogCaptureFixture) -> None:
    fake, world = day.fake, day.world
    quiet()
    with caplog.at_level(logging.DEBUG):
        await fake.says("Alice", "帮助")
        await fake.until("Alice", "帮助")
        await world.campaign(LESSON)
        await world.at("09:30")
        pushed = await fake.says("Alice", GOOD + "手机13812345678")
        await fake.until("Alice", "点评")
        fake.advance(timedelta(hours=2).total_seconds())
        fake.vendor.expire_token()
        await fake.says("Alice", "话术 退费")
        fake.gateway.connections[0].abort()
        await asyncio.sleep(0.1)
    session = pushed.data["sessionWebhook"].split("session=")[1]
    assert fake.vendor.token == "" or fake.vendor.token not in caplog.text
    for secret in (fake.secret, session, "13812345678", "唐女士，五千八"):
        assert secret not in caplog.text
