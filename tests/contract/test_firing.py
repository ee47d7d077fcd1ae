"""A campaign fires exactly once: whoever ticks, however late, whatever the clocks do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from bot import app
from bot.config import Settings
from bot.core.calendar import WorkCalendar
from bot.core.clock import SHANGHAI, ManualClock
from bot.library import ContentLibrary
from bot.schedule import Ticker
from handlers.context import Desk
from lessons.campaign import Window
from storage import campaigns
from storage.database import Database
from storage.models import Assignment, Delivery, Firing
from tests.chat import World

Opened = tuple[ContentLibrary, Desk]
LESSONS = ("unmet-interest-waiver", "unmet-marketing-calls", "unmet-historic-records")


def world_in(zone: str, database: Database, opened: Opened, start: datetime, worked: date | None = None) -> World:
    """A bot of an organisation elsewhere; `worked` is a weekend day on which it works."""
    settings = replace(Settings(), web_chat=True, timezone=ZoneInfo(zone))
    calendar = WorkCalendar(settings.timezone, {worked: True} if worked else {})
    clock, (library, desk) = ManualClock(start), opened
    desk = replace(desk, calendar=calendar, settings=settings)
    return World(app.build(settings, clock, database, (library, desk)), database, clock)


async def fired(world: World, campaign: str) -> list[tuple[str, str]]:
    """The moments of a campaign that came, with what became of them; reminders are left out."""
    async with world.database.reading() as tx:
        found = [(row.key, row.outcome) for row in await tx.scalars(select(Firing).order_by(Firing.key))]
    return [pair for pair in found if pair[0].startswith(f"{campaign}@") and "#" not in pair[0]]


async def questions(world: World) -> list[Delivery]:
    async with world.database.reading() as tx:
        return list(await tx.scalars(select(Delivery).where(Delivery.kind == "challenge")))


async def test_two_replicas_race_for_every_day_of_a_week(world: World, database_url: str) -> None:
    """Each replica has its own connections; on PostgreSQL the row count of the conditional update decides."""
    await world.person("小林")
    await world.campaign(*LESSONS, id="race", repeat=True, ends_on=date(2026, 11, 25))
    replicas = [Database(database_url) for _ in range(2)]
    tickers = [Ticker(each, world.program.desk, world.clock, lambda: None) for each in replicas]
    for ahead in range(7):
        day = date(2026, 11, 23) + timedelta(days=ahead)
        world.clock.set(world.program.desk.calendar.at(day, time(9, 4)))
        await asyncio.gather(*(ticker.run_once() for ticker in tickers for _ in range(2)))
    for each in replicas:
        await each.close()
    assert [key for key, _ in await fired(world, "race")] == [f"race@2026-11-{day}T09:03" for day in range(23, 26)]
    assert len(await questions(world)) == 3


@pytest.mark.parametrize(
    ("day", "looks"),
    [
        ("2026-10-25", ("00:10", "00:31", "00:45", "01:20", "01:31", "01:45", "02:10")),  # UTC; 02:30 comes twice
        ("2026-03-29", ("00:10", "00:45", "01:10", "01:31", "01:45", "02:31")),  # 02:30 does not come
    ],
)
async def test_a_daylight_saving_change_fires_once(
    database: Database, opened: Opened, day: str, looks: tuple[str, ...]
) -> None:
    sunday = date.fromisoformat(day)
    begin = datetime.fromisoformat(f"{day}T00:00+00:00") - timedelta(hours=4)
    world = world_in("Europe/Berlin", database, opened, begin, sunday)
    await world.person("小林", shift_start=time(0, 5), shift_end=time(8))
    await world.campaign(
        LESSONS[0], id="fold", starts_on=sunday, repeat=True, window=Window(start="02:30", end="02:50"),
        deadline="07:00", reminders=(),
    )  # fmt: skip
    for look in looks:
        await world.jump(datetime.fromisoformat(f"{day}T{look}+00:00"))
        await world.tick()
    assert await fired(world, "fold") == [(f"fold@{day}T02:30", "planned")]
    (question,) = await questions(world)
    assert (question.status, question.stamp) == ("sent", "inside")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Asia/Urumqi", "Pacific/Auckland"])
async def test_the_hour_is_the_organisations(database: Database, opened: Opened, zone: str) -> None:
    local = ZoneInfo(zone)
    world = world_in(zone, database, opened, datetime(2026, 11, 24, 8, 30, tzinfo=local))
    await world.person("小林")
    await world.campaign(LESSONS[0], id="zone")
    await world.at("09:02")
    assert await fired(world, "zone") == []
    await world.at("10:00")
    assert await fired(world, "zone") == [("zone@2026-11-24T09:03", "planned")]
    (question,) = await questions(world)
    assert question.sent_at is not None
    assert time(9, 3) <= question.sent_at.astimezone(local).time() <= time(9, 58)


async def test_a_worked_saturday_fires_and_a_free_monday_does_not(database: Database, opened: Opened) -> None:
    """国庆 2026: 1–7 October are free, Saturday 10 October is worked."""
    world = world_in("Asia/Shanghai", database, opened, datetime(2026, 9, 30, 8, tzinfo=SHANGHAI))
    await world.person("小林")
    await world.campaign(*LESSONS, id="oct", repeat=True, ends_on=date(2026, 10, 13))
    for ahead in range(14):
        day = date(2026, 9, 30) + timedelta(days=ahead)
        await world.jump(datetime.combine(day, time(9, 40), tzinfo=SHANGHAI))
    days = [key[4:14] for key, _ in await fired(world, "oct")]
    assert days == ["2026-09-30", "2026-10-08", "2026-10-09", "2026-10-10", "2026-10-12", "2026-10-13"]


async def test_each_shift_has_its_window(world: World) -> None:
    """Early, day, late and night; the night shift runs past midnight."""
    shifts = {"早": (6, 14), "白": (9, 18), "晚": (14, 22), "夜": (22, 6)}
    people = {
        name: await world.person(name, shift_start=time(start), shift_end=time(end))
        for name, (start, end) in shifts.items()
    }
    for number, (start, end, deadline) in enumerate(
        (("06:05", "06:40", "13:00"), ("14:31", "14:50", "21:00"), ("22:05", "22:40", "23:59"))
    ):
        await world.campaign(
            LESSONS[number], id=f"w{number}", starts_on=date(2026, 11, 24), window=Window(start=start, end=end),
            deadline=deadline, reminders=(),
        )  # fmt: skip
    await world.jump(datetime(2026, 11, 24, 6, 6, tzinfo=SHANGHAI))
    await world.at("23:50")
    names = {person.id: name for name, person in people.items()}
    got = {(names[row.person_id or 0], row.due_at.astimezone(SHANGHAI).hour) for row in await questions(world)}
    assert got == {("早", 6), ("白", 9), ("白", 14), ("晚", 14), ("夜", 22)}


async def test_a_late_start_fires_once_and_a_later_one_is_recorded(world: World) -> None:
    await world.person("小林")
    await world.campaign(*LESSONS, id="late")
    await world.jump(datetime(2026, 11, 23, 16, 41, tzinfo=SHANGHAI))
    await world.tick()
    await world.jump(datetime(2026, 11, 24, 17, 41, tzinfo=SHANGHAI))  # less than twenty minutes are left
    await world.jump(datetime(2026, 11, 26, 8, 0, tzinfo=SHANGHAI))
    assert await fired(world, "late") == [
        ("late@2026-11-23T09:03", "planned"),
        ("late@2026-11-24T09:03", "skipped"),
        ("late@2026-11-25T09:03", "skipped"),
    ]
    assert len(await questions(world)) == 1


async def test_a_clock_that_jumps_back_fires_nothing_again(world: World) -> None:
    await world.person("小林")
    spec = await world.campaign(*LESSONS, id="back")
    await world.at("09:30")
    for minutes in (20, 90, 3000):
        world.clock.set(datetime(2026, 11, 23, 9, 30, tzinfo=SHANGHAI) - timedelta(minutes=minutes))
        await world.tick()
    await world.jump(datetime(2026, 11, 23, 9, 40, tzinfo=SHANGHAI))
    assert [key for key, _ in await fired(world, "back")] == ["back@2026-11-23T09:03"]
    assert len(await questions(world)) == 1
    async with world.database.reading() as tx:
        row, asked = await campaigns.get(tx, spec.id), (await tx.scalars(select(Assignment))).all()
    assert row is not None
    assert row.next_at == datetime(2026, 11, 24, 9, 3, tzinfo=SHANGHAI)
    assert len(asked) == 1
