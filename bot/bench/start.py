"""start: from the command to the first question in the demo's chat, and the memory that takes.

Baseline: the bare echo's start, that is Python, aiohttp and wechatpy without a bot.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bot.bench.machine import memory_of
from bot.bench.processes import DidNotStart, running
from bot.bench.report import Baseline, Figure, Options, Progress, Report, at_most, middle
from storage import planting
from storage.database import Database

_SECONDS, _MEGABYTES = at_most(5.0), at_most(300.0)
_LOOK, _GIVE_UP, _CALM = 0.02, 60.0, 5.0


@dataclass(frozen=True)
class Started:
    """Seconds to the open door and to the first push, MB then and after a while, seconds of the bare start."""

    ready: float
    pushed: float
    memory: float
    later: float
    bare: float


async def run(options: Options, progress: Progress) -> Report:
    """`runs` starts, each on a fresh database; the vectors of the search come from the cache after the first."""
    options.folder.mkdir(parents=True, exist_ok=True)
    found = []
    with progress.of("start", options.runs) as show:
        for turn in range(options.runs):
            with tempfile.TemporaryDirectory(dir=options.folder) as folder:
                found.append(await _once(Path(folder) / "demo.db", 0.0 if options.quick else _CALM))
            show(turn + 1)
    bare = Baseline("裸回声启动", middle([each.bare for each in found]))
    pushed = middle([each.pushed for each in found])
    figures = [
        Figure("ready", "网页能打开", middle([each.ready for each in found]), "秒", against=bare),
        Figure("pushed", "第一条推送", pushed, "秒", goal=_SECONDS, against=bare),
        Figure("memory", "这时占内存", middle([each.memory for each in found]), "MB", goal=_MEGABYTES),
        Figure("later", "几秒后占内存", middle([each.later for each in found]), "MB", goal=_MEGABYTES),
    ]
    return Report("start", figures, {"runs": options.runs})


async def _once(file: Path, calm: float) -> Started:
    began = time.perf_counter()
    async with running("-m", "bot.bench.echo") as process:
        await process.port()
        bare = time.perf_counter() - began
    began = time.perf_counter()
    quiet = {"JIEHUA_LOG_LEVEL": "ERROR"}
    async with running("-m", "bot.cli", "demo", "--port", "0", "--data", str(file), settings=quiet) as process:
        await process.port()
        ready = time.perf_counter() - began
        await _first_push(file)
        pushed, memory = time.perf_counter() - began, memory_of(process.pid)
        await asyncio.sleep(calm)
        return Started(ready, pushed, memory, memory_of(process.pid), bare)


async def _first_push(file: Path) -> None:
    """Wait for the first delivery that went out. Raises DidNotStart when none does."""
    database = Database(f"sqlite:///{file}")
    try:
        async with asyncio.timeout(_GIVE_UP):
            while True:
                async with database.reading() as tx:
                    if await planting.pushed(tx):
                        return
                await asyncio.sleep(_LOOK)
    except TimeoutError:
        raise DidNotStart("演示起来了，但没有推送") from None
    finally:
        await database.close()
