"""The only place that constructs: settings and a clock in, a program that can be started and stopped out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from bot.alarms import Alarms
from bot.config import Settings
from bot.core.calendar import WorkCalendar, read_overrides
from bot.core.clock import Clock, ShiftedClock
from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.core.messages import Message
from bot.delivery import Courier
from bot.demo import Stage
from bot.dispatch import Dispatcher, Parked
from bot.jobs.local import Loop, only_process
from bot.judge import Endpoint, Judge
from bot.library import ContentLibrary
from bot.login import Login
from bot.platforms.base import Alarm, Organised, PictureOf, Platform
from bot.platforms.http import TokenStore
from bot.platforms.web import WebChat
from bot.schedule import Ticker
from bot.scoring import Grading, OfflineGrader
from bot.sync import Sync
from bot.web import chat, health
from bot.web import login as pages
from handlers.context import Desk
from lessons.catalogue import BUILT_IN
from lessons.scoring import Scorer
from lessons.scoring.embed import built_in_embedder
from storage import schema
from storage import settings as stored
from storage.database import Database
from storage.tokens import StoredTokens

if TYPE_CHECKING:
    from bot.platforms.dingtalk import DingTalk
    from bot.platforms.dingtalk_robot import DingtalkRobot
    from bot.platforms.wecom import Wecom
    from bot.platforms.wecom_robot import WecomRobot

log = logging.getLogger(__name__)

_RELOAD_SECONDS = 5.0
_RECOVER_SECONDS = 20.0
_DIRECTORY_SECONDS = 60.0
_CONTACT_SECONDS = 2.0


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
    courier: Courier
    courier_loop: Loop
    ticker: Ticker
    stage: Stage | None
    web: web.Application
    sync: Sync
    robots: Sequence[WecomRobot | DingtalkRobot] = ()  # of groups, for what concerns everybody there


def open_desk(settings: Settings, *, quick: bool = False) -> tuple[ContentLibrary, Desk]:
    """Content, scorer and calendar: what answering needs, without a database. Raises ContentError.

    `quick`: search by meaning comes a few seconds later, with the library's first refresh.
    """
    embedder = built_in_embedder()
    library = ContentLibrary(settings.content or BUILT_IN, embedder, settings.cache, quick=quick)
    overrides = read_overrides(settings.calendar_file) if settings.calendar_file else {}
    calendar = WorkCalendar(settings.timezone, overrides)
    scorer = OfflineGrader(Scorer.built_in())
    return library, Desk(library, scorer, calendar, settings)


def build(
    settings: Settings, clock: Clock, database: Database, opened: tuple[ContentLibrary, Desk] | None = None
) -> Program:
    """Construct every part; nothing runs yet. `opened` is a desk made earlier. Raises ContentError and SettingError."""
    library, desk = opened or open_desk(settings, quick=True)
    assert isinstance(desk.scorer, OfflineGrader)
    judge = _judge(settings, clock, database)
    grading = Grading(desk.scorer, database, clock, judge)
    desk = replace(desk, scorer=grading)
    alarm = Alarms(database, clock)
    platforms = _platforms(settings, clock, database, alarm)
    courier = Courier(database, platforms, clock, alarm)
    courier_loop = Loop("courier", courier.run_once, 0.5)
    dispatcher = Dispatcher(database, desk, clock, _fits(platforms), courier_loop.wake)
    parked = Parked(dispatcher.receive)
    ticker = Ticker(database, desk, clock, courier_loop.wake)
    stage = Stage(database, desk, clock, ticker.run_once) if isinstance(clock, ShiftedClock) else None
    program = Program(
        settings, clock, database, library, desk, grading, judge, platforms, dispatcher, parked, courier, courier_loop,
        ticker, stage, web.Application(), _sync(settings, clock, database, platforms, alarm),
        robots_of(settings, clock, database),
    )  # fmt: skip
    program.web.cleanup_ctx.append(_life(program))  # first in, last out: callbacks in hand still find the database
    _routes(program)
    return program


def _judge(settings: Settings, clock: Clock, database: Database) -> Judge | None:
    """The LLM judge, where one is configured."""
    if not settings.judge_on:
        return None
    endpoint = Endpoint(settings.judge_url, settings.judge_model, settings.judge_key, settings.judge_timeout)
    return Judge(endpoint, database, clock)


def _platforms(settings: Settings, clock: Clock, database: Database, alarm: Alarm) -> dict[str, Platform]:
    """The wires that are switched on."""
    platforms: dict[str, Platform] = {}
    if settings.web_chat:
        platforms["web"] = WebChat(database, clock)
    if settings.wecom_on:
        platforms["wecom"] = wecom_of(settings, clock, database, alarm)
    if settings.dingtalk_on:
        platforms["dingtalk"] = dingtalk_of(settings, clock, database)
    return platforms


def _sync(
    settings: Settings, clock: Clock, database: Database, platforms: Mapping[str, Platform], alarm: Alarm
) -> Sync:
    """The directories of the platforms that have one."""
    sources = {name: wire.contacts for name, wire in platforms.items() if isinstance(wire, Organised)}
    return Sync(database, sources, clock, settings.timezone, alarm, automatic=settings.directory_sync)


def dingtalk_of(settings: Settings, clock: Clock, database: Database, tokens: TokenStore | None = None) -> DingTalk:
    """The DingTalk robot of the settings, not started; its token is shared through the database or `tokens`."""
    from bot.platforms.dingtalk import Account, DingTalk  # here: its crypto library is slow to import

    account = Account(
        settings.dingtalk_client_id,
        settings.dingtalk_client_secret,
        settings.dingtalk_robot_code,
        settings.dingtalk_api,
        settings.dingtalk_old_api,
        settings.dingtalk_card_template,
        settings.dingtalk_session_reply,
        settings.dingtalk_tap_links,
        settings.dingtalk_event_token,
        settings.dingtalk_event_aes_key,
    )
    return DingTalk(account, clock=clock, tokens=tokens or StoredTokens(database))


def robots_of(settings: Settings, clock: Clock, database: Database) -> list[WecomRobot | DingtalkRobot]:
    """The group robots of the settings, not started."""
    robots: list[WecomRobot | DingtalkRobot] = []
    if settings.wecom_robot_url:
        from bot.platforms.wecom_robot import WecomRobot

        robots.append(WecomRobot(settings.wecom_robot_url, clock=clock, picture_of=_pictures(database)))
    if settings.dingtalk_robot_url:
        from bot.platforms.dingtalk_robot import DingtalkRobot

        url, secret = settings.dingtalk_robot_url, settings.dingtalk_robot_secret
        robots.append(DingtalkRobot(url, secret, clock=clock))
    return robots


def _pictures(database: Database) -> PictureOf:
    async def picture_of(picture_id: int) -> bytes:
        async with database.reading() as tx:
            return await stored.picture(tx, picture_id) or b""

    return picture_of


def wecom_of(
    settings: Settings,
    clock: Clock,
    database: Database,
    alarm: Alarm | None = None,
    tokens: TokenStore | None = None,
) -> Wecom:
    """The WeCom app of the settings, not started; its token is shared through the database or `tokens`."""
    from bot.platforms.wecom import Account, Wecom  # here: its crypto library is slow to import

    account = Account(
        settings.wecom_corp_id,
        settings.wecom_agent_id,
        settings.wecom_secret,
        settings.wecom_token,
        settings.wecom_aes_key,
        settings.wecom_api,
    )
    return Wecom(
        account,
        clock=clock,
        tokens=tokens or StoredTokens(database),
        picture_of=_pictures(database),
        alarm=alarm,
        cards=settings.wecom_cards,
    )


def _fits(platforms: dict[str, Platform]) -> Callable[[str, Message], bool]:
    def fits(platform: str, message: Message) -> bool:
        wire = platforms.get(platform)
        return wire is not None and wire.fits_passive(message)

    return fits


def _routes(program: Program) -> None:
    """What the web server answers."""
    health.add_routes(program.web, program.database)
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


def _life(program: Program) -> Callable[[web.Application], AsyncIterator[None]]:
    """Start in the order of need, stop in the reverse order; stopping waits for work in hand."""

    async def life(_app: web.Application) -> AsyncIterator[None]:
        for wire in (*program.platforms.values(), *program.robots):
            await wire.start()
        if program.judge is not None:
            await program.judge.start()
        if program.stage is not None:
            await program.stage.open()
        await program.courier.recover()
        await program.dispatcher.resume()
        await program.ticker.run_once()
        program.courier_loop.start()
        others: dict[str, tuple[float, Callable[[], Awaitable[object]]]] = {
            "content": (_RELOAD_SECONDS, program.library.refresh),
            "recover": (_RECOVER_SECONDS, _recovery(program)),
            "directory": (_DIRECTORY_SECONDS, program.sync.nightly),
            "contacts": (_CONTACT_SECONDS, program.sync.catch_up),
            **({"clock": (1.0, program.stage.sync)} if program.stage else {}),
        }
        program.ticker.start(1.0 if program.stage else 5.0, others)
        warm = asyncio.create_task(_warm_up(program))
        yield
        await asyncio.wait([warm])
        program.ticker.stop()
        await program.courier_loop.stop()
        await program.dispatcher.drain()
        await program.grading.stop()
        if program.judge is not None:
            await program.judge.stop()
        for wire in (*program.platforms.values(), *program.robots):
            await wire.stop()
        await program.database.close()

    return life


async def _warm_up(program: Program) -> None:
    """Load what the first answer would otherwise wait for, then what search by meaning needs."""

    def score() -> None:
        for lesson in program.desk.catalogue.situations()[:1]:
            program.desk.scorer.score(lesson, "您先别急，我这就帮您看。")

    await asyncio.to_thread(score)
    await program.library.refresh()


def _recovery(program: Program) -> Callable[[], Awaitable[None]]:
    async def recover() -> None:
        with contextlib.suppress(StorageBusy):
            await program.parked.retry()
            await program.dispatcher.resume()
            await program.courier.recover()

    return recover


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
            await runner.cleanup()
