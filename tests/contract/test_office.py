"""Sorting into calls, and calls that get lost, come twice or come late: the rows decide what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import Misconfigured, StorageBusy, TooFast
from bot.core.messages import say
from bot.delivery import Courier, Office
from bot.delivery import courier as module
from bot.delivery.calls import QUEUED, SEND
from bot.delivery.turns import turns_of
from bot.jobs.base import Job, Work
from bot.jobs.local import LocalJobs
from bot.platforms.base import Limits, Sent
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import DUE, SENT, Owed
from tests.contract.test_delivery import Post, Scripted


@dataclass
class Written:
    """A queue that only writes down what it is given; `lost` jobs are put but never come."""

    keeps: bool = True
    jobs: list[Job] = field(default_factory=list)
    begun: int = 0
    busy: bool = False

    async def start(self, tasks: Mapping[str, Work]) -> None: ...

    async def put(self, jobs: Sequence[Job]) -> None:
        if self.busy:
            raise StorageBusy("away")
        self.jobs += jobs

    async def waiting(self) -> int:
        return len(self.jobs) - self.begun

    async def sweep(self) -> int:
        return 0

    async def stop(self, seconds: float = 5.0) -> None: ...


@dataclass
class Desk:
    """A post office with its queue and its courier."""

    post: Post
    jobs: Written
    office: Office
    courier: Courier

    async def deliver(self, job: Job) -> None:
        """What a worker does."""
        await self.courier.send(**job.args)


@pytest.fixture
def desk(database: Database, clock: ManualClock) -> Desk:
    post, jobs = Post(database, clock, Scripted()), Written()
    courier = post.courier()
    return Desk(post, jobs, Office(database, courier.platforms, clock, courier.turns, jobs), courier)


async def owe(desk: Desk, count: int, words: str = "今日一题", first: int = 0) -> None:
    for number in range(first, first + count):
        await desk.post.owe(f"k{number}", f"u{number}", words)


async def test_what_is_due_is_sorted_into_calls_of_the_vendors_size_once(desk: Desk) -> None:
    await owe(desk, 7)
    assert await desk.office.run_once() == 7
    assert [len(job.args["ids"]) for job in desk.jobs.jobs] == [3, 3, 1]
    assert {job.task for job in desk.jobs.jobs} == {SEND}
    assert await desk.office.run_once() == 0, "they are in somebody's hands"


async def test_answers_are_urgent_and_pushes_are_not(desk: Desk) -> None:
    await owe_both(desk)
    await desk.office.run_once()
    assert [job.urgent for job in desk.jobs.jobs] == [True, False]


async def owe_both(desk: Desk) -> None:
    """A push to one person, then an answer to another."""
    async with desk.post.database.transaction() as tx:
        for number, kind in enumerate(("challenge", "answer")):
            person = await people.enrol(tx, "scripted", f"u{number}", desk.post.clock.now())
            owed = Owed(f"{number}", person.id or 0, kind, say(kind), desk.post.clock.now())
            await deliveries.enqueue(tx, [owed], desk.post.clock.now())


async def test_a_call_that_comes_twice_finds_nothing_to_do(desk: Desk) -> None:
    await owe(desk, 2)
    await desk.office.run_once()
    await asyncio.gather(desk.deliver(desk.jobs.jobs[0]), desk.deliver(desk.jobs.jobs[0]))
    await desk.deliver(desk.jobs.jobs[0])
    assert len(desk.post.vendor.calls) == 1


async def test_a_call_that_was_lost_is_sorted_again_later(desk: Desk) -> None:
    await owe(desk, 2)
    await desk.office.run_once()
    desk.jobs.jobs.clear()
    desk.post.clock.advance(seconds=QUEUED.total_seconds() - 1)
    assert await desk.office.run_once() == 0
    desk.post.clock.advance(seconds=2)
    assert await desk.office.run_once() == 2
    await desk.deliver(desk.jobs.jobs[0])
    assert len(desk.post.vendor.calls) == 1


async def test_a_queue_that_could_not_be_reached_loses_nothing(desk: Desk) -> None:
    await owe(desk, 1)
    desk.jobs.busy = True
    with pytest.raises(StorageBusy):
        await desk.office.run_once()
    desk.jobs.busy = False
    desk.post.clock.advance(seconds=QUEUED.total_seconds() + 1)
    assert await desk.office.run_once() == 1


async def test_two_offices_at_once_put_nothing_twice(desk: Desk, database_url: str) -> None:
    await owe(desk, 40)
    other = Database(database_url)
    try:
        offices = [Office(each, desk.courier.platforms, desk.post.clock, desk.courier.turns, desk.jobs)
                   for each in (desk.post.database, other, desk.post.database)]  # fmt: skip
        await asyncio.gather(*(office.run_once() for office in offices))
    finally:
        await other.close()
    ids = [key for job in desk.jobs.jobs for key in job.args["ids"]]
    assert len(ids) == len(set(ids)) == 40


async def test_a_queue_that_forgets_begins_anew(desk: Desk) -> None:
    await owe(desk, 2)
    await desk.office.run_once()
    desk.jobs.keeps = False
    await desk.office.open()
    assert await desk.office.run_once() == 2


async def test_a_full_queue_takes_answers_only(desk: Desk) -> None:
    desk.jobs.jobs = [Job("other")] * 250
    await owe_both(desk)
    assert await desk.office.run_once() == 1
    assert desk.jobs.jobs[-1].urgent
    desk.jobs.begun = 250
    assert await desk.office.run_once() == 1


async def test_a_repeat_goes_to_all_of_the_first_try_together(desk: Desk) -> None:
    """However the rows are sorted again: another call with other people would be no repeat to the vendor."""
    await owe(desk, 3)
    await desk.post.claimed_by_another(ago=timedelta(seconds=61))
    assert await desk.courier.recover() == 3
    await desk.office.run_once()
    (job,) = desk.jobs.jobs
    await desk.deliver(Job(SEND, {**job.args, "ids": job.args["ids"][:1]}))
    assert desk.post.vendor.calls == [(("u0", "u1", "u2"), "今日一题", "their-batch.0")]


async def test_too_fast_stops_every_call_for_as_long_as_the_vendor_says(desk: Desk) -> None:
    desk.post.vendor.script = [TooFast("太快", "45009", 30.0)]
    await owe(desk, 6)
    await desk.office.run_once()
    for job in desk.jobs.jobs:
        await desk.deliver(job)
    assert len(desk.post.vendor.calls) == 1, "the second call did not even try"
    rows = (await desk.post.rows()).values()
    assert {row.status for row in rows} == {DUE}
    desk.post.clock.advance(seconds=29)
    assert await desk.office.run_once() == 0, "nothing is sorted while the vendor takes nothing"


async def test_a_call_whose_turn_is_far_away_is_put_off_not_claimed(desk: Desk) -> None:
    desk.post.vendor.limits = Limits(part_bytes=2048, recipients=3, calls_per_second=0.05)
    await owe(desk, 6)
    await desk.office.run_once()
    for job in desk.jobs.jobs:
        await desk.deliver(job)
    rows = await desk.post.rows()
    assert [rows[f"k{number}"].status for number in range(6)] == [SENT] * 3 + [DUE] * 3
    assert rows["k3"].tries == 0
    assert timedelta(seconds=15) < rows["k3"].due_at - desk.post.clock.now() < timedelta(seconds=21)


async def test_a_process_that_stood_still_does_not_send_what_others_took_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen between claim and call, as by a hypervisor: meanwhile another replica has settled the row."""
    await owe(desk, 1)
    await desk.office.run_once()
    real = asyncio.sleep

    async def frozen(_seconds: float) -> None:
        monkeypatch.setattr(module.time, "monotonic", lambda: 1e9)
        desk.post.clock.advance(seconds=120)
        other = Courier(desk.post.database, desk.courier.platforms, desk.post.clock, turns_of(desk.post.database))
        assert await other.recover() == 1
        await real(0)

    monkeypatch.setattr(module.asyncio, "sleep", frozen)
    await desk.deliver(desk.jobs.jobs[0])
    assert desk.post.vendor.calls == []
    assert await desk.post.status("k0") == DUE


