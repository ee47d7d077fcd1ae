"""What goes wrong around a bot that lives on: vendor, disk, a loop that stands still, a stop in the middle of work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.bench.faults import Deeds, Plan, outcome, pushes, talk
from bot.bench.scene import Scene, Setting, scene
from bot.library import ContentLibrary
from handlers.context import Desk

PLAN = Plan(people=20, seconds=6.0, talkers=4, patience=120.0)
HURRY = 5.0
ROOM = 64 * 1024


@pytest.fixture(autouse=True)
def _cached(opened: tuple[ContentLibrary, Desk]) -> None:
    """The processes start from the cache that opening the content has filled."""


async def _begin(stage: Scene) -> None:
    await stage.vendor.tell(stage.http, "pace", latency=0.1, spread=0.05)
    await stage.start()
    await stage.plant(PLAN.names, pushes(PLAN, stage))


async def _sound(stage: Scene, deeds: Deeds) -> None:
    found = await outcome(stage, PLAN, deeds)
    assert found.verdict.sound, found
    assert found.left == 0, found
    assert found.verdict.unknown == 0, found
    assert found.verdict.shown >= PLAN.people


async def test_a_vendor_in_trouble_and_a_loop_that_stands_still() -> None:
    """Each trouble lasts a second or two, while pushes become due and people talk."""
    async with scene(Setting(rate=HURRY, pause=2.5, most_seconds=600.0)) as stage:
        await _begin(stage)
        deeds = Deeds()

        async def trouble() -> None:
            for mode in ("lost", "down", "garbage", "5xx", "busy"):  # after "busy" nobody calls for a while
                await stage.vendor.tell(stage.http, "trouble", mode=mode, seconds=1.0)
                await asyncio.sleep(1.1)
            stage.bots[0].freeze()
            await asyncio.sleep(2.0)
            stage.bots[0].thaw()

        async with asyncio.TaskGroup() as group:
            group.create_task(trouble())
            for number, name in enumerate(PLAN.names[: PLAN.talkers]):
                group.create_task(talk(stage, name, number * 1.5, deeds))
        await _sound(stage, deeds)
        outcomes = {entry["outcome"] for entry in stage.ledger() if entry["kind"] == "call"}
        assert {"accepted", "duplicate"} <= outcomes, "an accepted call whose answer was lost is repeated"
        assert outcomes & {"garbage", "5xx", "busy"}, "there was trouble"


async def test_stopped_under_load_it_ends_in_time_and_goes_on_afterwards() -> None:
    async with scene(Setting(rate=HURRY, pause=2.5, most_seconds=600.0)) as stage:
        await _begin(stage)
        deeds, (bot,) = Deeds(), stage.bots

        async def restart() -> None:
            await asyncio.sleep(2.0)
            assert await bot.stop(10.0) < 10.0
            assert bot.exit_code == 0
            await bot.start()

        async with asyncio.TaskGroup() as group:
            group.create_task(restart())
            for number, name in enumerate(PLAN.names[: PLAN.talkers]):
                group.create_task(talk(stage, name, 0.5 + number, deeds))
        await _sound(stage, deeds)


async def test_on_a_full_disk_nothing_is_taken_that_cannot_be_kept() -> None:
    """What the vendor hears 200 for is stored; the rest is said again, and all goes on when there is room."""
    async with scene(Setting(rate=HURRY, pause=2.5, most_seconds=600.0)) as stage:
        await _begin(stage)
        deeds, (bot,) = Deeds(), stage.bots
        bot.limit_files(max(_sizes(stage.folder)) + ROOM)

        async def more_room() -> None:
            await asyncio.sleep(6.0)
            assert "数据库暂时" in bot.out.read_text(encoding="utf-8"), "the disk was full"
            bot.limit_files()

        async with asyncio.TaskGroup() as group:
            group.create_task(more_room())
            for number, name in enumerate(PLAN.names):
                group.create_task(talk(stage, name, number * 0.2, deeds))
        await _sound(stage, deeds)


def _sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in folder.glob("run.db*")]
