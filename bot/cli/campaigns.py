"""campaigns: the same as the trainers' chat commands, from files and the command line."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from bot import config
from bot.app import open_desk
from bot.cli.database import opened
from bot.core.clock import SystemClock
from handlers import campaigns as actions
from handlers.context import Desk
from handlers.trainer import STATUS_NAMES
from lessons import campaign, catalogue
from lessons.campaign import WEEKDAY_NAMES
from storage import campaigns as rows
from storage import people
from storage.database import Tx
from storage.models import Campaign, Role

_VERBS = {"pause": rows.PAUSED, "resume": rows.RUNNING, "end": rows.ENDED}
_FROM = {"pause": (rows.RUNNING,), "resume": (rows.PAUSED,), "end": (rows.DRAFT, rows.RUNNING, rows.PAUSED)}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("campaigns", help="活动").add_subparsers(dest="action", required=True)
    check = group.add_parser("check", help="检查一个活动文件并预览日历")
    check.add_argument("file", type=Path)
    check.set_defaults(run=_check)
    group.add_parser("list", help="列出活动").set_defaults(run=_list)
    add = group.add_parser("add", help="按文件新建（草稿）")
    add.add_argument("file", type=Path)
    add.add_argument("--by", required=True, metavar="工号", help="新建人的工号；要有培训师角色，批准时不能是同一人")
    add.set_defaults(run=_add)
    for verb, about in (("preview", "预览日历"), ("pause", "暂停"), ("resume", "恢复"), ("end", "结束")):
        one = group.add_parser(verb, help=about)
        one.add_argument("id")
        one.set_defaults(run=_preview if verb == "preview" else _change)
    approve = group.add_parser("approve", help="批准；批准人要有培训师或合规角色，且不是新建的人")
    approve.add_argument("id")
    approve.add_argument("--by", required=True, metavar="工号", help="批准人的工号")
    approve.set_defaults(run=_approve)


def _read(path: Path, settings: config.Settings) -> campaign.CampaignSpec | None:
    """The campaign of a file; its faults are printed."""
    spec, faults = campaign.read(path, catalogue.load(settings.content or catalogue.BUILT_IN))
    for fault in faults:
        print(fault)
    return spec


def _check(options: argparse.Namespace) -> int:
    settings = config.read()
    spec = _read(options.file, settings)
    if spec is None:
        return 1
    _, desk = open_desk(settings)
    _calendar(spec, desk)
    return 0


def _calendar(spec: campaign.CampaignSpec, desk: Desk) -> None:
    found = list(campaign.slots(spec, spec.lesson_ids(desk.catalogue), desk.calendar))
    for slot in found:
        title = desk.catalogue.lessons[slot.lesson_id].title
        print(f"{slot.day} {WEEKDAY_NAMES[slot.day.weekday()]}  {slot.lesson_id}  {title}")
    print(
        f"共 {len(found)} 次，每次 {spec.window.start}–{spec.window.end} 之间推送，{spec.deadline} 截止。",
        file=sys.stderr,
    )


async def _list(_options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read())
    async with opened() as database, database.reading() as tx:
        for row in await rows.all_of(tx):
            print(f"{row.id}\t{STATUS_NAMES[row.status]}\t{row.title}\t{actions.when(desk, row.next_at)}")
    return 0


async def _add(options: argparse.Namespace) -> int:
    spec = _read(options.file, config.read())
    if spec is None:
        return 1
    async with opened() as database, database.transaction() as tx:
        unknown = await people.unknown_in_audience(tx, spec.audience.departments, spec.audience.people)
        if unknown or await rows.get(tx, spec.id) is not None:
            why = f"没有这些部门或工号：{'、'.join(unknown)}" if unknown else f"编号 {spec.id} 已有活动，换一个"
            print(f"{options.file}: {why}", file=sys.stderr)
            return 1
        author = await people.by_staff_no(tx, options.by)
        if author is None or author.id is None or Role.TRAINER not in await people.roles(tx, author.id):
            print(f"工号 {options.by} 没有培训师角色，不能新建活动", file=sys.stderr)
            return 1
        await actions.create(tx, spec, author.name, SystemClock().now(), actor_id=author.id)
    print(f"已新建 {spec.id}（待批准）。预览：jiehua campaigns preview {spec.id}")
    return 0


async def _find(tx: Tx, key: str) -> Campaign | None:
    row = await rows.get(tx, key)
    if row is None:
        known = "、".join(other.id for other in await rows.all_of(tx)) or "还没有活动"
        print(f"没有活动 {key}；现有：{known}", file=sys.stderr)
    return row


async def _preview(options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read())
    async with opened() as database, database.reading() as tx:
        row = await _find(tx, options.id)
        if row is None:
            return 1
        view = await actions.view(tx, desk, row)
    print(f"{row.title}  {STATUS_NAMES[row.status]}  {view.audience}")
    _calendar(campaign.parse(row.spec), desk)
    for note in view.notes:
        print(note)
    return 0


async def _approve(options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read())
    async with opened() as database, database.transaction() as tx:
        row, person = await _find(tx, options.id), await people.by_staff_no(tx, options.by)
        if row is None or person is None or person.id is None:
            print(f"没有工号 {options.by}" if row else "", file=sys.stderr)
            return 1
        refusal = await actions.approve(tx, desk, row, person.name, person.id, SystemClock().now())
        if refusal:
            print(refusal, file=sys.stderr)
            return 1
        print(f"已批准，{actions.when(desk, row.next_at)}")
    return 0


async def _change(options: argparse.Namespace) -> int:
    _, desk = open_desk(config.read())
    async with opened() as database, database.transaction() as tx:
        row = await _find(tx, options.id)
        if row is None:
            return 1
        if row.status not in _FROM[options.action]:
            print(f"「{row.title}」{STATUS_NAMES[row.status]}，现在不能这样做。", file=sys.stderr)
            return 1
        actor = f"cli:{getpass.getuser()}"
        await actions.set_status(tx, desk, row, _VERBS[options.action], actor, None, SystemClock().now())
        print(f"{row.id}  {STATUS_NAMES[row.status]}  {actions.when(desk, row.next_at)}")
    return 0
