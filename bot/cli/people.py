"""people: a sheet of people, checked line by line and taken over as a whole or not at all."""

from __future__ import annotations

import argparse
import csv
import getpass
import io
from collections.abc import Iterable
from datetime import date, time
from pathlib import Path

from bot.cli.database import opened
from bot.core.clock import SystemClock
from bot.core.errors import ContentError, Fault, relative
from storage import audit, people
from storage.models import Role
from storage.people import SheetRow

_COLUMNS = ("姓名", "工号", "部门", "角色", "企业微信", "班次", "入职日期")
_NEEDED = _COLUMNS[:3]
_ROLES = {
    "学员": Role.LEARNER,
    "主管": Role.MANAGER,
    "培训师": Role.TRAINER,
    "合规": Role.COMPLIANCE,
    "运维": Role.OPERATOR,
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser("people", help="人员表").add_subparsers(dest="action", required=True)
    for verb, about in (("check", "检查人员表"), ("import", "导入人员表")):
        one = group.add_parser(verb, help=f"{about}（CSV，列：{'、'.join(_COLUMNS)}）")
        one.add_argument("file", type=Path)
        one.set_defaults(run=_check if verb == "check" else _import)


def _check(options: argparse.Namespace) -> int:
    print(f"{len(read_sheet(options.file))} 人，没有问题。")
    return 0


async def _import(options: argparse.Namespace) -> int:
    rows = read_sheet(options.file)
    now = SystemClock().now()
    async with opened() as database, database.transaction() as tx:
        new = sum([await people.put(tx, row, now) for row in rows])
        actor = f"cli:{getpass.getuser()}"
        await audit.write(tx, now, actor, "people.import", options.file.name, people=len(rows), new=new)
    print(f"新增 {new} 人，更新 {len(rows) - new} 人。")
    return 0


def read_sheet(path: Path) -> list[SheetRow]:
    """The people of a CSV file (UTF-8 or GB18030). Raises ContentError with every fault, line by line."""
    name = relative(path)
    reader = csv.DictReader(io.StringIO(_text(path, name)))
    header = [column.strip() for column in reader.fieldnames or ()]
    faults = [Fault(name, 1, column, "缺少这一列") for column in _NEEDED if column not in header]
    faults += [Fault(name, 1, c, f"没有这一列；可以有：{'、'.join(_COLUMNS)}") for c in header if c not in _COLUMNS]
    rows: list[SheetRow] = []
    seen: dict[str, int] = {}
    for line in reader if not faults else ():
        cells = {(key or "").strip(): (value or "").strip() for key, value in line.items() if isinstance(value, str)}
        if not any(cells.values()):
            continue
        row, wrong = _row(cells, name, reader.line_num)
        faults += wrong
        if row is not None and row.staff_no in seen:
            faults.append(Fault(name, reader.line_num, "工号", f"{row.staff_no} 在第 {seen[row.staff_no]} 行用过"))
        elif row is not None:
            seen[row.staff_no] = reader.line_num
            rows.append(row)
    if not rows and not faults:
        faults = [Fault(name, 1, "-", "表里没有人")]
    if faults:
        raise ContentError(faults)
    return rows


def _text(path: Path, name: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ContentError([Fault(name, 1, "-", f"读不出来：{error.strerror}")]) from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContentError([Fault(name, 1, "-", "编码认不出来；另存为 UTF-8 的 CSV")])


def _row(cells: dict[str, str], file: str, line: int) -> tuple[SheetRow | None, list[Fault]]:
    faults = [Fault(file, line, key, "不能为空") for key in _NEEDED if not cells.get(key)]
    names = [part for part in cells.get("角色", "").replace("、", "/").replace("，", "/").split("/") if part] or [
        "学员"
    ]
    unknown = [part for part in names if part not in _ROLES]
    faults += [Fault(file, line, "角色", f"不认识「{part}」；可以写：{'、'.join(_ROLES)}") for part in unknown]
    shift, joined = None, None
    try:
        shift = _shift(cells.get("班次", ""))
    except ValueError:
        faults.append(Fault(file, line, "班次", f"「{cells['班次']}」要写成 09:00-18:00"))
    try:
        joined = date.fromisoformat(cells["入职日期"]) if cells.get("入职日期") else None
    except ValueError:
        faults.append(Fault(file, line, "入职日期", f"「{cells['入职日期']}」要写成 2026-03-01"))
    if faults:
        return None, faults
    roles = tuple(_ROLES[part] for part in names if _ROLES[part] is not Role.LEARNER)
    external = tuple(_identities(cells))
    learns = Role.LEARNER in {_ROLES[part] for part in names}
    return SheetRow(cells["姓名"], cells["工号"], cells["部门"], roles, external, learns, shift, joined), []


def _identities(cells: dict[str, str]) -> Iterable[tuple[str, str]]:
    if cells.get("企业微信"):
        yield "wecom", cells["企业微信"].casefold()


def _shift(text: str) -> tuple[time, time] | None:
    if not text:
        return None
    start, _, end = text.replace("–", "-").replace("至", "-").partition("-")
    return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
