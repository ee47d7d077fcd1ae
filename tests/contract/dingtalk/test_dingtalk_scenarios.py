"""What goes wrong with DingTalk in a real week, with the whole bot and on both databases: long answers, old cards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from bot.core.clock import ManualClock
from bot.core.messages import say
from bot.library import ContentLibrary
from handlers.context import Desk
from lessons.model import Knowledge
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Attempt, Delivery, Inbox
from tests.contract.test_wecom_scenarios import long_answer
from tests.conversations.test_dingtalk_day import Day, bot_on
from tests.fakes.dingtalk import FakeDingTalk

ANSWERS = 20
Opened = tuple[ContentLibrary, Desk]


@pytest.fixture
async def day(fake: FakeDingTalk, database: Database, opened: Opened, clock: ManualClock) -> AsyncIterator[Day]:
    async with bot_on(fake, database, opened, clock, CARD_TEMPLATE=fake.cards.template) as day:
        yield day


# 4. A very long answer


async def test_a_long_answer_arrives_whole_and_in_order(day: Day) -> None:
    fake, world = day.fake, day.world
    await fake.says("Alice", "帮助")
    await fake.until("Alice", "帮助")
    async with world.database.transaction() as tx:
        person = await people.by_identity(tx, "dingtalk", "Alice")
        assert person is not None
        owed = [
            Owed(f"long{number}", person.id or 0, "answer", say(long_answer(number)), fake.clock.now())
            for number in range(ANSWERS)
        ]
        await deliveries.enqueue(tx, owed, fake.clock.now())
    before = len(fake.delivered("Alice"))
    for _ in range(200):
        await world.tick()
        async with world.database.reading() as tx:
            waiting = await tx.scalar(select(func.count()).where(col(Delivery.status) != deliveries.SENT))
        if not waiting:
            break
        await asyncio.sleep(0.02)
        fake.advance(7)
    seen = fake.delivered("Alice")[before:]
    moments = [shown.at for shown in seen]
    assert all(later - first > timedelta(seconds=60) for first, later in zip(moments, moments[30:], strict=False))
    texts, parts = [shown.text for shown in seen], len(seen) // ANSWERS
    assert len(seen) == parts * ANSWERS > 30
    for number in range(ANSWERS):
        mine = texts[number * parts : (number + 1) * parts]
        assert [part.split("\n")[0].strip() for part in mine] == [f"（{n}/{parts}）" for n in range(1, parts + 1)]
        rows = [row.strip() for part in mine for row in part.split("\n")[1:]]
        told = [row for row in long_answer(number).split("\n") if row.startswith("第")]
        assert [row for row in rows if row.startswith("第")] == told
        assert all(len(part.encode()) <= 15_000 for part in mine)


# 7. Cards


async def card_of(day: Day, user: str, words: str) -> str:
    shown = await day.fake.until(user, words)
    assert shown.kind == "card"
    return shown.track


def number_of(day: Day, track: str, says: str) -> int:
    values = day.fake.cards.by_track[track].values
    return next(int(name[-1]) for name, value in values.items() if name.startswith("says") and value == says)


async def asked(day: Day, *users: str) -> str:
    """Everybody has been asked the same choice question; returns its card."""
    for user in users:
        await day.fake.says(user, "帮助")
        await day.fake.until(user, "帮助")
    lessons = day.world.program.desk.catalogue.lessons.values()
    await day.world.campaign(next(lesson for lesson in lessons if isinstance(lesson, Knowledge)).id)
    await day.world.at("09:30")
    return await card_of(day, users[0], "今日一题")


async def test_a_card_tapped_twice_and_by_two_people_is_one_answer_each(day: Day) -> None:
    fake = day.fake
    track = await asked(day, "Alice", "bob")
    for user in ("Alice", "Alice", "bob"):
        assert (await fake.taps(user, 1, track)).accepted
    await day.world.tick()
    assert await day.count(Attempt) == 2
    assert [fake.cards.by_track[track].seen_by(user).get("chosen") for user in ("Alice", "bob")] == ["A", "A"]
    assert (await fake.taps("Alice", 2, track)).accepted
    await day.world.tick()
    await fake.until("Alice", "已经过了")
    assert await day.count(Attempt) == 2
    assert fake.cards.by_track[track].seen_by("Alice")["chosen"] == "A", "a refused tap marks nothing"


async def test_yesterdays_card_never_answers_todays_question(day: Day) -> None:
    fake, world = day.fake, day.world
    old = await asked(day, "Alice")
    choices = [each for each in world.program.desk.catalogue.lessons.values() if isinstance(each, Knowledge)]
    await world.at("23:59")
    tomorrow = world.program.desk.calendar.next_working(world.today, steps=1)
    await world.at("08:00", tomorrow)
    await world.campaign(choices[1].id)
    await world.at("10:30", tomorrow)
    await fake.until("Alice", choices[1].title)
    before = await day.count(Attempt)
    assert (await fake.taps("Alice", 1, old)).accepted
    await world.tick()
    await fake.until("Alice", "这道题已经过了")
    assert await day.count(Attempt) == before
    assert "chosen" not in fake.cards.by_track[old].seen_by("Alice")


async def test_after_72_hours_a_card_is_history(day: Day) -> None:
    fake = day.fake
    await fake.says("Alice", "帮助")
    track = await card_of(day, "Alice", "帮助")
    fake.advance(72 * 3600 + 1)
    before = await day.count(Inbox)
    assert (await fake.taps("Alice", number_of(day, track, "话术"), track)).accepted
    await day.world.tick()
    await fake.until("Alice", "放了三天多")
    assert await day.count(Inbox) == before + 1


async def test_every_line_of_a_list_can_be_tapped(day: Day) -> None:
    fake = day.fake
    await fake.says("Alice", "话术 退费")
    track = await card_of(day, "Alice", "的话术")
    for number in (1, 2):
        heard = len(fake.hears("Alice"))
        assert (await fake.taps("Alice", number, track)).accepted
        await day.world.tick()
        for _ in range(100):
            if len(fake.hears("Alice")) > heard:
                break
            await asyncio.sleep(0.02)
        assert len(fake.hears("Alice")) > heard
    assert "chosen" not in fake.cards.by_track[track].seen_by("Alice")


async def test_a_card_that_is_not_ours_does_nothing(day: Day) -> None:
    fake = day.fake
    await fake.says("Alice", "帮助")
    track = await card_of(day, "Alice", "帮助")
    fake.cards.by_track["another"] = fake.cards.by_track[track]
    assert (await fake.taps("Alice", 1, "another")).accepted
    await day.world.tick()
    await fake.until("Alice", "认不出来")
