"""A token is fetched once, shared, and replaced only by whoever still holds the one that failed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import Misconfigured, Permanent, StorageBusy, Temporary
from bot.platforms.tokens import Entry, TokenCache, TokenStore
from storage.database import Database
from storage.tokens import StoredTokens
from tests.fakes.stores import MemoryTokens


class Vendor:
    """Gives out t1, t2, …; counts."""

    def __init__(self, lifetime: float = 7200) -> None:
        self.calls, self.lifetime, self.same = 0, lifetime, False
        self.failure: Exception | None = None
        self.slow = 0.0

    async def __call__(self) -> tuple[str, float]:
        self.calls += 1
        await asyncio.sleep(self.slow)
        if self.failure is not None:
            raise self.failure
        return "t1" if self.same else f"t{self.calls}", self.lifetime


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def store() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def cache(vendor: Vendor, store: MemoryTokens, clock: ManualClock) -> TokenCache:
    return TokenCache("wecom:x", vendor, store, clock)


async def test_it_is_fetched_once_for_everybody(cache: TokenCache, vendor: Vendor) -> None:
    vendor.slow = 0.05
    assert set(await asyncio.gather(*(cache.get() for _ in range(50)))) == {"t1"}
    assert (await cache.get(), vendor.calls) == ("t1", 1)


async def test_it_is_renewed_five_minutes_early(cache: TokenCache, vendor: Vendor, clock: ManualClock) -> None:
    await cache.get()
    clock.advance(seconds=6899)
    assert await cache.get() == "t1"
    clock.advance(seconds=2)
    assert await cache.get() == "t2"


async def test_when_early_renewal_fails_the_old_one_serves_to_its_end(
    cache: TokenCache, vendor: Vendor, clock: ManualClock
) -> None:
    await cache.get()
    vendor.failure = Temporary("busy")
    clock.advance(seconds=7000)
    assert await cache.get() == "t1"
    clock.advance(seconds=201)
    with pytest.raises(Temporary):
        await cache.get()


async def test_a_vendor_that_repeats_the_old_token_is_not_asked_in_every_call(
    cache: TokenCache, vendor: Vendor, clock: ManualClock
) -> None:
    await cache.get()
    vendor.same, vendor.lifetime = True, 200
    clock.advance(seconds=7000)
    assert {await cache.get() for _ in range(10)} == {"t1"}
    assert vendor.calls == 2


async def test_fifty_callers_with_the_same_dead_token_renew_it_once(cache: TokenCache, vendor: Vendor) -> None:
    dead = await cache.get()
    vendor.slow = 0.05
    assert set(await asyncio.gather(*(cache.renew(dead) for _ in range(50)))) == {"t2"}
    assert vendor.calls == 2
    assert await cache.renew(dead) == "t2"  # a straggler
    assert vendor.calls == 2


async def test_replicas_fetch_one_token_between_them(vendor: Vendor, store: MemoryTokens, clock: ManualClock) -> None:
    vendor.slow = 0.05
    replicas = [TokenCache("wecom:x", vendor, store, clock) for _ in range(4)]
    assert {await one for one in asyncio.as_completed([r.get() for r in replicas * 10])} == {"t1"}
    assert {await one for one in asyncio.as_completed([r.renew("t1") for r in replicas * 10])} == {"t2"}
    assert vendor.calls == 2


async def test_a_replica_that_died_while_fetching_does_not_block_the_others(
    cache: TokenCache, vendor: Vendor, store: MemoryTokens, clock: ManualClock
) -> None:
    store.entries["wecom:x:lease"] = "dead-replica", clock.now() + timedelta(seconds=15)
    waiting = asyncio.create_task(cache.get())
    await asyncio.sleep(0.15)
    assert not waiting.done()
    clock.advance(seconds=16)
    assert await asyncio.wait_for(waiting, 1) == "t1"


async def test_a_wrong_secret_is_not_tried_again_at_once(cache: TokenCache, vendor: Vendor, clock: ManualClock) -> None:
    vendor.failure = Misconfigured("应用 Secret 不对（40001）", "40001", 300, "核对")
    for _ in range(20):
        with pytest.raises(Misconfigured):
            await cache.get()
    assert vendor.calls == 1
    clock.advance(seconds=301)
    vendor.failure = None
    assert await cache.get() == "t2"


async def test_a_permanent_refusal_pauses_too(cache: TokenCache, vendor: Vendor) -> None:
    vendor.failure = Permanent("no")
    for _ in range(2):
        with pytest.raises(Permanent):
            await cache.get()
    assert vendor.calls == 1


async def test_a_caller_that_gives_up_does_not_take_the_fetch_with_it(cache: TokenCache, vendor: Vendor) -> None:
    vendor.slow = 0.05
    impatient = asyncio.create_task(cache.get())
    patient = asyncio.create_task(cache.get())
    await asyncio.sleep(0.01)
    impatient.cancel()
    assert (await patient, vendor.calls) == ("t1", 1)


async def test_stopping_ends_a_fetch_under_way(cache: TokenCache, vendor: Vendor) -> None:
    vendor.slow = 60
    waiting = asyncio.create_task(cache.get())
    await asyncio.sleep(0.01)
    await asyncio.wait_for(cache.stop(), 1)
    with pytest.raises(Temporary, match="停止"):
        await waiting


class BusyStore(MemoryTokens):
    def __init__(self, *, reads: bool) -> None:
        super().__init__()
        self._reads = reads

    async def get(self, name: str) -> Entry | None:
        if not self._reads:
            raise StorageBusy
        return None

    async def put(self, name: str, value: str, expires_at: object, *, instead_of: str) -> Entry:
        if name.endswith(":lease") and instead_of == "":
            return value, expires_at  # type: ignore[return-value]
        raise StorageBusy


async def test_a_database_that_cannot_be_read_means_later(vendor: Vendor, clock: ManualClock) -> None:
    with pytest.raises(Temporary):
        await TokenCache("x", vendor, BusyStore(reads=False), clock).get()
    assert vendor.calls == 0


async def test_a_database_that_cannot_be_written_costs_only_the_sharing(vendor: Vendor, clock: ManualClock) -> None:
    cache = TokenCache("x", vendor, BusyStore(reads=True), clock)
    assert [await cache.get(), await cache.get()] == ["t1", "t1"]
    assert vendor.calls == 1


# The store in the database


@pytest.fixture
def stored(database: Database) -> TokenStore:
    return StoredTokens(database)


async def test_the_database_remembers_a_token(stored: TokenStore, clock: ManualClock) -> None:
    assert await stored.get("wecom:x") is None
    entry = "话-token", clock.now()
    assert await stored.put("wecom:x", *entry, instead_of="") == entry
    assert await stored.get("wecom:x") == entry
    assert await stored.get("wecom:y") is None


async def test_the_database_replaces_only_what_one_saw(stored: TokenStore, clock: ManualClock) -> None:
    now = clock.now()
    await stored.put("x", "t1", now, instead_of="")
    assert (await stored.put("x", "t2", now, instead_of="t1"))[0] == "t2"
    assert (await stored.put("x", "t3", now, instead_of="t1"))[0] == "t2"
    assert (await stored.put("x", "t3", now, instead_of=""))[0] == "t2"


async def test_of_many_who_write_at_once_one_wins_and_all_know(stored: TokenStore, clock: ManualClock) -> None:
    for before in ("", "winner of the first round"):
        writes = [stored.put("x", f"{before}{n}", clock.now(), instead_of=before) for n in range(20)]
        told = {entry[0] for entry in await asyncio.gather(*writes)}
        assert len(told) == 1
        await stored.put("x", "winner of the first round", clock.now(), instead_of=told.pop())


async def test_replicas_on_the_database_fetch_one_token(vendor: Vendor, stored: TokenStore, clock: ManualClock) -> None:
    vendor.slow = 0.05
    replicas = [TokenCache("wecom:x", vendor, stored, clock) for _ in range(4)]
    assert set(await asyncio.gather(*(replica.get() for replica in replicas * 12))) == {"t1"}
    assert vendor.calls == 1
