"""sending: what one call costs from the row that is due to the row that is sent, by how many people it goes to.

`jiehua serve` on a planted organisation, a vendor that takes everything at once. Then the courier alone, to see how
long it holds the lock that all senders share. Baseline: a loop that posts as many bodies of the same size.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp

from bot.app import build
from bot.bench.machine import work_of
from bot.bench.processes import running
from bot.bench.pushing import loading, organised, settings
from bot.bench.report import Baseline, Figure, Options, Progress, Report, middle
from bot.config import read
from bot.core.clock import SystemClock
from bot.core.messages import say
from storage import deliveries, evidence, planting
from storage.database import Database, Tx
from storage.deliveries import Owed

GROUPS = (1, 20, 1_000)
"""People in a call: a message of one's own, DingTalk's most (DT-A0714), WeCom's most (WC90236)."""
_CALLS = 400
"""Calls of a group are enough, where the people suffice for so many."""
_ALONE = 20
"""Calls that the courier makes alone."""
_RATE = 100
"""Calls a second; the setting takes no more."""
_WORDS = "今天的题：客户说费用扣重了，您先接一句，再说怎么查、什么时候回电话。"
_PATIENCE = 300.0


@dataclass(frozen=True)
class Cost:
    """`calls` to `group` people each: seconds they took, of processor time of the bot, and of the bare loop; and for
    how many of one call nobody else may begin one."""

    group: int
    calls: int
    seconds: float
    work: float
    bare: float
    held: float = 0.0


class _Watched(Database):
    """The same database, noting how many seconds each transaction takes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.spans: list[float] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        async with super().transaction() as tx:
            began = time.monotonic()
            yield tx
        self.spans.append(time.monotonic() - began)


async def run(options: Options, progress: Progress) -> Report:
    """`options.people[0]` people, every size of call in turn."""
    people, found = options.people[0], []
    async with loading() as load, organised(options, people, asked=False) as (database, _):
        async with database.reading() as tx:
            ids = await planting.everybody(tx)
        given = settings(database, load.api) | {"JIEHUA_WECOM_CALLS_PER_SECOND": str(_RATE)}
        async with running("-m", "bot.cli", "serve", settings=given) as process:
            await process.port()
            await _sent(database, ids, 1, 20, process.pid)  # the first calls pay for what is loaded and connected
            with progress.of("sending", len(GROUPS)) as show:
                for place, group in enumerate(GROUPS):
                    calls = max(1, min(_CALLS, people // group))
                    seconds, work = await _sent(database, ids, group, calls, process.pid)
                    bare = await _bare(load.api, min(group, people), calls)
                    found.append(Cost(min(group, people), calls, seconds, work, bare))
                    show(place + 1)
        found = [replace(each, held=await _held(database, given, ids, each.group)) for each in found]
        async with database.reading() as tx:
            counts = await deliveries.counts(tx, SystemClock().now().replace(year=2000))
    sound = set(counts) == {deliveries.SENT}
    notes = [] if sound else ["没发完：" + "，".join(f"{name} {count}" for name, count in sorted(counts.items()))]
    return Report("sending", _figures(found), {"database": options.kind, "people": people}, notes, sound=sound)


def _figures(found: Sequence[Cost]) -> list[Figure]:
    figures = []
    for each in found:
        bare = Baseline("只管发的循环", each.bare * 1e3 / each.calls)
        figures += [
            Figure("work", "一次发送用处理器", each.work * 1e3 / each.calls, "毫秒", each.group, against=bare),
            Figure("person", "摊到每人", each.work * 1e6 / each.calls / each.group, "微秒", each.group),
            Figure("rate", "一个进程每秒", each.calls / each.seconds, "次", each.group),
            Figure("held", "一次占着领取的锁", each.held * 1e3, "毫秒", each.group),
            Figure("calls", "发送", each.calls, "次", each.group),
        ]
    return figures


async def _sent(database: Database, ids: Sequence[int], group: int, calls: int, pid: int) -> tuple[float, float]:
    """Owe `calls` messages to `group` people each and wait until all are out: seconds, and of processor time."""
    await _owe(database, ids, group, calls)
    began, before = time.monotonic(), work_of(pid)
    while time.monotonic() < began + _PATIENCE:
        async with database.reading() as tx:
            if not await evidence.open_work(tx):
                break
        await asyncio.sleep(0.05)
    return time.monotonic() - began, work_of(pid) - before


async def _owe(database: Database, ids: Sequence[int], group: int, calls: int) -> None:
    now = SystemClock().now()
    name = f"bench:{now.timestamp()}:{group}"
    owed = [
        Owed(f"{name}:{number}:{key}", key, deliveries.ANSWER, say(_WORDS, f"第 {number} 批，每批 {group} 人。"), now)
        for number in range(calls)
        for key in ids[number * group : (number + 1) * group]
    ]
    async with database.transaction() as tx:
        await deliveries.enqueue(tx, owed, now)


async def _held(database: Database, given: dict[str, str], ids: Sequence[int], group: int) -> float:
    """Seconds of the transaction that claims one call, the longest of a call's: the middle of some."""
    calls = max(1, min(_ALONE, len(ids) // group))
    watched = _Watched(database.address)
    program = build(read(given), SystemClock(), watched)
    wire = program.platforms["wecom"]
    await wire.start()
    spans: list[float] = []
    try:
        for number in range(calls):  # others each time: nobody may be sent more than thirty a minute
            await _owe(database, ids[number * group :], group, 1)
            (call, *_), _late = await program.office.sort()
            watched.spans.clear()
            await program.courier.send(call.platform, call.ids)
            spans.append(max(watched.spans))
    finally:
        await wire.stop()
        await watched.close()
    return middle(spans)


async def _bare(api: int, group: int, calls: int) -> float:
    """Seconds of this process's time for as many posts to as many recipients."""
    people = "|".join(f"u{number}" for number in range(group))
    body = {"touser": people, "msgtype": "text", "agentid": 1000002, "text": {"content": _WORDS}}
    url = f"http://127.0.0.1:{api}/cgi-bin/message/send"
    async with aiohttp.ClientSession() as http:
        before = time.process_time()
        for _ in range(calls):
            async with http.post(url, data=json.dumps(body, ensure_ascii=False)) as answer:
                await answer.read()
        return time.process_time() - before
