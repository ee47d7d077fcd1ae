"""people: a sheet of people, taken over as a whole or not at all; and the vendors' directories, on demand."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path

from bot import config
from bot.cli import directory
from bot.cli.database import opened
from bot.cli.sheet import COLUMNS, read_sheet
from bot.core.clock import SystemClock
from bot.core.errors import ContentError, Fault, relative
from storage import audit, people, sheet


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("people", help="人员表和通讯录").add_subparsers(dest="action", required=True)
    for verb, about in (("check", "检查人员表"), ("import", "导入人员表")):
        one = group.add_parser(verb, help=f"{about}（Excel 或 CSV，列：{'、'.join(COLUMNS)}）")
        one.add_argument("file", type=Path)
        one.set_defaults(run=_check if verb == "check" else _import)
    directory.add_to(group)


def _check(options: argparse.Namespace) -> int:
    print(f"{len(read_sheet(options.file, _platform()))} 人，没有问题。")
    return 0


async def _import(options: argparse.Namespace) -> int:
    rows = read_sheet(options.file, _platform())
    now, name = SystemClock().now(), relative(options.file)
    async with opened() as database, database.transaction() as tx:
        await people.lock_new(tx)
        new, troubles = await sheet.put_all(tx, rows, now)
        if troubles:  # leaving by an error, the transaction leaves nothing
            raise ContentError([Fault(name, each.line, each.column, each.reason) for each in troubles])
        actor = f"cli:{getpass.getuser()}"
        await audit.write(tx, now, actor, "people.import", options.file.name, people=len(rows), new=new)
    left = sum(row.left for row in rows)
    print(f"新增 {new} 人，更新 {len(rows) - new - left} 人{f'，离职 {left} 人' if left else ''}。")
    return 0


def _platform() -> str:
    """Whose accounts 平台账号 means: DingTalk's where it is the only platform."""
    settings = config.read()
    return "dingtalk" if settings.dingtalk_on and not settings.wecom_on else "wecom"
