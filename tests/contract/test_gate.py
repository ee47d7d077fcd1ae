"""What slipped is looked at again before it goes out: later, spread, or not at all; answers are never held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import col, select

from bot.core.calendar import WorkCalendar
from bot.core.clock import SHANGHAI, ManualClock
from bot.core.errors import Ambiguous, Temporary
from bot.core.messages import say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.gate import NEVER, Gate
from handlers.hours import House
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import CANCELLED, DUE, SENT, UNKNOWN, Owed
from storage.models import Delivery
from tests.contract.test_delivery import Scripted

MONDAY = date(2026, 11, 23)


@dataclass
class Office:
    """A vendor, a courier with a gate, and people who are owed things."""

    database: Database
    clock: ManualClock
    vendor: Scripted
    courier: Courier

    def set(self, clock: str, day: date = MONDAY) -> None:
        self.clock.set(datetime.combine(day, time.fromisoformat(clock), tzinfo=SHANGHAI))

    async def owe(self, who: str, kind: str, *, until: str = "", **columns: object) -> int:
        """Something of `kind`, due now; the person is new. Returns their id."""
        now = self.clock.now()
        ends = datetime.combine(MONDAY, time.fromisoformat(until), tzinfo=SHANGHAI) if until else None
        async with self.database.transaction() as tx:
            person = await people.by_identity(tx, self.vendor.name, who)
            person = person or await people.enrol(tx, self.vendor.name, who, now)
            for name, value in columns.items():
                setattr(person, name, value)
            owed = Owed(f"{who}:{kind}:{now}", person.id or 0, kind, say(kind), now, ends)
            await deliveries.enqueue(tx, [owed], now)
            return person.id or 0

    async def away(self, person: int, kind: str, first: date, last: date | None) -> None:
        async with self.database.transaction() as tx:
            await people.add_absence(tx, person, kind, first, last, self.clock.now())

    async def look(self) -> list[str]:
        """One round of the courier; who was written to."""
        before = len(self.vendor.calls)
        await self.courier.run_once()
        return sorted(who for recipients, _, _ in self.vendor.calls[before:] for who in recipients)

    async def rows(self) -> list[Delivery]:
        async with self.database.reading() as tx:
            return list(await tx.scalars(select(Delivery).order_by(col(Delivery.id))))


@pytest.fixture
def office(database: Database, clock: ManualClock) -> Office:
    vendor = Scripted()
    courier = Courier(database, {vendor.name: vendor}, clock, turns_of(database), gate=Gate(House(WorkCalendar())))
    return Office(database, clock, vendor, courier)


@pytest.mark.parametrize("kind", ["challenge", "reminder", "board", "notice", "something new"])
@pytest.mark.parametrize(("begin", "later"), [("12:00", "13:32"), ("18:00", "09:02"), ("08:59", "09:02")])
async def test_a_push_that_slipped_waits(office: Office, kind: str, begin: str, later: str) -> None:
    office.set(begin)
    await office.owe("a", kind)
    assert await office.look() == []
    (row,) = await office.rows()
    assert (row.status, row.tries, row.stamp) == (DUE, 0, "")
    moment = row.due_at.astimezone(SHANGHAI)
    assert f"{moment:%H:%M}" >= later
    assert moment.date() == (MONDAY + timedelta(days=1) if begin == "18:00" else MONDAY)
    office.clock.set(row.due_at - timedelta(seconds=1))
    assert await office.look() == []
    office.clock.set(row.due_at)
    assert await office.look() == ["a"]
    (row,) = await office.rows()
    assert (row.status, row.stamp) == (SENT, "inside")


@pytest.mark.parametrize(("kind", "stamp"), [("answer", "asked-outside"), ("alarm", "outside"), ("care", "outside")])
async def test_answers_and_what_cannot_wait_go_out_at_once_and_are_stamped(
    office: Office, kind: str, stamp: str
) -> None:
    office.set("23:10")
    await office.owe("a", kind)
    assert await office.look() == ["a"]
    (row,) = await office.rows()
    assert (row.status, row.stamp) == (SENT, stamp)


async def test_what_expires_before_is_cancelled_at_once(office: Office) -> None:
    office.set("12:10")
    await office.owe("a", "challenge", until="13:00")
    await office.owe("b", "challenge", until="18:00")
    assert await office.look() == []
    assert [row.status for row in await office.rows()] == [CANCELLED, DUE]


async def test_leave_a_pause_and_another_shift_taken_meanwhile(office: Office) -> None:
    office.set("10:00")
    on_leave, paused, resting = [await office.owe(who, "challenge") for who in ("leave", "pause", "rest")]
    await office.owe("late", "challenge", shift_start=time(14), shift_end=time(22))
    await office.owe("gone", "challenge", active=False)
    await office.owe("here", "challenge")
    await office.away(on_leave, "leave", MONDAY, MONDAY + timedelta(days=1))
    await office.away(paused, "pause", MONDAY, None)
    await office.away(resting, "rest", MONDAY, None)
    assert await office.look() == ["here"]
    rows = await office.rows()
    assert [row.status for row in rows] == [DUE, CANCELLED, CANCELLED, DUE, CANCELLED, SENT]
    assert rows[0].due_at.astimezone(SHANGHAI).date() == date(2026, 11, 25)
    assert rows[3].due_at.astimezone(SHANGHAI).hour == 14


async def test_the_notice_of_a_rest_is_not_held_by_it(office: Office) -> None:
    office.set("10:00")
    await office.away(await office.owe("a", "notice"), "rest", MONDAY, None)
    assert await office.look() == ["a"]
    assert [row.stamp for row in await office.rows()] == ["inside"]


async def test_a_hold_does_not_end_in_a_burst(office: Office) -> None:
    office.set("12:30")
    for number in range(68):
        await office.owe(f"p{number}", "board")
    while await office.courier.run_once():
        pass
    moments = Counter(row.due_at.astimezone(SHANGHAI).strftime("%H:%M") for row in await office.rows())
    assert sum(moments.values()) == 68
    assert max(moments.values()) <= 8
    assert all("13:30" < moment < "13:55" for moment in moments)


async def test_after_the_vendor_was_down_over_closing_time_nothing_goes_out(office: Office) -> None:
    office.set("17:59")
    office.vendor.script = [Temporary("down")]
    for who in ("a", "b"):
        await office.owe(who, "board")
    await office.look()
    office.set("18:05")
    assert await office.look() == []
    rows = await office.rows()
    assert [(row.status, row.batch) for row in rows] == [(DUE, None)] * 2, "it surely was not carried out"
    office.clock.set(max(row.due_at for row in rows))
    assert await office.look() == ["a", "b"]


async def test_what_is_in_doubt_is_repeated_together_after_the_quiet(office: Office) -> None:
    office.vendor.repeat_seconds = 3 * 3600.0
    office.set("11:59")
    office.vendor.script = [Ambiguous("no answer")]
    for who in ("a", "b"):
        await office.owe(who, "board")
    await office.look()
    office.set("12:05")
    assert await office.look() == []
    rows = await office.rows()
    assert rows[0].due_at == rows[1].due_at
    assert rows[0].batch == rows[1].batch is not None
    office.clock.set(rows[0].due_at)
    assert await office.look() == ["a", "b"]
    first, again = office.vendor.calls
    assert first == again, "the vendor knows the repeat"


async def test_what_is_in_doubt_over_night_is_unknown(office: Office) -> None:
    office.set("17:59")
    office.vendor.script = [Ambiguous("no answer")]
    await office.owe("a", "board")
    await office.look()
    office.set("18:05")
    assert await office.look() == []
    (row,) = await office.rows()
    assert (row.status, row.stamp) == (UNKNOWN, "inside"), "it may have arrived while they worked"


async def test_what_is_in_doubt_and_expires_is_unknown(office: Office) -> None:
    office.set("17:40")
    office.vendor.script = [Ambiguous("no answer")]
    await office.owe("a", "challenge", until="17:50")
    await office.look()
    office.set("17:55")
    await office.look()
    assert [row.status for row in await office.rows()] == [UNKNOWN]


async def test_the_gate_says_until_when(office: Office) -> None:
    office.set("18:30")
    paused = await office.owe("a", "board")
    await office.owe("b", "board")
    await office.owe("c", "answer")
    await office.away(paused, "pause", MONDAY, None)
    assert office.courier.gate is not None
    async with office.database.reading() as tx:
        held = await office.courier.gate.held(tx, await office.rows(), office.clock.now())
    first, second, _ = await office.rows()
    assert set(held) == {first.id, second.id}
    assert held[first.id or 0] == NEVER
    assert held[second.id or 0].astimezone(SHANGHAI).date() == MONDAY + timedelta(days=1)
