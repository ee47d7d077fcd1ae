"""plan: one campaign asks everybody at once; seconds and memory of the planning transaction, as a curve over people.

Baseline: inserting as many bare question rows in bulk, below which no plan can go.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bot.app import open_desk
from bot.bench.apart import Memory, apart
from bot.bench.ground import MONDAY, ground, situations
from bot.bench.report import Baseline, Figure, Options, Progress, Report, at_most, middle
from bot.config import Settings
from bot.core.clock import ManualClock
from bot.schedule import Ticker
from handlers.context import Desk
from lessons.campaign import Audience, CampaignSpec, clock, fires_at
from storage import assignments, campaigns, planting
from storage.database import Database
from storage.models import Campaign

_GOAL_AT = 100_000
_SECONDS, _MEGABYTES = at_most(5.0), at_most(150.0)


@dataclass(frozen=True)
class Planned:
    """One run: seconds of planning (on the wall's clock, and of work) and of the bare rows, MB more at the height,
    messages owed."""

    seconds: float
    work: float
    bare: float
    grown: float
    owed: int


async def run(options: Options, progress: Progress) -> Report:
    """The curve; every point in processes of their own."""
    figures: list[Figure] = []
    with progress.of("plan", len(options.people) * options.runs) as show:
        for place, people in enumerate(options.people):
            found = []
            for turn in range(options.runs):
                found.append(await apart(_measured, options, people))
                show(place * options.runs + turn + 1)
            figures += _figures(people, found)
    sound = all(figure.value == figure.at for figure in figures if figure.key == "owed")
    return Report("plan", figures, {"database": options.kind, "runs": options.runs}, sound=sound)


def _figures(people: int, found: list[Planned]) -> list[Figure]:
    goals = (_SECONDS, _MEGABYTES) if people == _GOAL_AT else (None, None)
    bare = Baseline("只批量插入同样多的题目", middle([each.bare for each in found]))
    seconds, grown = middle([each.seconds for each in found]), middle([each.grown for each in found])
    return [
        Figure("seconds", "排一天的题", seconds, "秒", people, goals[0], bare),
        Figure("work", "其中处理器时间", middle([each.work for each in found]), "秒", people),
        Figure("each", "平均每人", seconds / people * 1e6, "微秒", people),
        Figure("memory", "内存最多多占", grown, "MB", people, goals[1]),
        Figure("owed", "排出的消息", min(each.owed for each in found), "条", people),
    ]


def _measured(options: Options, people: int) -> Planned:
    return asyncio.run(_plan(options, people))


async def _plan(options: Options, people: int) -> Planned:
    _, desk = open_desk(Settings(), quick=True)
    async with ground(options) as database:
        moment = await _prepare(database, desk, people)
        ticker = Ticker(database, desk, moment, lambda: None)
        memory, began, worked = Memory(), time.perf_counter(), time.process_time()
        owed = await ticker.run_once()
        seconds, work, grown = time.perf_counter() - began, time.process_time() - worked, memory.grown
        return Planned(seconds, work, await _bare(database, people, moment), grown, owed)


async def _prepare(database: Database, desk: Desk, people: int) -> ManualClock:
    """An organisation with one running campaign whose moment is now."""
    lesson = situations(desk.catalogue, 1)[0]
    spec = CampaignSpec(
        id="bench", title="量速度", audience=Audience(everyone=True), lessons=(lesson.id,), starts_on=MONDAY
    )
    fires = fires_at(spec, MONDAY, desk.calendar)
    async with database.transaction() as tx:
        await planting.organisation(tx, people, fires)
        await campaigns.add(
            tx,
            Campaign(
                id=spec.id,
                title=spec.title,
                status=campaigns.RUNNING,
                spec=spec.model_dump(mode="json"),
                created_at=fires,
                approved_at=fires,
                next_at=fires,
            ),
        )
    return ManualClock(max(fires, desk.calendar.at(MONDAY, clock(spec.window.start))))


async def _bare(database: Database, people: int, moment: ManualClock) -> float:
    """Seconds for bare question rows of everybody, in one transaction."""
    now = moment.now()
    async with database.reading() as tx:
        ids = await planting.everybody(tx)
    row = {
        "lesson_id": "bare", "digest": "", "campaign_id": None, "reason": "campaign", "day": MONDAY, "reminded": 0,
        "status": assignments.OPEN, "opens_at": now, "due_at": now, "created_at": now,
    }  # fmt: skip
    rows = [{"person_id": key, **row} for key in ids]
    assert len(rows) == people
    began = time.perf_counter()
    async with database.transaction() as tx:
        await assignments.add_many(tx, rows)
    return time.perf_counter() - began
