"""How well a fan-out uses a vendor's rate and never exceeds it, by the vendor's own log; one process or replicas.

Every message has words of its own, so that each is one call. Some calls fail and are made again; they count as well.
"""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from bot.bench.report import Baseline, Figure, Options, Progress, Report, at_least, at_most
from bot.bench.scene import Scene, Setting, scene
from bot.bench.vendor import secrets_of
from bot.core.errors import StorageBusy
from bot.core.messages import say
from storage import evidence
from storage.deliveries import Owed

RATE = 20.0
"""Calls a second that the bot is told to make; DingTalk's own limit, below that of WeCom."""
_LATENCY, _SPREAD = 0.08, 0.04  # seconds a call takes at the vendor
_FAILING = 0.02  # share of the calls that get a 503
_STEADY = 0.95  # the rate is taken until so many of the calls were made; what failed last is made again after a pause
_BARE_SECONDS = 5.0


@dataclass(frozen=True)
class Pace:
    """Calls a second while there was work, and the most in any one second."""

    calls: int
    rate: float
    worst: int


async def run(options: Options, progress: Progress) -> Report:
    """`options.people[0]` calls on the database asked for, with a bare loop against the same vendor as baseline."""
    rate, calls = RATE, options.people[0]
    extra = {"JIEHUA_WECOM_CALLS_PER_SECOND": f"{rate:g}"}
    setting = Setting(options.database, seed=options.seed, extra=extra, most_seconds=120 + calls / rate * 10)
    async with scene(setting) as stage:
        await stage.vendor.tell(stage.http, "pace", latency=_LATENCY, spread=_SPREAD)
        bare = await _bare(stage, rate, round(min(_BARE_SECONDS, calls / rate) * rate))
        before = len(stage.ledger())
        await stage.start()
        await stage.vendor.tell(stage.http, "trouble", mode="5xx", seconds=3600, share=_FAILING)
        await _fan_out(stage, calls, calls / rate * 8 + 60, progress)
        entries = stage.ledger()[before:]
    moments = sorted(entry["at"] for entry in entries if entry["kind"] == "call")
    outcomes = [entry["outcome"] for entry in entries if entry["kind"] == "call"]
    return report(options, rate, pace(moments), bare, {each: outcomes.count(each) for each in sorted(set(outcomes))})


async def _fan_out(stage: Scene, calls: int, patience: float, progress: Progress) -> None:
    """Owe everybody a message now, and wait until it is out."""
    names = [f"u{number:05}" for number in range(calls)]
    now = stage.clock.now()
    owed = [(name, Owed(f"bench:{name}", 0, "notice", say(f"群发第 {name} 条"), now)) for name in names]
    await stage.plant(names, owed)
    deadline, left = time.monotonic() + patience, calls
    with progress.of("群发", calls) as show:
        while left and time.monotonic() < deadline:
            await asyncio.sleep(0.25)
            try:
                async with stage.database.reading() as tx:
                    left = await evidence.open_work(tx)
            except StorageBusy:
                continue
            show(calls - left)


async def _bare(stage: Scene, rate: float, calls: int) -> Pace:
    """The named baseline: a loop that posts at the rate, without a database, retries or anything else."""
    shared = secrets_of(stage.account)
    query = {"corpid": shared.corp_id, "corpsecret": shared.secret}
    async with stage.http.get(f"{stage.vendor.api}/cgi-bin/gettoken", params=query) as answer:
        token = (await answer.json())["access_token"]

    async def call(number: int, wait: float) -> None:
        await asyncio.sleep(wait)
        text = {"content": f"bare {number}"}
        body = {"touser": "bare", "msgtype": "text", "agentid": shared.agent_id, "text": text}
        url, data = f"{stage.vendor.api}/cgi-bin/message/send", json.dumps(body)
        async with stage.http.post(url, params={"access_token": token}, data=data) as sent:
            await sent.read()

    before = len(stage.ledger())
    await asyncio.gather(*(call(number, number / rate) for number in range(calls)))
    return pace(sorted(entry["at"] for entry in stage.ledger()[before:] if entry["kind"] == "call"))


def pace(moments: Sequence[float]) -> Pace:
    """From sorted moments in seconds."""
    steady = moments[: max(2, round(len(moments) * _STEADY))]
    span = steady[-1] - steady[0] if len(steady) > 1 else 0.0
    rate = (len(steady) - 1) / span if span > 0 else 0.0
    worst = max((bisect_left(moments, start + 1.0) - number for number, start in enumerate(moments)), default=0)
    return Pace(len(moments), rate, worst)


def report(options: Options, rate: float, found: Pace, bare: Pace, outcomes: dict[str, int]) -> Report:
    """The figures with their goals."""
    loop = Baseline("只管发的循环", bare.rate)
    figures = [
        Figure("rate", "每秒调用", found.rate, "次/秒", at=found.calls, against=loop),
        Figure("share", "用了限速的几成", found.rate / rate, goal=at_least(0.97)),
        Figure("worst", "最挤的一秒", found.worst, "次", goal=at_most(rate + 1)),
        Figure("bare-worst", "只管发的循环最挤的一秒", bare.worst, "次"),
    ]
    notes = [f"平台的限速 {rate:g} 次/秒；" + "，".join(f"{name} {count}" for name, count in outcomes.items())]
    setting = {"database": "sqlite" if options.database == "sqlite" else "postgres", "calls": found.calls}
    return Report("fanout", figures, setting, notes, sound=outcomes.get("accepted", 0) >= options.people[0])
