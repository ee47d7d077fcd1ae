"""A graceful stop: not ready first, so that a load balancer sends nobody here any more; then the door closes."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.test_replicas import ready, replica
from tests.postgres import Cluster


async def test_not_ready_comes_before_the_closed_door(postgres: Cluster, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http, replica(postgres.empty(), tmp_path) as (address, process):
        await ready(http, address)
        async with http.get(f"{address}/metrics") as answer:
            shown = await answer.text()
        process.send_signal(signal.SIGTERM)
        states = [body["status"] for body in await _until_closed(address)]
        assert await asyncio.wait_for(process.wait(), 15) == 0
    assert "stopping" in states
    assert states == sorted(states), "once stopping, never ready again"
    assert 'jiehua_work_age_seconds{work="ticks"}' in shown
    assert 'jiehua_work_age_seconds{work="office"}' in shown


async def _until_closed(address: str) -> list[dict[str, Any]]:
    """What /readyz said, each time on a new connection, until nobody answered."""
    said: list[dict[str, Any]] = []
    async with asyncio.timeout(15):
        while True:
            try:
                async with aiohttp.ClientSession() as http, http.get(f"{address}/readyz") as answer:
                    said.append(await answer.json())
            except aiohttp.ClientError:
                return said
