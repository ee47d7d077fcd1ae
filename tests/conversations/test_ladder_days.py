"""Weeks of answers, good and bad by the dice: returns stay inside the cap and on working days, and all of them end."""

from __future__ import annotations

import random
from datetime import date, time, timedelta

import pytest
from sqlmodel import select

from bot.core.clock import ManualClock
from lessons.ladder import PASS_BAND
from lessons.model import Lesson
from storage import assignments
from storage.database import Database
from storage.models import Assignment, Review
from tests.chat import World
from tests.conftest import MONDAY

LESSONS = (
    "unmet-refund-all-fees",
    "agent-multiple-transfers",
    "process-salary-card-frozen",
    "pressure-ask-for-leader",
    "collection-rate-too-high",
    "branch-long-wait",
)
_LAST = date(2027, 1, 29)


@pytest.mark.parametrize(("seed", "cap"), [(1, 1), (2, 2), (3, 3)])
async def test_weeks_of_returns(database: Database, opened, clock: ManualClock, seed: int, cap: int) -> None:  # type: ignore[no-untyped-def]
    world = World.build(database, opened, clock, daily_cap=cap)
    calendar, dice = world.program.desk.calendar, random.Random(seed)
    alice = await world.person("小林")
    await world.campaign(*LESSONS)
    day, good_from = MONDAY.date(), MONDAY.date() + timedelta(days=14)
    while day <= _LAST:
        await world.jump(calendar.at(day, time(9, 50)))
        for _ in range(cap + 1):
            async with world.database.reading() as tx:
                waiting = await assignments.open_of(tx, alice.id, clock.now())
            if not waiting:
                break
            lesson = world.program.desk.catalogue.lessons[waiting[-1].lesson_id]
            assert isinstance(lesson, Lesson)
            well = day >= good_from or dice.random() < 0.4
            await alice.says(next(s.text for s in lesson.samples if (s.band >= PASS_BAND) is well))
            alice.hears("点评｜")
        await world.jump(calendar.at(day, time(18, 20)))
        day += timedelta(days=1)
    async with world.database.reading() as tx:
        asked = list((await tx.scalars(select(Assignment))).all())
        cards = list((await tx.scalars(select(Review))).all())
    per_day = [sum(row.day == each for row in asked) for each in {row.day for row in asked}]
    assert max(per_day) <= cap
    assert all(calendar.is_working(row.day) for row in asked)
    assert any(row.reason == "review" for row in asked), "the dice brought something back"
    assert cards
    assert all(card.due_on is None for card in cards), "weeks of passes retire every lesson"
