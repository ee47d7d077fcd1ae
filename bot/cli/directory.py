"""people sync: what the directories say, as lines to read, and taken over."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from bot import config
from bot.cli.database import opened
from bot.core.clock import SystemClock
from bot.core.errors import JiehuaError, PlatformError
from bot.directory import Changes, Source, Stopped
from bot.sync import Compared, Sync
from bot.wires import dingtalk_of, wecom_of
from storage.database import Database

NAMES = {"wecom": "企业微信", "dingtalk": "钉钉"}
_UNSORTED = "未分组"


def add_to(group: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sync = group.add_parser("sync", help="按企业微信、钉钉的通讯录更新部门和人员")
    sync.add_argument("--dry-run", action="store_true", help="只看会改什么，不写")
    sync.add_argument("--platform", choices=sorted(NAMES), default=None, help="只同步这一个，默认配置好的都同步")
    sync.add_argument("--force", action="store_true", help="一下子有很多人离开也照写；先核对过再用")
    sync.set_defaults(run=_sync)


async def _sync(options: argparse.Namespace) -> int:
    settings = config.read()
    wanted = [name for name, on in _switched(settings).items() if on and options.platform in (None, name)]
    if not wanted:
        raise JiehuaError(f"{NAMES.get(options.platform, '企业微信和钉钉')}还没有配置；设置见 jiehua doctor")
    failed = 0
    async with opened() as database:
        for platform in wanted:
            failed += not await _one(settings, database, platform, options)
    return 1 if failed else 0


def _switched(settings: config.Settings) -> dict[str, bool]:
    return {"wecom": settings.wecom_on, "dingtalk": settings.dingtalk_on}


async def _one(settings: config.Settings, database: Database, platform: str, options: argparse.Namespace) -> bool:
    """Compare or take over one directory; whether it went well."""
    async with source_of(settings, database, platform) as source:
        sync = Sync(database, {platform: source}, SystemClock(), settings.timezone)
        try:
            compared = await sync.compare(platform)
            _print(compared)
            if options.dry_run:
                print("只看，没有写。")
            elif compared.changes:
                actor = f"cli:{getpass.getuser()}"
                await sync.write(compared.directory, actor=actor, confirmed=options.force)
                print("写好了。")
        except Stopped as error:
            print(f"{error}。核对之后加 --force 再来一次。", file=sys.stderr)
            return False
        except PlatformError as error:
            advice = getattr(error, "advice", "")
            print(f"{NAMES[platform]}：{error}{'；' + advice if advice else ''}", file=sys.stderr)
            return False
    return True


@asynccontextmanager
async def source_of(settings: config.Settings, database: Database, platform: str) -> AsyncIterator[Source]:
    """The directory of a configured platform, ready to be read."""
    make = wecom_of if platform == "wecom" else dingtalk_of
    wire = make(settings, SystemClock(), database)
    await wire.start()
    try:
        yield wire.contacts
    finally:
        await wire.stop()


def _print(compared: Compared) -> None:
    directory, changes = compared.directory, compared.changes
    active = sum(person.active for person in directory.people)
    print(f"{NAMES[directory.platform]}：看到 {len(directory.departments)} 个部门，{active} 个在职的人。")
    for line in lines(compared):
        print(line)
    for each in (*directory.gaps, *changes.stay):
        print(f"! {each}")
    print(_summary(changes))


def lines(compared: Compared) -> Iterator[str]:
    """The changes, one a line: + new, ~ changed, - gone."""
    changes = compared.changes
    homes: Mapping[str, str] = {each.external_id: each.name for each in compared.known.departments} | {
        each.external_id: each.name for each in compared.directory.departments if each.name
    }
    for new in changes.new_departments:
        yield f"+ 部门 {new.name or new.external_id}{'（人员表里已有）' if new.adopts else ''}"
    for change in changes.changed_departments:
        moved = change.parent != change.was_parent
        above = f"，归到{homes.get(change.parent) or '最上层'}" if moved else ""
        yield f"~ 部门 {change.was}{f' → {change.name}' if change.name != change.was else ''}{above}"
    for join in changes.joins:
        yield f"+ {join.name}（{homes.get(join.department) or _UNSORTED}）"
    for back in changes.returns:
        yield f"+ {back.name} 回来了"
    for move in changes.moves:
        yield f"~ {move.name}：{homes.get(move.was) or _UNSORTED} → {homes.get(move.department) or _UNSORTED}"
    for rename in changes.renames:
        yield f"~ {rename.was} 改名 {rename.name}"
    for leave in changes.leaves:
        yield f"- {leave.name}"


def _summary(changes: Changes) -> str:
    names = {
        "new_departments": "新部门",
        "changed_departments": "部门变动",
        "joins": "加入",
        "returns": "回来",
        "moves": "调动",
        "renames": "改名",
        "leaves": "离开",
    }
    counts = changes.counts()
    return "，".join(f"{words} {counts[name]}" for name, words in names.items() if counts[name]) or "没有变化。"
