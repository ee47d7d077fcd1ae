"""Turns at a vendor: evenly spaced, one order for everybody who asks, pushed back when the vendor says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from sqlmodel import select

from bot.delivery.turns import OwnTurns, SharedTurns, Turns, another, turns_of
from storage.database import Database
from storage.models import Rate
from tests.postgres import Cluster


@pytest.fixture
def turns(database: Database) -> Turns:
    return turns_of(database)


async def take(database: Database, turns: Turns, gap: float, patience: float = 5.0) -> tuple[bool, float]:
    async with database.transaction() as tx:
        return await turns.take(tx, "vendor", gap, patience)


async def wait(database: Database, turns: Turns) -> float:
    async with database.reading() as tx:
        return await turns.wait(tx, "vendor")


async def test_each_turn_comes_a_gap_after_the_one_before(database: Database, turns: Turns) -> None:
    waits = [await take(database, turns, 1.0) for _ in range(4)]
    assert all(taken for taken, _ in waits)
    assert waits[0][1] == 0.0
    assert [round(seconds) for _, seconds in waits] == [0, 1, 2, 3]


async def test_who_would_wait_too_long_takes_none(database: Database, turns: Turns) -> None:
    assert await take(database, turns, 60.0) == (True, 0.0)
    taken, seconds = await take(database, turns, 60.0)
    assert not taken
    assert 50 < seconds <= 60
    assert 50 < await wait(database, turns) <= 60, "and the turn is still free"


async def test_a_vendor_that_is_asked_too_fast_is_left_alone(database: Database, turns: Turns) -> None:
    assert await wait(database, turns) == 0.0
    await take(database, turns, 0.1)
    async with database.transaction() as tx:
        await turns.push(tx, "vendor", 30.0)
        await turns.push(tx, "vendor", 3.0)
    assert 20 < await wait(database, turns) <= 30, "the longer one holds"
    async with database.reading() as tx:
        assert await turns.wait(tx, "another") == 0.0


async def test_a_push_holds_for_a_vendor_nobody_has_called(database: Database, turns: Turns) -> None:
    async with database.transaction() as tx:
        await turns.push(tx, "vendor", 30.0)
    assert 20 < await wait(database, turns) <= 30


async def test_many_at_once_never_take_the_same_turn(database: Database, turns: Turns) -> None:
    found = await asyncio.gather(*(take(database, turns, 30.0, 10_000.0) for _ in range(20)))
    assert all(taken for taken, _ in found)
    seconds = sorted(wait for _, wait in found)
    assert seconds[-1] > 500.0
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert min(gaps) > 10.0, "each is the only one"


async def test_a_clock_that_was_ahead_does_not_stop_everybody(postgres_database: Database) -> None:
    turns = SharedTurns()
    await take(postgres_database, turns, 1.0)
    async with postgres_database.transaction() as tx:
        row = (await tx.scalars(select(Rate))).one()
        row.next_at += 7 * 86_400
    assert await take(postgres_database, turns, 1.0) == (True, 0.0)


@pytest.fixture
async def postgres_database(postgres: Cluster) -> AsyncIterator[Database]:
    opened = Database(postgres.migrated())
    yield opened
    await opened.close()


async def test_own_turns_follow_a_clock_that_only_goes_on() -> None:
    seconds = 100.0
    turns = OwnTurns(lambda: seconds)
    assert await turns.take(None, "vendor", 2.0, 5.0) == (True, 0.0)  # type: ignore[arg-type]
    seconds = 101.0
    assert await turns.take(None, "vendor", 2.0, 5.0) == (True, 1.0)  # type: ignore[arg-type]
    seconds = 1000.0
    assert await turns.take(None, "vendor", 2.0, 5.0) == (True, 0.0)  # type: ignore[arg-type]


async def test_a_call_that_is_made_again_waits_for_a_turn_of_its_own(database: Database, turns: Turns) -> None:
    await take(database, turns, 0.3)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await another(database, turns, "vendor", 0.3)()
    assert loop.time() - began >= 0.1
    assert await wait(database, turns) > 0.0, "and it counts"
