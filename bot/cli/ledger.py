"""ledger: the working-time ledger of a month, department by department; counts only."""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import date
from pathlib import Path

from bot import config
from bot.app import open_desk
from bot.cli.database import opened
from bot.core.clock import SystemClock
from handlers import hours, ledger
from handlers.ledger import REASONS, Account
from storage import people

_HEAD = (
    *("月份", "部门", "推送", "工作时间内", *REASONS.values(), "不确定是否送达", "没有盖章", "值守"),
    *("来信", "工作时间内来信", "工作时间外自己来的"),
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    one = commands.add_parser("ledger", help="工时账：一个月的推送和来信是不是都在工作时间里")
    one.add_argument("--month", required=True, metavar="2026-11", help="哪个月")
    one.add_argument("--department", default=None, help="只看这个部门（含下级）")
    one.add_argument("--csv", type=Path, default=None, metavar="FILE", help="另存成表格，只有条数")
    one.set_defaults(run=_run)


async def _run(options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read())
    first = ledger.month_of(options.month, desk.calendar.today(SystemClock().now()))
    if first is None:
        print(f"--month 要写成 2026-11，不是「{options.month}」", file=sys.stderr)
        return 2
    async with opened() as database, database.reading() as tx:
        tree = await people.departments(tx)
        names = {key: each.name for key, each in tree.items()}
        chosen = [key for key, name in names.items() if name == options.department]
        if options.department is not None and not chosen:
            known = "、".join(dict.fromkeys(names.values())) or "还没有部门"
            print(f"没有部门「{options.department}」；现有：{known}", file=sys.stderr)
            return 1
        scope = {below for key in chosen for below in people.below(tree, key)} if chosen else None
        accounts = await ledger.month(tx, desk, first, scope)
    rows = [_row(first, names.get(key, "已撤的部门"), accounts[key]) for key in sorted(accounts)]
    whole = ledger.together(accounts.values())
    rows.append(_row(first, "合计", whole))
    if options.csv is not None:
        with options.csv.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([_HEAD, *rows])
    for row in rows:
        shown = [f"{name} {value}" for name, value in zip(_HEAD[2:], row[2:], strict=True) if value]
        print(f"{row[1]}：{'，'.join(shown) or '没有消息'}")
    print(ledger.proof(whole, first))
    return 1 if whole.exceptions else 0


def _row(first: date, name: str, account: Account) -> tuple[str | int, ...]:
    inside = account.replies[hours.INSIDE]
    return (
        *(f"{first:%Y-%m}", name, account.sent, account.pushes[hours.INSIDE]),
        *(account.pushes[reason] for reason in REASONS),
        *(account.unsure, account.unstamped, account.on_call.total()),
        *(account.written, inside, account.asked),
    )
