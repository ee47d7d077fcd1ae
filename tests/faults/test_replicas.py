"""Two equal replicas on one PostgreSQL: one organisation, one push each, a talk that crosses over; and kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from storage.database import Database
from storage.models import Attempt, Campaign, Delivery, Person
from tests.conversations.test_daily_loop import GOOD
from tests.postgres import Cluster

_START_SECONDS = 60.0


@asynccontextmanager
async def replica(url: str, folder: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A `jiehua serve` process with the demo organisation; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("JIEHUA_")}
    environment |= {
        "JIEHUA_DATABASE_URL": url, "JIEHUA_PORT": str(port), "JIEHUA_DEMO": "on",
        "JIEHUA_CACHE": str(folder / "cache"),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import sys; from bot.cli import main; sys.exit(main(['serve']))",
        env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0, "a graceful stop"


async def ready(http: aiohttp.ClientSession, address: str) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                async with http.get(f"{address}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def heard(http: aiohttp.ClientSession, address: str, person: int, words: str) -> int:
    """How often the person has heard something, waited for."""
    async with asyncio.timeout(20):
        while True:
            async with http.get(f"{address}/chat/api/lines", params={"person": person}) as answer:
                lines: list[dict[str, Any]] = (await answer.json())["lines"]
            count = sum(words in str(line["message"]) for line in lines if not line["mine"])
            if count:
                return count
            await asyncio.sleep(0.1)


async def say(http: aiohttp.ClientSession, address: str, person: int, text: str, key: str) -> None:
    body = {"person": person, "text": text, "key": key}
    async with http.post(f"{address}/chat/api/say", json=body, headers={"Origin": address}) as answer:
        assert answer.status == 200, await answer.text()


@pytest.fixture
def url(postgres: Cluster) -> str:
    return postgres.empty()


async def test_two_replicas_are_one_bot(url: str, tmp_path: Path) -> None:
    async with (
        aiohttp.ClientSession() as http,
        replica(url, tmp_path) as (first, _),
        replica(url, tmp_path) as (second, _),
    ):
        await asyncio.gather(ready(http, first), ready(http, second))
        await heard(http, first, 1, "今日一题")
        await say(http, first, 1, GOOD, "one")
        assert await heard(http, second, 1, "点评｜") == 1
        await say(http, second, 1, "话术 退费", "two")
        assert await heard(http, first, 1, "“退费”的话术") == 1
        async with http.post(f"{first}/chat/api/jump", json={"to": "monday"}, headers={"Origin": first}) as answer:
            assert answer.status == 200
        manager = await _manager(url)
        assert await heard(http, second, manager, "周榜｜") >= 1
        await asyncio.sleep(2.5)
    await _nothing_twice(url)


async def test_killed_in_the_middle_it_loses_nothing_and_sends_nothing_twice(url: str, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        async with replica(url, tmp_path) as (address, process):
            await ready(http, address)
            await heard(http, address, 1, "今日一题")
            await say(http, address, 1, GOOD, "before")
            process.kill()
            await process.wait()
        async with replica(url, tmp_path) as (address, _):
            await ready(http, address)
            async with asyncio.timeout(90):
                assert await _until_heard(http, address, "点评｜") == 1
    await _nothing_twice(url)


async def _until_heard(http: aiohttp.ClientSession, address: str, words: str) -> int:
    while True:
        try:
            return await heard(http, address, 1, words)
        except TimeoutError:
            continue


async def _manager(url: str) -> int:
    database = Database(url)
    async with database.reading() as tx:
        row = (await tx.scalars(select(Person).where(Person.name == "周敏"))).one()
    await database.close()
    return row.id or 0


async def _nothing_twice(url: str) -> None:
    """One organisation, one attempt per answer, one delivery per person and question."""
    database = Database(url)
    async with database.reading() as tx:
        names = [row.name for row in await tx.scalars(select(Person))]
        campaigns = (await tx.scalars(select(Campaign))).all()
        typed = [row for row in await tx.scalars(select(Attempt)) if row.scorer != "demo"]
        sent = [
            (row.person_id, row.content)
            for row in await tx.scalars(select(Delivery).where(Delivery.kind == "challenge"))
        ]
    await database.close()
    assert len(names) == len(set(names)) == 30
    assert len(campaigns) == 3
    assert len(typed) == 1
    assert len(sent) == len(set(sent))
