"""A running bot: its parts, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property

from aiohttp import web

from bot import VERSION
from bot.alarms import Alarms
from bot.config import Settings
from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.meters import Beats, Meters
from bot.core.pulse import Pulse
from bot.delivery import Courier, Office
from bot.delivery.calls import SEND
from bot.demo import Stage
from bot.dispatch import Dispatcher, Parked
from bot.jobs.base import Jobs
from bot.jobs.loop import Loop
from bot.judge import Judge
from bot.library import ContentLibrary
from bot.platforms.base import Platform
from bot.retention import Retention
from bot.schedule import Ticker
from bot.scoring import Grading
from bot.sync import Sync
from bot.watch import Watch
from bot.web import health, metrics
from handlers.context import Desk
from storage import schema
from storage.database import Database

Job = tuple[float, Callable[[], Awaitable[object]]]
"""Every how many seconds, and what."""

_RELOAD_SECONDS = 5.0
_RECOVER_SECONDS = 20.0
_DIRECTORY_SECONDS = 60.0
_CONTACT_SECONDS = 2.0
_RETENTION_SECONDS = 600.0
_WATCH_SECONDS = 180.0


@dataclass(frozen=True)
class Program:
    """Every part of a running bot."""

    settings: Settings
    clock: Clock
    database: Database
    library: ContentLibrary
    desk: Desk
    grading: Grading
    judge: Judge | None
    platforms: dict[str, Platform]
    dispatcher: Dispatcher
    parked: Parked
    jobs: Jobs
    office: Office
    office_loop: Loop
    courier: Courier
    ticker: Ticker
    stage: Stage | None
    web: web.Application
    sync: Sync
    meters: Meters = field(default_factory=Meters)
    beats: Beats = field(default_factory=Beats)

    @cached_property
    def health(self) -> health.Health:
        """How the program is, for whoever asks."""
        pulse = Pulse(self.meters.lag)
        return health.Health(self.database, lambda: bool(self.library.catalogue.lessons), self.beats, pulse)

    @cached_property
    def watch(self) -> Watch:
        """What tells the operators unasked; not in the demo, whose clock jumps."""
        return Watch(
            self.database, self.clock, self.desk, self.platforms, self.meters, lambda: self.library.faults,
            Alarms(self.database, self.clock, self.platforms),
        )  # fmt: skip

    @cached_property
    def board(self) -> metrics.Board:
        """What /metrics shows."""
        settings, database = self.settings, self.database
        tokens = {
            "wecom": f"wecom:{settings.wecom_corp_id}:{settings.wecom_agent_id}",
            "dingtalk": f"dingtalk:{settings.dingtalk_client_id}",
        }
        named = {name: tokens[name] for name in self.platforms if name in tokens}
        kind = "sqlite" if database.is_sqlite else "postgresql"
        build = {"version": VERSION, "schema": schema.newest(), "database": kind}
        return metrics.Board(self.meters, self.beats, database, self.clock, named, lambda: self.parked.waiting, build)


def life(program: Program) -> Callable[[web.Application], AsyncIterator[None]]:
    """Start in the order of need, stop in the reverse order; stopping waits for work in hand."""

    async def running(_app: web.Application) -> AsyncIterator[None]:
        for wire in program.platforms.values():
            await wire.start()
        if program.judge is not None:
            await program.judge.start()
        if program.stage is not None:
            await program.stage.open()
        program.grading.start()
        await program.courier.recover()
        await program.office.open()
        await program.dispatcher.resume()
        await program.ticker.run_once()
        await program.jobs.start({SEND: program.courier.send})
        program.office_loop.start()
        program.health.pulse.start()
        watch: dict[str, Job] = {} if program.stage else {"watch": (_WATCH_SECONDS, program.watch.run_once)}
        others: dict[str, Job] = {
            "content": (_RELOAD_SECONDS, program.library.refresh),
            "recover": (_RECOVER_SECONDS, _recovery(program)),
            "directory": (_DIRECTORY_SECONDS, program.sync.nightly),
            "contacts": (_CONTACT_SECONDS, program.sync.catch_up),
            "retention": (_RETENTION_SECONDS, Retention(program.database, program.clock, program.settings).nightly),
            **({"clock": (1.0, program.stage.sync)} if program.stage else {}),
            **watch,
        }
        program.ticker.start(1.0 if program.stage else 5.0, others)
        warm = asyncio.create_task(_warm_up(program))
        yield
        await asyncio.wait([warm])
        program.ticker.stop()
        await program.office_loop.stop()
        await program.jobs.stop()
        await program.dispatcher.drain()
        await program.grading.stop()
        if program.judge is not None:
            await program.judge.stop()
        for wire in program.platforms.values():
            await wire.stop()
        await program.health.pulse.stop()
        await program.database.close()

    return running


async def _warm_up(program: Program) -> None:
    """Load what the first answer would otherwise wait for, then what search by meaning needs."""

    def score() -> None:
        for lesson in program.desk.catalogue.situations()[:1]:
            program.desk.scorer.score(lesson, "您先别急，我这就帮您看。")

    await asyncio.to_thread(score)
    if program.stage is not None:
        await program.stage.settle()
    await program.library.refresh()


def _recovery(program: Program) -> Callable[[], Awaitable[None]]:
    async def recover() -> None:
        with contextlib.suppress(StorageBusy):
            await program.parked.retry()
            await program.dispatcher.resume()
            await program.courier.recover()
            await program.jobs.sweep()

    return recover
