"""Nobody is sent more than the vendor shows: what is over its limit for one person it drops and says nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from bot.core.clock import ManualClock
from bot.core.errors import Ambiguous, Temporary
from bot.core.messages import Message, say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.platforms.base import Limits, Payload, Platform, Sent
from storage import deliveries, people, sending
from storage.database import Database
from storage.deliveries import DUE, SENT, Owed
from storage.models import Delivery
from storage.pace import Pace, full, lock
from tests.postgres import Cluster


@dataclass
class Dropping:
    """A vendor that drops, in silence, what is over its limits for one person. A message is one payload a line."""

    clock: ManualClock
    name: str = "dropping"
    limits: Limits = Limits(2048, 100, 100_000.0, person_per_minute=3, person_per_hour=10)
    repeat_safe: bool = True
    repeat_seconds: float = 3600.0
    script: list[Exception] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    _times: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def render(self, message: Message) -> list[Payload]:
        return [{"text": line.text} for line in message.lines]

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        await asyncio.sleep(0)
        self.calls.append(tuple(recipients))
        if self.script:
            raise self.script.pop(0)
        now = self.clock.now()
        for who in recipients:
            times = self._times[who]
            minute = sum(moment > now - timedelta(minutes=1) for moment in times)
            hour = sum(moment > now - timedelta(hours=1) for moment in times)
            over = minute >= self.limits.person_per_minute or hour >= self.limits.person_per_hour
            (self.dropped if over else self.seen).append((who, payload["text"]))
            if not over:
                times.append(now)
        return Sent(f"m{len(self.calls)}")

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def texts(self, who: str) -> list[str]:
        return [text for name, text in self.seen if name == who]


@dataclass
class Office:
    """What is owed goes in; `run` sends with every replica at once."""

    database: Database
    replicas: list[Database]
    clock: ManualClock
    vendor: Dropping

    def __post_init__(self) -> None:
        platforms: dict[str, Platform] = {self.vendor.name: self.vendor}
        self.couriers = [Courier(each, platforms, self.clock, turns_of(each)) for each in self.replicas]

    async def owe(self, key: str, who: str, *words: str, kind: str = "answer") -> None:
        async with self.database.transaction() as tx:
            person = await people.by_identity(tx, self.vendor.name, who)
            if person is None:
                person = await people.enrol(tx, self.vendor.name, who, self.clock.now())
            owed = Owed(key, person.id or 0, kind, say(*words), self.clock.now())
            await deliveries.enqueue(tx, [owed], self.clock.now())

    async def run(self) -> None:
        while any(await asyncio.gather(*(courier.run_once() for courier in self.couriers))):
            pass

    async def until_done(self) -> float:
        """Let time pass until nothing is due any more; returns how many seconds that took."""
        began = self.clock.now()
        for _ in range(100):
            await self.run()
            waiting = [row.due_at for row in (await self.rows()).values() if row.status == DUE]
            if not waiting:
                return (self.clock.now() - began).total_seconds()
            self.clock.set(min((moment for moment in waiting if moment > self.clock.now()), default=began))
        raise AssertionError("something is due for ever")

    async def rows(self) -> dict[str, Delivery]:
        async with self.database.reading() as tx:
            return {row.key: row for row in await tx.scalars(select(Delivery).order_by(col(Delivery.id)))}


@pytest.fixture
async def office(database: Database, database_url: str, clock: ManualClock) -> AsyncIterator[Office]:
    """Two replicas, each with a pool of connections of its own."""
    other = Database(database_url)
    yield Office(database, [database, other], clock, Dropping(clock))
    await other.close()


async def test_what_is_over_the_limit_waits_for_room_and_arrives_in_order(office: Office) -> None:
    for number in range(8):
        await office.owe(f"k{number}", "alice", f"第{number}条")
    await office.run()
    assert office.vendor.texts("alice") == ["第0条", "第1条", "第2条"]
    held = (await office.rows())["k3"]
    assert (held.status, held.tries, held.due_at) == (DUE, 0, office.clock.now() + timedelta(minutes=1))
    assert "上限" in held.error
    seconds = await office.until_done()
    assert office.vendor.texts("alice") == [f"第{number}条" for number in range(8)]
    assert 120 <= seconds <= 125
    assert office.vendor.dropped == []
    assert {row.error for row in (await office.rows()).values()} == {""}


async def test_the_hour_counts_too(office: Office) -> None:
    for number in range(12):
        await office.owe(f"k{number}", "alice", f"第{number}条")
    seconds = await office.until_done()
    assert 3600 <= seconds <= 3610
    assert (len(office.vendor.texts("alice")), office.vendor.dropped) == (12, [])


async def test_who_has_no_room_is_left_out_of_a_call_and_the_others_are_not(office: Office) -> None:
    for number in range(3):
        await office.owe(f"k{number}", "alice", f"第{number}条")
    await office.run()
    office.vendor.calls.clear()
    for who in ("alice", "bob", "carol"):
        await office.owe(f"q:{who}", who, "今日一题", kind="challenge")
    await office.run()
    assert office.vendor.calls == [("bob", "carol")]
    office.clock.advance(seconds=60)
    await office.run()
    assert office.vendor.calls == [("bob", "carol"), ("alice",)]
    assert office.vendor.dropped == []


async def test_an_answer_goes_before_a_push_that_was_owed_earlier(office: Office) -> None:
    for number in range(3):
        await office.owe(f"k{number}", "alice", f"第{number}条")
    await office.run()
    await office.owe("push", "alice", "今日一题", "第二段", kind="challenge")
    await office.owe("answer", "alice", "点评", "例答")
    await office.run()
    office.clock.advance(seconds=60)
    await office.run()
    assert office.vendor.texts("alice")[3:] == ["点评", "例答"]
    await office.until_done()
    assert office.vendor.texts("alice")[5:] == ["今日一题", "第二段"]
    assert office.vendor.dropped == []


async def test_an_answer_does_not_wait_for_a_push_that_is_tried_again(office: Office) -> None:
    office.vendor.script = [Temporary("忙", retry_after=30.0)]
    await office.owe("push", "alice", "今日一题", kind="challenge")
    await office.run()
    await office.owe("answer", "alice", "点评")
    await office.run()
    assert office.vendor.texts("alice") == ["点评"]
    await office.until_done()
    assert office.vendor.texts("alice") == ["点评", "今日一题"]


async def test_answers_go_out_between_the_calls_of_a_large_push(office: Office) -> None:
    office.vendor.limits = Limits(2048, 1, 100_000.0)
    office.couriers = office.couriers[:1]
    for number in range(4):
        await office.owe(f"q{number}", f"u{number}", "今日一题", kind="challenge")
    real = office.vendor.send

    async def send(recipients: Sequence[str], payload: Payload) -> Sent:
        if not office.vendor.calls:
            await office.owe("answer", "alice", "点评")
        return await real(recipients, payload)

    office.vendor.send = send  # type: ignore[method-assign]
    await office.run()
    assert [who for who, _ in office.vendor.seen] == ["u0", "alice", "u1", "u2", "u3"]


async def test_a_message_of_several_calls_is_not_begun_before_all_of_it_fits(office: Office) -> None:
    await office.owe("one", "alice", "一")
    await office.owe("two", "alice", "二上", "二中", "二下")
    await office.owe("three", "alice", "三")
    await office.run()
    assert office.vendor.texts("alice") == ["一"], "what is shorter does not overtake it"
    office.clock.advance(seconds=60)
    await office.run()
    assert office.vendor.texts("alice") == ["一", "二上", "二中", "二下"]
    await office.until_done()
    assert office.vendor.texts("alice")[-1] == "三"
    assert office.vendor.dropped == []


async def test_a_message_longer_than_any_minute_takes_goes_when_the_minute_is_free(office: Office) -> None:
    await office.owe("before", "alice", "前")
    await office.owe("long", "alice", *(f"第{number}段" for number in range(5)))
    await office.until_done()
    assert (await office.rows())["long"].status == SENT


async def test_what_is_tried_again_keeps_its_room_and_its_people(office: Office) -> None:
    office.vendor.script = [Ambiguous("超时")]
    for who in ("alice", "bob"):
        await office.owe(f"q:{who}", who, "今日一题", kind="challenge")
    await office.run()
    for number in range(4):
        await office.owe(f"k{number}", "alice", f"第{number}条")
    await office.run()
    assert office.vendor.texts("alice") == ["第0条", "第1条"], "the third place is taken"
    await office.until_done()
    again = [call for call in office.vendor.calls if len(call) == 2]
    assert again == [("alice", "bob")] * 2
    assert office.vendor.dropped == []


async def test_two_replicas_at_once_never_send_too_much(office: Office) -> None:
    everybody = [f"u{number}" for number in range(20)]
    for who in everybody:
        for number in range(2):
            await office.owe(f"first{number}:{who}", who, f"第{number}条")
    await office.until_done()
    for who in everybody:
        await office.owe(f"answer:{who}", who, f"点评{who}")
        await office.owe(f"push:{who}", who, f"题{who}", kind="challenge")
    await office.run()
    assert {len(office.vendor.texts(who)) for who in everybody} == {3}
    await office.until_done()
    assert {len(office.vendor.texts(who)) for who in everybody} == {4}
    assert office.vendor.dropped == []


@pytest.mark.parametrize(("mine", "others"), [("alice", "alice"), ("alice bob", "alice"), ("alice", "bob alice")])
async def test_a_sender_that_looks_for_room_waits_until_another_has_taken_its_own(
    office: Office, mine: str, others: str
) -> None:
    for number in range(2):
        await office.owe(f"k{number}", "alice", f"第{number}条")
    await office.until_done()
    await office.owe("answer", "alice", "点评")
    row = (await office.rows())["answer"]
    now, limits = office.clock.now(), Pace(3, 10)

    async def look() -> dict[str, datetime]:
        async with office.replicas[1].transaction() as tx:
            await lock(tx, "dropping", others.split())
            return await full(tx, "dropping", ["alice"], 1, limits, now)

    async with office.database.transaction() as tx:
        await lock(tx, "dropping", mine.split())
        assert await full(tx, "dropping", ["alice"], 1, limits, now) == {}
        looking = asyncio.create_task(look())
        await asyncio.sleep(0.2)  # time enough to look, if nothing held it back
        await sending.claim(tx, [row.id or 0], "me", "batch", now)
    assert set(await looking) == {"alice"}


async def test_answers_to_different_people_do_not_wait_for_each_other(postgres: Cluster) -> None:
    database = Database(postgres.empty())
    async with database.transaction() as mine, asyncio.timeout(10), database.transaction() as theirs:
        await lock(mine, "dropping", ["alice"])
        await lock(theirs, "dropping", ["bob"])
        await lock(theirs, "other", ["alice"])
    await database.close()
