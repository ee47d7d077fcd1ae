"""kill -9 in a fan-out and a stream of replies: nothing missed, twice or lost; small, for every change."""

from __future__ import annotations

import asyncio

import pytest

from bot.bench.faults import Plan, one
from bot.bench.scene import Setting
from bot.library import ContentLibrary
from handlers.context import Desk

PLANS = {
    "sqlite": Plan(people=20, seconds=3.0, kills=2, talkers=4, patience=120.0),
    "postgres": Plan(people=20, seconds=3.0, kills=1, talkers=4, patience=120.0),
}
ROLES = {"sqlite": ("all",), "postgres": ("web", "worker")}
SEEDS = (1, 2)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_killed_at_random_nothing_is_missed_twice_or_lost(kind: str, opened: tuple[ContentLibrary, Desk]) -> None:
    """Two runs side by side. `opened` has filled the cache that the processes start from; their clock runs five times
    as fast."""
    assert opened
    settings = [Setting(kind, 5.0, ROLES[kind], pause=2.5, seed=seed, most_seconds=600.0) for seed in SEEDS]
    for outcome in await asyncio.gather(*(one(PLANS[kind], setting) for setting in settings)):
        assert outcome.verdict.sound, outcome
        assert outcome.left == 0, outcome
        assert outcome.verdict.unknown == 0, "WeCom recognises repeats"
        assert outcome.verdict.shown >= PLANS[kind].people
        assert sum(fault.startswith("kill") for fault in outcome.faults) == PLANS[kind].kills
