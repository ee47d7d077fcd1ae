"""people: a sheet of people, checked line by line and taken over as a whole or not at all."""

from __future__ import annotations

import argparse
import csv
import getpass
import io
import re
from collections.abc import Iterable
from datetime import date, time
from pathlib import Path
from typing import Any

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
    reader = csv.reader(io.StringIO(_text(path, name), newline=""))
    rows: list[SheetRow] = []
    try:
        header = [column.strip() for column in next(reader, [])]
        faults = [Fault(name, 1, column, "缺少这一列") for column in _NEEDED if column not in header]
        faults += [
            Fault(name, 1, column, f"没有这一列；可以有：{'、'.join(_COLUMNS)}")
            for column in header
            if column and column not in _COLUMNS
        ]
        if not faults:
            faults = _read_rows(reader, header, name, rows)
    except csv.Error as error:
        faults = [Fault(name, reader.line_num, "-", f"读不出来：{error}；另存为 CSV（逗号分隔）")]
    if not rows and not faults:
        faults = [Fault(name, 1, "-", "表里没有人")]
    if faults:
        raise ContentError(faults)
    return rows


def _read_rows(reader: Any, header: list[str], name: str, rows: list[SheetRow]) -> list[Fault]:
    """Append the sound rows to `rows` and return what is wrong with the others."""
    faults: list[Fault] = []
    seen: dict[tuple[str, str], int] = {}
    for values in reader:
        line, cells = reader.line_num, dict(zip(header, (value.strip() for value in values), strict=False))
        if not any(value.strip() for value in values):
            continue
        if any(value.strip() for value in values[len(header) :]):
            faults.append(Fault(name, line, "-", "格子比表头多；有逗号的内容要放进引号里"))
            continue
        row, wrong = _row(cells, name, line)
        faults += wrong
        keys = [("工号", row.staff_no), *(("企业微信", key) for _, key in row.external)] if row else []
        faults += [Fault(name, line, key[0], f"{key[1]} 在第 {seen[key]} 行用过") for key in keys if key in seen]
        if row is not None and not set(keys) & set(seen):
            seen |= dict.fromkeys(keys, line)
            rows.append(row)
    return faults


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
    start, end = (time.fromisoformat(part.strip()) for part in re.split("[-–—~～至]", text, maxsplit=1))
    if start.tzinfo or end.tzinfo or start == end:
        raise ValueError(text)
    return start, end
