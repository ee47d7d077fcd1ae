"""bench: measure the real program against named baselines; what is measured stands in `bot/bench`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.bench.report import Options


@dataclass(frozen=True)
class Bench:
    """One benchmark: its module, and what it is asked unless the caller says otherwise; `quick` is the small size."""

    name: str
    module: str
    summary: str
    people: tuple[int, ...] = ()
    quick_people: tuple[int, ...] = ()
    seconds: float = 20.0
    quick_seconds: float = 2.0
    runs: int = 3


_CURVE, _SHORT = (1_000, 10_000, 100_000), (100, 1_000)

BENCHES: tuple[Bench, ...] = (
    Bench("callbacks", "bot.bench.callbacks", "企业微信作答，从收到到带着点评答回去", (12_000,), (200,)),
    Bench("search-path", "bot.bench.search_path", "命令和查话术，走同一条路", (1_000,), (50,)),
    Bench("fanout", "bot.bench.fanout", "按平台限速群发，有没有用足、有没有超", (1_000,), (40,)),
    Bench("sending", "bot.bench.sending", "一次发送用多少处理器时间：一人、二十人、一千人", (20_000,), (40,)),
    Bench("plan", "bot.bench.plan", "给这么多人排今天的题：时间和内存", _CURVE, _SHORT),
    Bench("search", "bot.bench.search", "一万条话术里查一次", (10_000,), (500,)),
    Bench("score", "bot.bench.score", "给一段回复打分，一个核"),
    Bench("boards", "bot.bench.boards", "周榜：一人 25 次作答", _CURVE, _SHORT),
    Bench("rows", "bot.bench.rows", "一行和它的索引在盘上占多少", _CURVE, _SHORT),
    Bench("faults", "bot.bench.faults", "随机 kill -9，看有没有漏发、重发、丢回复", (200,), (20,), runs=20),
    Bench("start", "bot.bench.start", "从启动演示到第一条推送，和占的内存"),
)
"""Every benchmark there is. A module is only loaded when it runs: the command line stays quick."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bench = commands.add_parser("bench", help="量一量：速度、曲线、断电断网")
    names = bench.add_subparsers(dest="bench", required=True, metavar="NAME")
    for each in BENCHES:
        asked = names.add_parser(each.name, help=each.summary)
        asked.add_argument("--people", type=_sizes, default=None, metavar="N[,N…]", help="规模，几个就是一条曲线")
        asked.add_argument("--seconds", type=_positive, default=None, help="每一段量多久")
        asked.add_argument("--runs", type=int, default=None, help="做几遍，取中位数")
        asked.add_argument("--seed", type=int, default=2026, help="随机数种子")
        asked.add_argument("--quick", action="store_true", help="小数目，只看跑不跑得通")
        asked.add_argument(
            "--database",
            default="sqlite",
            metavar="URL",
            help="sqlite；postgres：自己起一个；或空的 PostgreSQL 库的网址",
        )
        if each.name == "faults":
            asked.add_argument("--freeze", type=_positive, default=None, metavar="SECONDS", help="也让进程停住这么久")
        if each.name == "callbacks":
            asked.add_argument("--scorers", type=int, default=None, metavar="N", help="另开几个进程评分")
        asked.add_argument("--json", action="store_true", help="输出 JSON")
        asked.set_defaults(run=_run, chosen=each)


async def _run(options: argparse.Namespace) -> int:
    from bot.bench.report import Progress

    module = importlib.import_module(options.chosen.module)
    report = await module.run(asked_of(options.chosen, options), Progress(sys.stderr))
    print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if options.json else report.to_text())
    return 0 if report.sound else 1


def asked_of(bench: Bench, options: argparse.Namespace) -> Options:
    """The table's numbers, smaller ones for --quick, and over both what the caller says."""
    from bot.bench.report import Options

    quick = bool(options.quick)
    asked = Options(
        people=bench.quick_people if quick else bench.people,
        seconds=bench.quick_seconds if quick else bench.seconds,
        runs=1 if quick else bench.runs,
        seed=options.seed,
        quick=quick,
        database=options.database,
    )
    said = {name: getattr(options, name, None) for name in ("people", "seconds", "runs", "freeze", "scorers")}
    return replace(asked, **{name: value for name, value in said.items() if value is not None})


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.split(","))
    if not all(size > 0 for size in sizes):
        raise ValueError
    return sizes


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise ValueError
    return value
