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
from bot.core.errors import ContentError, Fault, JiehuaError, relative
from bot.judge import reply_hash
from storage import audit, erase, people, sheet


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("people", help="人员表和通讯录").add_subparsers(dest="action", required=True)
    for verb, about in (("check", "检查人员表"), ("import", "导入人员表")):
        one = group.add_parser(verb, help=f"{about}（Excel 或 CSV，列：{'、'.join(COLUMNS)}）")
        one.add_argument("file", type=Path)
        one.set_defaults(run=_check if verb == "check" else _import)
    gone = group.add_parser("erase", help="抹掉一个人：姓名、账号、说过的话；分数只剩数字")
    gone.add_argument("staff_no", metavar="工号")
    gone.add_argument("--yes", action="store_true", help="确定；抹掉就找不回来")
    gone.set_defaults(run=_erase)
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


async def _erase(options: argparse.Namespace) -> int:
    async with opened() as database, database.transaction() as tx:
        person = await people.by_staff_no(tx, options.staff_no)
        if person is None or person.id is None:
            raise JiehuaError(f"没有工号 {options.staff_no} 的人")
        if not options.yes:
            raise JiehuaError(f"会抹掉 {person.name} 的姓名、账号和说过的话，找不回来；确定就加 --yes")
        await people.lock(tx, person.id)
        done = await erase.erase(tx, person, reply_hash)
        actor = f"cli:{getpass.getuser()}"
        await audit.write(tx, SystemClock().now(), actor, "people.erase", f"person {person.id}", replies=done.replies)
    print(f"已抹掉：{done.replies} 条回答的原文，{done.messages} 条来信；分数留作无名的数字，操作记录不改。")
    print("以前的备份里还有他，按你们的规定到期销毁。")
    return 0


def _platform() -> str:
    """Whose accounts 平台账号 means: DingTalk's where it is the only platform."""
    settings = config.read()
    return "dingtalk" if settings.dingtalk_on and not settings.wecom_on else "wecom"
