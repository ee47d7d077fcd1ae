"""The only place that constructs: settings and a clock in, a program that can be started and stopped out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from bot.alarms import Alarms
from bot.config import Settings
from bot.core.arrivals import attended
from bot.core.calendar import WorkCalendar, read_overrides
from bot.core.clock import Clock, ShiftedClock
from bot.core.log import note
from bot.core.messages import Message
from bot.core.meters import Beats, Meters
from bot.delivery import Courier, Office
from bot.delivery.turns import turns_of
from bot.demo import Stage
from bot.dispatch import Dispatcher, Parked
from bot.gate import Gate
from bot.jobs.base import Jobs
from bot.jobs.local import LocalJobs, only_process
from bot.jobs.loop import Loop
from bot.judge import Endpoint, Judge
from bot.library import ContentLibrary
from bot.login import Login
from bot.platforms.base import Alarm, Organised, Platform
from bot.platforms.measured import measured
from bot.platforms.web import WebChat
from bot.program import Program, life
from bot.schedule import Ticker
from bot.scorers import Scorers
from bot.scoring import Grading, OfflineGrader
from bot.sync import Sync
from bot.web import chat, health, metrics
from bot.web import login as pages
from bot.wires import platforms_of
from handlers.context import Desk
from handlers.hours import House
from lessons.catalogue import BUILT_IN
from lessons.scoring import Scorer
from lessons.scoring.embed import built_in_embedder
from storage import schema
from storage.database import Database

log = logging.getLogger(__name__)

_LEAVE_SECONDS = 2.0  # between "not ready" and closing the door, for load balancers; a graceful stop has ten


def open_desk(settings: Settings, *, quick: bool = False) -> tuple[ContentLibrary, Desk]:
    """Content, scorer and calendar: what answering needs, without a database. Raises ContentError.

    `quick`: search by meaning comes a few seconds later, with the library's first refresh.
    """
    embedder = built_in_embedder()
    library = ContentLibrary(settings.content or BUILT_IN, embedder, settings.cache, quick=quick)
    overrides = read_overrides(settings.calendar_file) if settings.calendar_file else {}
    calendar = WorkCalendar(settings.timezone, overrides)
    scorers = Scorers(settings.scorers) if settings.scorers else None
    scorer = OfflineGrader(Scorer.built_in(), scorers=scorers)
    return library, Desk(library, scorer, calendar, settings)


def build(
    settings: Settings, clock: Clock, database: Database, opened: tuple[ContentLibrary, Desk] | None = None
) -> Program:
    """Construct every part; nothing runs yet. `opened` is a desk made earlier. Raises ContentError and SettingError."""
    library, desk = opened or open_desk(settings, quick=True)
    assert isinstance(desk.scorer, OfflineGrader)
    judge = _judge(settings, clock, database)
    meters, beats = Meters(), Beats()
    grading = Grading(desk.scorer, database, clock, judge, meters)
    desk = replace(desk, scorer=grading)
    jobs, turns = jobs_of(settings, database), turns_of(database)
    platforms: dict[str, Platform] = {}
    alarm = Alarms(database, clock, platforms)
    platforms |= platforms_of(settings, clock, database, alarm, turns, meters)
    office = Office(database, platforms, clock, turns, jobs)
    office_loop = Loop("office", beats.marking("office", office.run_once), 0.5)
    gate = Gate(House.of(desk))
    courier = Courier(database, measured(platforms, meters), clock, turns, alarm, gate, office_loop.wake)
    dispatcher = Dispatcher(database, desk, clock, _fits(platforms), office_loop.wake)
    parked = Parked(attended(dispatcher.receive, meters))
    ticker = Ticker(database, desk, clock, office_loop.wake, beats)
    stage = Stage(database, desk, clock, ticker.run_once) if isinstance(clock, ShiftedClock) else None
    program = Program(
        settings, clock, database, library, desk, grading, judge, platforms, dispatcher, parked, jobs, office,
        office_loop, courier, ticker, stage, web.Application(), _sync(settings, clock, database, platforms, alarm),
        meters, beats,
    )  # fmt: skip
    program.web.cleanup_ctx.append(life(program))  # first in, last out: callbacks in hand still find the database
    _routes(program)
    return program


def jobs_of(settings: Settings, database: Database) -> Jobs:
    """The queue that fits the database; a process with the role web carries out what people wait for, and no more."""
    if database.is_sqlite:
        return LocalJobs(settings.senders)
    from bot.jobs.postgres import PostgresJobs

    return PostgresJobs(database.address, settings.senders, urgent_only=settings.role == "web")


def _judge(settings: Settings, clock: Clock, database: Database) -> Judge | None:
    """The LLM judge, where one is configured."""
    if not settings.judge_on:
        return None
    endpoint = Endpoint(settings.judge_url, settings.judge_model, settings.judge_key, settings.judge_timeout)
    return Judge(endpoint, database, clock)


def _sync(
    settings: Settings, clock: Clock, database: Database, platforms: Mapping[str, Platform], alarm: Alarm
) -> Sync:
    """The directories of the platforms that have one."""
    sources = {name: wire.contacts for name, wire in platforms.items() if isinstance(wire, Organised)}
    return Sync(database, sources, clock, settings.timezone, alarm, automatic=settings.directory_sync)


def _fits(platforms: dict[str, Platform]) -> Callable[[str, Message], bool]:
    def fits(platform: str, message: Message) -> bool:
        wire = platforms.get(platform)
        return wire is not None and wire.fits_passive(message)

    return fits


def _routes(program: Program) -> None:
    """What the web server answers."""
    health.add_routes(program.web, program.health)
    metrics.add_routes(program.web, program.board, program.settings.metrics_token)
    if program.settings.role == "worker":
        return
    if program.settings.public_url:
        doors = {name: wire.oauth for name, wire in program.platforms.items() if isinstance(wire, Organised)}
        pages.add_routes(program.web, Login(program.database, program.clock, doors, program.settings.public_url))
    page = program.platforms.get("web")
    if program.settings.wecom_on:
        from bot.platforms.wecom import Wecom
        from bot.web import callbacks

        wecom = program.platforms["wecom"]
        assert isinstance(wecom, Wecom)
        callbacks.add_wecom(
            program.web,
            wecom,
            program.parked.receive,
            alarm=program.courier.alarm,
            on_contact=program.sync.on_contact,
        )
    if program.settings.dingtalk_on:
        _dingtalk_in(program)
    if isinstance(page, WebChat):
        chat.add_routes(
            program.web,
            chat.Chat(
                program.database,
                page,
                program.clock,
                program.parked.receive,
                demo=program.stage,
                timezone=program.settings.timezone,
            ),
        )


def _dingtalk_in(program: Program) -> None:
    """How DingTalk's messages come in: on a Stream that we open, or on a route."""
    from bot.platforms.dingtalk import DingTalk, Intake, Stream
    from bot.web import callbacks

    dingtalk = program.platforms["dingtalk"]
    assert isinstance(dingtalk, DingTalk)
    intake = Intake(dingtalk, program.parked.receive, program.courier.alarm, program.sync.on_contact)
    if program.settings.dingtalk_mode == "http":
        callbacks.add_dingtalk(program.web, dingtalk, intake)
        return
    stream = Stream(dingtalk.http, dingtalk.account, intake)

    async def listening(_app: web.Application) -> AsyncIterator[None]:
        await stream.start()
        yield
        await stream.stop()

    program.web.cleanup_ctx.append(listening)  # after _life: stopped before what it needs


async def serve(settings: Settings, clock: Clock, ready: Callable[[str], None]) -> None:
    """Migrate, build, run until cancelled. `ready` is told the address."""
    database = Database(settings.database_url)
    lock = only_process(Path(str(database.url.database))) if database.is_sqlite else contextlib.nullcontext()
    with lock:
        await schema.upgrade(database)
        program = build(settings, clock, database)
        runner = web.AppRunner(program.web, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            site = web.TCPSite(runner, settings.host, settings.port)
            await site.start()
            address = f"http://{settings.host}:{runner.addresses[0][1]}"
            note(log, "serve.ready", "the bot is running", address=address, platforms=",".join(program.platforms))
            ready(address)
            await asyncio.Event().wait()
        finally:
            with contextlib.suppress(asyncio.CancelledError):  # told twice: stop at once, but tidily
                await program.health.leave(0.0 if database.is_sqlite else _LEAVE_SECONDS)
            await runner.cleanup()
