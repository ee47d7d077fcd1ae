"""Ticks plan everything once, whoever ticks; loops survive what fails in them; SQLite belongs to one process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

import bot.schedule
from bot.core.errors import StorageBusy
from bot.core.messages import say
from bot.jobs.local import AlreadyRunning, only_process
from bot.jobs.loop import Loop
from bot.schedule import Ticker
from handlers.context import Tick, TickContext
from storage import campaigns
from storage import settings as stored
from storage.deliveries import Owed
from storage.models import Assignment, Delivery, Firing, Role
from tests.chat import World
from tests.contract.busy import taken

LESSON = "unmet-refund-all-fees"


def another(world: World) -> Ticker:
    """The ticker of a second replica."""
    return Ticker(world.database, world.program.desk, world.clock, lambda: None)


async def test_replicas_that_tick_at_once_plan_a_day_once(world: World) -> None:
    people = [await world.person(name) for name in ("安一", "白二", "陈三")]
    spec = await world.campaign(LESSON, "unmet-marketing-calls")
    world.clock.set(world.program.desk.calendar.at(world.today, _nine(4)))
    tickers = [another(world) for _ in range(4)]
    owed = await asyncio.gather(*(ticker.run_once() for ticker in tickers))
    assert sorted(owed) == [0, 0, 0, 3]
    async with world.database.reading() as tx:
        questions = (await tx.scalars(select(Assignment))).all()
        messages = (await tx.scalars(select(Delivery))).all()
        fired = (await tx.scalars(select(Firing))).all()
        row = await campaigns.get(tx, spec.id)
    assert sorted(question.person_id for question in questions) == [person.id for person in people]
    assert len(messages) == 3
    assert [(each.key, each.outcome) for each in fired] == [(f"{spec.id}@2026-11-23T09:03", "planned")]
    assert row is not None
    assert row.next_at == world.program.desk.calendar.at(date(2026, 11, 24), _nine(3))


async def test_replicas_that_tick_at_once_send_one_board(world: World) -> None:
    await world.person("周敏", "客服中心", Role.MANAGER, learns=False)
    for name in ("安一", "白二"):
        await world.person(name)
    await world.campaign(LESSON)
    await world.at("09:30")
    world.clock.set(world.program.desk.calendar.at(date(2026, 11, 30), _nine(20)))
    await asyncio.gather(*(another(world).run_once() for _ in range(4)))
    async with world.database.reading() as tx:
        boards = (await tx.scalars(select(Delivery).where(Delivery.kind == "board"))).all()
        fired = await campaigns.fired(tx, "boards@2026-11-30")
    assert len(boards) == 1
    assert fired is not None


def _nine(minute: int):  # type: ignore[no-untyped-def]
    from datetime import time

    return time(9, minute)


async def test_a_tick_that_fails_keeps_no_other_from_running(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    alice = await world.person("小林")

    async def fails(context: TickContext) -> list[Owed]:
        await stored.put(context.tx, "half", "done")
        raise RuntimeError("a fault in a tick")

    async def busy(_context: TickContext) -> list[Owed]:
        raise StorageBusy

    async def works(context: TickContext) -> list[Owed]:
        ran.append("works")
        return [Owed("notice", alice.id, "answer", say("您好"), context.now)]

    ticks = (Tick("fails", fails), Tick("busy", busy), Tick("works", works))
    monkeypatch.setattr(bot.schedule, "TICKS", ticks)
    woken: list[None] = []
    ticker = Ticker(world.database, world.program.desk, world.clock, lambda: woken.append(None))
    assert await ticker.run_once() == 1
    assert ran == ["works"]
    assert len(woken) == 1
    async with world.database.reading() as tx:
        assert await stored.get(tx, "half") is None
    await alice.reads()
    alice.hears("您好")


async def test_a_tick_finds_its_work_when_the_database_is_back(world: World) -> None:
    alice = await world.person("小林")
    await world.campaign(LESSON)
    world.clock.set(world.program.desk.calendar.at(world.today, _nine(26)))
    if world.database.is_sqlite:  # elsewhere planning does not need what the other one holds
        async with taken(world.database):
            assert await world.program.ticker.run_once() == 0
    assert await world.program.ticker.run_once() == 1
    await alice.reads()
    alice.hears("今日一题")


async def test_the_ticker_ticks_and_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ticked, extra = asyncio.Event(), asyncio.Event()

    async def tick(_context: TickContext) -> list[Owed]:
        ticked.set()
        return []

    async def job() -> None:
        extra.set()

    monkeypatch.setattr(bot.schedule, "TICKS", (Tick("tick", tick),))
    ticker = another(world)
    ticker.start(0.01, {"job": (0.01, job)})
    await asyncio.wait_for(ticked.wait(), 5)
    await asyncio.wait_for(extra.wait(), 5)
    ticker.stop()
    ticker.stop()


# --- loops


async def test_a_loop_works_at_once_when_woken_and_until_nothing_is_left() -> None:
    left, done = 5, asyncio.Event()

    async def work() -> int:
        nonlocal left
        left = max(left - 1, 0)
        if not left:
            done.set()
        return left

    loop = Loop("test", work, 3600)
    loop.start()
    await asyncio.wait_for(done.wait(), 5)
    left = 2
    done.clear()
    await asyncio.sleep(0.01)
    loop.wake()
    await asyncio.wait_for(done.wait(), 5)
    await loop.stop()


async def test_a_loop_survives_what_fails_in_it() -> None:
    faults, done = [RuntimeError("a fault"), StorageBusy(), ValueError("another")], asyncio.Event()

    async def work() -> int:
        if faults:
            raise faults.pop(0)
        done.set()
        return 0

    loop = Loop("test", work, 0.01)
    loop.start()
    await asyncio.wait_for(done.wait(), 5)
    await loop.stop()


async def test_stopping_waits_for_the_work_in_hand() -> None:
    began, finished = asyncio.Event(), []

    async def work() -> int:
        began.set()
        await asyncio.sleep(0.05)
        finished.append(True)
        return 1

    loop = Loop("test", work, 3600)
    loop.start()
    await began.wait()
    await loop.stop()
    count = len(finished)
    assert count >= 1
    await asyncio.sleep(0.06)
    assert len(finished) == count, "it has really stopped"
    await loop.stop()


# --- one process on one file

_HOLD = """
import sys
from pathlib import Path
from bot.jobs.local import AlreadyRunning, only_process
try:
    only_process(Path(sys.argv[1]))
except AlreadyRunning as error:
    sys.exit(str(error))
"""


def test_a_second_process_on_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jiehua.db"
    command = [sys.executable, "-c", _HOLD, str(path)]
    with only_process(path):
        with pytest.raises(AlreadyRunning):
            only_process(path)
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "SQLite 只允许一个进程" in second.stderr
    assert "Traceback" not in second.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0, "free again"
