"""kill -9 at random moments in a fan-out and a stream of replies, against a vendor that writes down what it accepted.

A run ends when nothing is owed any more; then every row is held against the vendor's ledger. Not a matter of speed:
one message missed, shown twice or lost makes the report unsound.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.bench.cluster import START_SECONDS, Bot, RunFailed
from bot.bench.report import Figure, Goal, Options, Progress, Report
from bot.bench.scene import Scene, Setting, scene
from bot.bench.verdict import Verdict, judge
from bot.core.errors import StorageBusy
from bot.core.messages import say
from storage import evidence
from storage.deliveries import Owed

LESSON = "unmet-refund-all-fees"
_REPLY = (
    "您辛苦挣的钱，想问个明白太应该了。年费我现在就帮您申请退，五个工作日到账；晚还那一笔我提交减免复核，"
    "十八号前给您打电话，结果要看审核。明细我这就发您，编号{mark}，咱先看哪一笔？"
)
_DIGITS = "零一二三四五六七八九"
_POLL, _QUIET_POLLS = 0.5, 3
_AGAIN = 4
_GROUP = 2  # people who get the same words


@dataclass(frozen=True)
class Plan:
    """How one run goes. `seconds` are real ones beside those that the killed need to start again; `longest` freezes a
    process for at most so long, 0 never."""

    people: int
    seconds: float = 15.0
    kills: int = 4
    talkers: int = 0
    longest: float = 0.0
    patience: float = 300.0  # how long after the last fault everything must be settled
    latency: float = 0.4  # long, so that a blow often falls into a call

    @property
    def names(self) -> list[str]:
        return [f"u{number:05}" for number in range(self.people)]


@dataclass(frozen=True)
class Outcome:
    """One run: what was done to it, what came of it, how long until nothing was owed after the last fault."""

    verdict: Verdict
    faults: tuple[str, ...]
    settled: float
    left: int = 0  # rows still open when patience ended


@dataclass
class Deeds:
    """What was done so far."""

    faults: list[str] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)  # MsgId → words


async def run(options: Options, progress: Progress) -> Report:
    """`options.runs` runs, each with its own seed, organisation and database file."""
    plan = plan_of(options)
    outcomes: list[Outcome] = []
    broken: list[str] = []
    with progress.of("kill -9", options.runs) as show:
        for number in range(options.runs):
            setting = Setting(options.database, seed=options.seed + number)
            try:
                outcomes.append(await one(plan, setting))
            except* (RunFailed, TimeoutError) as group:  # what the other runs found is not thrown away for it
                broken += [f"种子 {setting.seed} 没跑成：{_first(group)}"]
            show(number + 1)
    return report(options, plan, outcomes, broken)


def _first(error: BaseException) -> str:
    """The first thing that went wrong, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def plan_of(options: Options) -> Plan:
    people = options.people[0]
    kills = 2 if options.quick else 4
    return Plan(people, max(options.seconds, 2.0), kills, talkers=max(2, people // 4), longest=options.freeze)


async def one(plan: Plan, setting: Setting) -> Outcome:
    """One run from start to verdict. Raises RunFailed when a process cannot be started at all."""
    chance, deeds = random.Random(setting.seed), Deeds()
    async with scene(setting) as stage:
        await stage.vendor.tell(stage.http, "pace", latency=plan.latency, spread=plan.latency / 2)
        began = time.monotonic()
        await stage.start()
        plan = replace(plan, seconds=plan.seconds + plan.kills * (time.monotonic() - began))
        await stage.plant(plan.names, pushes(plan, stage))
        async with asyncio.timeout(plan.seconds + START_SECONDS * (plan.kills + 1)), asyncio.TaskGroup() as group:
            for name in chance.sample(plan.names, min(plan.talkers, plan.people)):
                group.create_task(talk(stage, name, chance.uniform(0, plan.seconds), deeds))
            group.create_task(_break(stage, plan, chance, deeds))
        return await outcome(stage, plan, deeds)


async def outcome(stage: Scene, plan: Plan, deeds: Deeds) -> Outcome:
    """Wait until nothing is owed, then hold every row against the ledger."""
    calm = time.monotonic()
    left = await settle(stage, plan.patience)
    async with stage.database.reading() as tx:
        found = await evidence.everything(tx)
    verdict = judge(found, stage.ledger(), plan.people, deeds.replies)
    return Outcome(verdict, tuple(deeds.faults), time.monotonic() - calm, left)


def pushes(plan: Plan, stage: Scene) -> list[tuple[str, Owed]]:
    """One message to everybody, the same words to a few, becoming due one group after the other over the run."""
    now, rate = stage.clock.now(), stage.clock.rate
    found = []
    groups = max(1, -(-plan.people // _GROUP))
    for number, name in enumerate(plan.names):
        place = number // _GROUP
        due = now + timedelta(seconds=rate * plan.seconds * place / groups)
        found.append((name, Owed(f"bench:{number}", 0, "notice", say(f"演练消息{_chinese(place)}"), due)))
    return found


def _chinese(number: int) -> str:
    """A number in Chinese digits: it is no phone number and is kept as it stands."""
    return "".join(_DIGITS[int(digit)] for digit in str(number))


async def talk(stage: Scene, name: str, wait: float, deeds: Deeds) -> None:
    """Ask for a question, answer it once, look something up. Who is not heard says it again, but for the answer:
    that may have arrived all the same, and the same words would then be something else."""
    await asyncio.sleep(wait)
    reply = _REPLY.format(mark=_chinese(int(name[1:])))
    for text, most in ((f"练习 {LESSON}", _AGAIN), (reply, 1), ("话术 退费", _AGAIN)):
        for _ in range(most):
            said = await stage.vendor.tell(stage.http, "say", user=name, text=text, urls=stage.callbacks)
            if text == reply:
                deeds.replies[said["msgid"]] = reply
            if said["heard"]:
                break
        else:
            return


async def _break(stage: Scene, plan: Plan, chance: random.Random, deeds: Deeds) -> None:
    """Kill at random moments, and start again a little later, until the run's time is over."""
    started = time.monotonic()
    for moment in sorted(chance.uniform(0.3, plan.seconds) for _ in range(plan.kills)):
        await asyncio.sleep(max(0.0, started + moment - time.monotonic()))
        victims: list[Bot | None] = [*stage.bots, *([None] if stage.postgres is not None else [])]
        await _strike(stage, chance.choice(victims), plan, chance, deeds)
    await asyncio.sleep(max(0.0, started + plan.seconds - time.monotonic()))
    for bot in stage.bots:
        if not bot.alive:  # one that gave up by itself, such as one that found no database when it started
            deeds.faults.append(f"restart {bot.name}")
            await bot.start()


async def _strike(stage: Scene, victim: Bot | None, plan: Plan, chance: random.Random, deeds: Deeds) -> None:
    """One fault: a process or the database killed, or a process held still for a while."""
    pause = chance.uniform(0.1, 1.5)
    if victim is None:
        assert stage.postgres is not None
        deeds.faults.append("kill postgres")
        await stage.postgres.kill()
        await asyncio.sleep(pause)
        await stage.postgres.start()
    elif plan.longest and chance.random() < 0.5:
        deeds.faults.append(f"freeze {victim.name}")
        victim.freeze()
        await asyncio.sleep(chance.uniform(0.5, 1) * plan.longest)
        victim.thaw()
    else:
        deeds.faults.append(f"kill {victim.name}")
        await victim.kill()
        await asyncio.sleep(pause)
        await victim.start()
        if chance.random() < 0.7:  # else the next blow may fall while it starts
            await victim.ready(stage.http)


async def settle(stage: Scene, patience: float) -> int:
    """Wait until nothing is owed; how many rows were still open when patience ended. A bot that died is restarted."""
    deadline, quiet, left = time.monotonic() + patience, 0, 1
    while quiet < _QUIET_POLLS and time.monotonic() < deadline:
        await asyncio.sleep(_POLL)
        try:
            async with stage.database.reading() as tx:
                left = await evidence.open_work(tx)
        except StorageBusy:
            left = 1
        quiet = quiet + 1 if not left else 0
        for bot in stage.bots:
            if not bot.alive:
                raise RunFailed(f"{bot.name} ended by itself; its last words: {bot.last_words}")
    return left


def report(options: Options, plan: Plan, outcomes: Sequence[Outcome], broken: Sequence[str] = ()) -> Report:
    """The sums of all runs, and each run in a line; a run that broke off proves nothing."""
    total = sum((each.verdict for each in outcomes), Verdict())
    none = Goal(0, 0)
    figures = [
        Figure("missed", "漏发", total.missed, "条", goal=none),
        Figure("twice", "重发", total.twice, "条", goal=none),
        Figure("lost", "丢了的回复", total.lost, "条", goal=none),
        Figure("doubled", "记了两遍的回复", total.doubled, "条", goal=none),
        Figure("failed", "发送失败", total.failed, "条", goal=none),
        Figure("stuck", "没了结的", sum(each.left for each in outcomes), "条", goal=none),
        Figure("unknown", "不确定是否送达", total.unknown, "条"),
        Figure("duplicates", "平台认出的重复（没有显示）", total.duplicates, "条"),
        Figure("shown", "平台收下的消息", total.shown, "条"),
        Figure("said", "学员说的话", total.said, "条"),
        Figure("unheard", "平台三次都没送到的话", total.unheard, "条"),
        Figure("faults", "打断", sum(len(each.faults) for each in outcomes), "次"),
        Figure("settled", "打断之后最久多久了结", max((each.settled for each in outcomes), default=0.0), "秒"),
    ]
    notes = [*(_line(number, each) for number, each in enumerate(outcomes, 1)), *broken]
    setting = {"database": "sqlite" if options.database == "sqlite" else "postgres", "runs": len(outcomes)}
    setting |= {"people": plan.people, "seed": options.seed}
    sound = not broken and all(each.verdict.sound and not each.left for each in outcomes)
    return Report("faults", figures, setting, notes, sound)


def _line(number: int, each: Outcome) -> str:
    found = each.verdict
    return (
        f"第 {number} 次：漏 {found.missed} 重 {found.twice} 丢 {found.lost} 双 {found.doubled} "
        f"不确定 {found.unknown} 平台去重 {found.duplicates}，{each.settled:.0f} 秒了结；{'、'.join(each.faults)}"
        + "".join(f"；{problem}" for problem in found.problems)
    )
