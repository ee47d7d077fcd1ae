"""When things are looked at: APScheduler as ticker. The truth of what is due stands in the database, not here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.core.meters import Beats
from handlers import TICKS
from handlers.context import Desk, Tick, TickContext
from storage import deliveries
from storage.database import Database

log = logging.getLogger(__name__)


class Ticker:
    """Runs every tick of `handlers.TICKS` again and again, each in a transaction of its own.

    A tick that fails is logged and does not keep the others from running; it is tried again at the next round.
    """

    def __init__(
        self, database: Database, desk: Desk, clock: Clock, wake: Callable[[], None], beats: Beats | None = None
    ) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock
        self._wake = wake
        self._beats = beats or Beats()
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self, seconds: float, extra: dict[str, tuple[float, Callable[[], Awaitable[object]]]]) -> None:
        """Tick every `seconds`; `extra` names further jobs with their own pace."""
        self._every(seconds, "ticks", self.run_once)
        for name, (pace, job) in extra.items():
            self._every(pace, name, job)
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def run_once(self) -> int:
        """Run every tick once; returns how many messages are owed because of it."""
        owed = 0
        for tick in TICKS:
            owed += await self._run(tick)
        self._beats.mark("ticks")
        if owed:
            self._wake()
        return owed

    async def _run(self, tick: Tick) -> int:
        try:
            async with self._database.transaction() as tx:
                now = self._clock.now()
                found = await tick.run(TickContext(tx, self._desk, now))
                unreachable = await deliveries.enqueue(tx, found, now)
        except StorageBusy:
            note(log, "tick.busy", "the database was busy; the tick comes again", logging.WARNING, tick=tick.name)
            return 0
        except Exception:
            log.exception("a tick failed", extra={"action": "tick.failed", "ids": {"tick": tick.name}})
            return 0
        if found:
            note(
                log, "tick.owed", "messages are owed", tick=tick.name, messages=len(found), unreachable=len(unreachable)
            )
        return len(found)

    def _every(self, seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
        async def run() -> None:
            with contextlib.suppress(asyncio.CancelledError):  # the end
                await job()

        self._scheduler.add_job(
            run,
            IntervalTrigger(seconds=seconds),
            id=name,
            name=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
