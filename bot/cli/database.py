"""db · boards: the database's schema, and a week's board as a picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from bot import config
from bot.app import open_desk
from bot.cli import backup
from bot.core.clock import SystemClock
from bot.core.errors import JiehuaError
from handlers.manager import board_message, week_of
from storage import audit, people, schema
from storage import settings as stored
from storage.database import Database


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    db = commands.add_parser("db", help="数据库").add_subparsers(dest="action", required=True)
    db.add_parser("upgrade", help="把结构升到这一版").set_defaults(run=_upgrade)
    db.add_parser("current", help="现在的结构版本").set_defaults(run=_current)
    db.add_parser("audit", help="核对操作记录的链条是否完整").set_defaults(run=_audit)
    backup.add_to(db)
    boards = commands.add_parser("boards", help="看某一周的榜")
    boards.add_argument("--week", type=date.fromisoformat, default=None, help="那一周的任一天，默认上一周")
    boards.add_argument("--department", default=None, help="只看这个部门（含下级）")
    boards.add_argument("--picture", type=Path, default=None, metavar="FILE.png", help="另存图片")
    boards.set_defaults(run=_boards)


@asynccontextmanager
async def opened() -> AsyncIterator[Database]:
    """The configured database with the current schema."""
    database = Database(config.read().database_url)
    try:
        if await schema.current(database) != schema.newest():
            raise JiehuaError("数据库结构不是这一版；先运行 jiehua db upgrade")
        yield database
    finally:
        await database.close()


async def _upgrade(_options: argparse.Namespace) -> int:
    database = Database(config.read().database_url)
    try:
        before = await schema.current(database)
        await schema.upgrade(database)
    finally:
        await database.close()
    print(f"{before or '空库'} → {schema.newest()}")
    return 0


async def _current(_options: argparse.Namespace) -> int:
    database = Database(config.read().database_url)
    try:
        print(await schema.current(database) or "空库")
    finally:
        await database.close()
    return 0


async def _audit(_options: argparse.Namespace) -> int:
    async with opened() as database, database.reading() as tx:
        broken = await audit.broken_at(tx)
    print("操作记录完整。" if broken is None else f"操作记录从第 {broken} 行起对不上。")
    return 0 if broken is None else 1


async def _boards(options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read())
    now = SystemClock().now()
    first, last = week_of(options.week, 0) if options.week else week_of(desk.calendar.today(now))
    async with opened() as database, database.transaction() as tx:
        tree = await people.departments(tx)
        names = {d.name: d.id for d in tree.values()}
        if options.department is not None and options.department not in names:
            print(f"没有部门「{options.department}」；现有：{'、'.join(names)}", file=sys.stderr)
            return 1
        scope = people.below(tree, names[options.department]) if options.department else set(tree)
        message = await board_message(tx, desk, frozenset(scope), first, last, now, "cli")
        png = await stored.picture(tx, message.picture) if message.picture else None
    if options.picture is not None and png is not None:
        options.picture.write_bytes(png)
    print(message.plain)
    return 0