async def test_a_setting_that_is_wrong_keeps_everything(desk: Desk) -> None:
    desk.post.vendor.script = [Misconfigured("Secret 不对", "40001", 300.0, "核对 Secret")]
    await owe(desk, 1)
    await desk.office.run_once()
    await desk.deliver(desk.jobs.jobs[0])
    assert await desk.post.status("k0") == DUE


@asynccontextmanager
async def at_work(desk: Desk, workers: int) -> AsyncIterator[LocalJobs]:
    jobs = LocalJobs(workers)
    await jobs.start({SEND: desk.courier.send})
    yield jobs
    await jobs.stop()


async def test_several_calls_are_under_way_at_a_time(desk: Desk) -> None:
    """A slow vendor costs no more than its slowness: the calls overlap."""
    under_way = most = 0

    async def slow() -> Sent:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.2)
        under_way -= 1
        return Sent("m")

    desk.post.vendor.script = [slow] * 12
    await owe(desk, 36)
    async with at_work(desk, 4) as jobs:
        office = Office(desk.post.database, desk.courier.platforms, desk.post.clock, desk.courier.turns, jobs)
        assert await office.run_once() == 36
        for _ in range(600):
            if {row.status for row in (await desk.post.rows()).values()} == {SENT}:
                break
            await asyncio.sleep(0.05)
    assert 2 <= most <= 4
    assert set(desk.post.vendor.reached.values()) == {1}
