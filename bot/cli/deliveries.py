"""deliveries: what may not have arrived, sent again or given up."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from bot import config
from bot.app import open_desk
from bot.cli.database import opened
from bot.core.clock import SystemClock
from bot.core.errors import JiehuaError
from handlers import resend as actions
from handlers.context import Desk, TickContext
from handlers.operator import STATUS_NAMES
from handlers.resend import Actor
from storage import deliveries, resend
from storage.database import Database
from storage.models import Delivery

_STATUSES = (deliveries.UNKNOWN, deliveries.FAILED, deliveries.DUE, deliveries.SENDING)
_KINDS = ("answer", "challenge", "reminder", "board", "notice")
_WHY = {"late": "已经过了时候，没有重发；确实要发加 --force", "away": "现在不是他的工作时间，或者在请假，没有重发",
        "other": "已经有人处理过、还在发，或者内容已经清理"}  # fmt: skip


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("deliveries", help="没发成、不确定送没送到的消息").add_subparsers(
        dest="action", required=True
    )
    show = group.add_parser("list", help="列出来")
    show.add_argument("--status", choices=_STATUSES, default=deliveries.UNKNOWN, help="默认 unknown")
    show.add_argument("--limit", type=int, default=50, metavar="N", help="最多几条，默认 50")
    again = group.add_parser("resend", help="重发；过了时候的不发")
    again.add_argument("--force", action="store_true", help="过了时候的也发（仍只在各人的工作时间里）")
    drop = group.add_parser("cancel", help="不发了")
    for one in (again, drop):
        one.add_argument("ids", type=int, nargs="*", metavar="ID")
        one.add_argument("--all-unknown", action="store_true", help="所有不确定是否送达的")
    for one, run in ((show, _list), (again, _resend), (drop, _cancel)):
        one.add_argument("--kind", choices=_KINDS, default=None, help="只要这一类")
        one.set_defaults(run=run)


async def _list(options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read(), quick=True)
    async with opened() as database, database.reading() as tx:
        rows = await resend.find(tx, [options.status], kind=options.kind, limit=options.limit)
        total = await resend.count(tx, options.status)
    for row in rows:
        print(_line(row, desk))
    print(f"{STATUS_NAMES[options.status]}：共 {total} 条，列出 {len(rows)} 条。")
    return 0


def _line(row: Delivery, desk: Desk) -> str:
    def local(moment: datetime | None) -> str:
        return f"{desk.calendar.local(moment):%m-%d %H:%M}" if moment else "-"

    until = f"截止 {local(row.expires_at)}" if row.expires_at else ""
    parts = (row.id, row.platform, row.kind, f"人员 {row.person_id or '-'}", local(row.sent_at or row.due_at), until)
    return "  ".join([*(str(part) for part in parts if part), row.error]).rstrip()


async def _resend(options: argparse.Namespace) -> int:
    left: dict[str, int] = {}
    sent = 0

    async def work(context: TickContext, rows: Sequence[Delivery]) -> None:
        nonlocal sent
        outcome = await actions.resend_all(context, rows, _actor(), force=options.force)
        sent += len(outcome.again)
        for fate in _WHY:
            left[fate] = left.get(fate, 0) + len(getattr(outcome, fate))

    await _each(options, work)
    print(f"重发 {sent} 条，运行中的机器人会马上发出。")
    for fate, number in left.items():
        if number:
            print(f"{number} 条{_WHY[fate]}。")
    return 1 if any(left.values()) else 0


async def _cancel(options: argparse.Namespace) -> int:
    done = 0

    async def work(context: TickContext, rows: Sequence[Delivery]) -> None:
        nonlocal done
        done += await actions.cancel_all(context, rows, _actor())

    await _each(options, work)
    print(f"取消 {done} 条。")
    return 0


def _actor() -> Actor:
    return Actor(f"cli:{getpass.getuser()}")


async def _each(
    options: argparse.Namespace, work: Callable[[TickContext, Sequence[Delivery]], Awaitable[None]]
) -> None:
    """Do `work` on the wanted rows, block by block, each in a transaction of its own."""
    if bool(options.ids) == options.all_unknown:
        raise JiehuaError("写上要处理的编号，或者 --all-unknown；编号用 jiehua deliveries list 看")
    _, desk = open_desk(config.read(), quick=True)
    async with opened() as database:
        async for ids in _blocks(database, options):
            async with database.transaction() as tx:
                rows = await resend.by_id(tx, ids)
                await work(TickContext(tx, desk, SystemClock().now()), rows)


async def _blocks(database: Database, options: argparse.Namespace) -> AsyncIterator[list[int]]:
    """The ids of what is meant, in blocks. Raises JiehuaError for an id that does not exist."""
    if options.ids:
        async with database.reading() as tx:
            found = {row.id: row for row in await resend.by_id(tx, options.ids)}
        missing = [number for number in options.ids if number not in found]
        if missing:
            raise JiehuaError(f"没有这样的编号：{'、'.join(map(str, missing))}")
        yield [key or 0 for key, row in found.items() if options.kind in (None, row.kind)]
        return
    last = 0
    while True:
        async with database.reading() as tx:
            rows = await resend.find(tx, [deliveries.UNKNOWN], kind=options.kind, after=last)
        if not rows:
            return
        last = rows[-1].id or 0
        yield [row.id or 0 for row in rows]
