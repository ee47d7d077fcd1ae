"""One callback measurement: the echo, then the bot, both pushed by the same load process with the same words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

from bot.bench.ground import ask_everybody, ground, situations
from bot.bench.load import SHARED, Job, Outcome
from bot.bench.machine import memory_of, work_of
from bot.bench.processes import Running, running
from bot.bench.report import Baseline, Figure, Goal, Options, Progress, Report, middle, percentile
from bot.core.clock import SystemClock
from lessons import catalogue
from storage import planting
from storage.database import Database

Says = Sequence[tuple[str, str]]

_LESSONS = 12
_ECHO_SECONDS, _ECHO_MOST = 5.0, 6_000
_SETTLE = 60.0


@dataclass(frozen=True)
class Shape:
    """How hard is pushed: `connections` at once for as many answers as come, then `rate` messages a second."""

    seconds: float
    rate: float
    connections: int = 16


@dataclass(frozen=True)
class Goals:
    """Answers a second, their share of the echo, p99 in ms; `bare` when an answer may come without its words."""

    rate: Goal | None
    share: Goal
    late: Goal
    bare: bool


@dataclass(frozen=True)
class Pushed:
    """What came of it: the echo and the bot as fast as they can, the bot at the rate, MB it held, rows it stored,
    and seconds of processor time that the bot worked while it was pushed."""

    echo: Outcome
    closed: Outcome
    paced: Outcome
    memory: float
    work: float
    stored: dict[str, int]

    @property
    def work_each(self) -> float:
        """Milliseconds of processor time a message, whatever it left to be sent included."""
        return self.work * 1000 / max(1, self.closed.pushed + self.paced.pushed)


class Load:
    """The load process; see `bot.bench.load` for what it does."""

    def __init__(self, process: Running, api: int) -> None:
        self._process, self.api = process, api

    async def push(self, job: Job) -> Outcome:
        self._process.tell(json.dumps(asdict(job)))
        return Outcome(**json.loads(await self._process.line(job.seconds + _SETTLE + len(job.says) / 1_000)))


Once = Callable[[Options, int, int], Awaitable[Pushed]]


@asynccontextmanager
async def loading() -> AsyncIterator[Load]:
    """The load process, ready."""
    async with running("-m", "bot.bench.load") as process:
        yield Load(process, int(json.loads(await process.line())["port"]))


async def echoed(load: Load, shape: Shape, says: Says) -> Outcome:
    """The bare echo, pushed the same way."""
    seconds = min(shape.seconds, _ECHO_SECONDS)
    wanted = int(seconds * _ECHO_MOST)
    repeated = [says[number % len(says)] for number in range(wanted)]
    async with running("-m", "bot.bench.echo") as process:
        port = await process.port()
        await load.push(Job(port, repeated[:200], 1.0, shape.connections))
        return await load.push(Job(port, repeated, seconds, shape.connections))


@asynccontextmanager
async def organised(
    options: Options, people: int, *, asked: bool = True
) -> AsyncIterator[tuple[Database, list[tuple[str, str]]]]:
    """A database in which everybody has an open question, or nobody, and who (was asked which lesson)."""
    lessons = situations(catalogue.load(), _LESSONS)
    now = SystemClock().now()
    async with ground(options) as database:
        async with database.transaction() as tx:
            await planting.organisation(tx, people, now)
            if asked:
                await ask_everybody(tx, lessons, now)
            users = await planting.asked(tx) if asked else [(f"u{number}", "") for number in range(1, people + 1)]
        yield database, users


@asynccontextmanager
async def serving(database: Database, load: Load, scorers: int = 0) -> AsyncIterator[tuple[int, Running]]:
    """`jiehua serve` on that database, with the load process for a vendor; its port and process."""
    async with running("-m", "bot.cli", "serve", settings=settings(database, load.api, scorers)) as process:
        yield await process.port(), process


def settings(database: Database, api: int, scorers: int = 0) -> dict[str, str]:
    """What the bot is started with: everything as it comes, but the app and where its API is."""
    plain = database.url.set(drivername=database.url.get_backend_name())
    return {
        "JIEHUA_DATABASE_URL": plain.render_as_string(hide_password=False),
        "JIEHUA_PORT": "0",
        "JIEHUA_LOG_LEVEL": "ERROR",
        "JIEHUA_SCORERS": str(scorers),
        "JIEHUA_WECOM_CORP_ID": SHARED.corp_id,
        "JIEHUA_WECOM_AGENT_ID": str(SHARED.agent_id),
        "JIEHUA_WECOM_SECRET": SHARED.secret,
        "JIEHUA_WECOM_TOKEN": SHARED.token,
        "JIEHUA_WECOM_AES_KEY": SHARED.aes_key,
        "JIEHUA_WECOM_API": f"http://127.0.0.1:{api}",
    }


async def pushed(
    load: Load, database: Database, shape: Shape, echo: Outcome, warm: Says, paced: Says, closed: Says, scorers: int = 0
) -> Pushed:
    """Warm the bot up, push at the rate, then as fast as it answers."""
    async with serving(database, load, scorers) as (port, process):
        await load.push(Job(port, list(warm), 60.0, 4))
        before = work_of(process.pid)
        slow = await load.push(Job(port, list(paced), shape.seconds, 64, shape.rate))
        fast = await load.push(Job(port, list(closed), shape.seconds, shape.connections))
        memory, work = memory_of(process.pid), work_of(process.pid) - before
        async with database.reading() as tx:
            stored = await planting.stored(tx)
    return Pushed(echo, fast, slow, memory, work, stored)


async def sweep(name: str, options: Options, progress: Progress, once: Once, goals: Goals, **setting: int) -> Report:
    """Every size of organisation, `runs` times, each by `once(options, people, turn)`."""
    figures: list[Figure] = []
    notes: list[str] = []
    with progress.of(name, len(options.people) * options.runs) as show:
        for place, people in enumerate(options.people):
            found = []
            for turn in range(options.runs):
                found.append(await once(options, people, turn))
                show(place * options.runs + turn + 1)
            figures += common(people, found, goals)
            notes += [fault for each in found for fault in faults(each, bare=goals.bare)]
    told = {"database": options.kind, "seconds": options.seconds, "runs": options.runs, **setting}
    return Report(name, figures, told, notes, sound=not notes)


def common(people: int, found: Sequence[Pushed], goals: Goals) -> list[Figure]:
    """The figures of every callback benchmark; what it adds up is what the vendor sees."""
    echo = Baseline("裸回声（aiohttp + wechatpy）", middle([each.echo.pushed / each.echo.seconds for each in found]))
    fast = middle([each.closed.pushed / each.closed.seconds for each in found])
    slow, full = ([getattr(each, name).latencies for each in found] for name in ("paced", "closed"))
    return [
        Figure("per_second", "每秒答完", fast, "条", people, goals.rate, echo, goals.share),
        Figure("paced_p50", "定速时一条，中位", middle([middle(each) for each in slow]), "毫秒", people),
        Figure(
            "paced_p99",
            "定速时一条，p99",
            middle([percentile(each, 0.99) for each in slow]),
            "毫秒",
            people,
            goals.late,
        ),
        Figure("closed_p50", "压满时一条，中位", middle([middle(each) for each in full]), "毫秒", people),
        Figure("closed_p99", "压满时一条，p99", middle([percentile(each, 0.99) for each in full]), "毫秒", people),
        Figure("work", "机器人每条用处理器", middle([each.work_each for each in found]), "毫秒", people),
        Figure("memory", "机器人占内存", middle([each.memory for each in found]), "MB", people),
    ]


def faults(found: Pushed, *, bare: bool) -> list[str]:
    """What no speed may cost: an answer that failed or was not stored, and unless `bare` one without its words."""
    told = []
    for name, outcome in (("定速", found.paced), ("压满", found.closed)):
        answered = outcome.statuses.get("200", 0)
        if answered != outcome.pushed or outcome.wrong:
            told.append(f"{name}：{outcome.pushed} 条里 {answered} 条有应答，打不开 {outcome.wrong} 条")
        if not bare and outcome.carried != answered:
            told.append(f"{name}：{answered} 条应答里 {outcome.carried} 条带着话，其余另发")
    if found.stored["inbox"] != found.stored["done"]:
        told.append(f"存下 {found.stored['inbox']} 条，处理完 {found.stored['done']} 条")
    return told
