"""Reads a sheet of people, CSV or Excel, and checks it cell by cell; no database here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, time
from pathlib import Path

from bot.cli.table import Line, lines_of
from bot.core.errors import ContentError, Fault, relative
from storage.models import Role
from storage.sheet import SheetRow

COLUMNS = (
    *("姓名", "工号", "部门", "上级部门", "岗位", "角色", "主管"),
    *("企业微信", "钉钉", "平台账号", "班次", "入职日期", "离职"),
)
_ACCOUNTS = {"企业微信": "wecom", "钉钉": "dingtalk"}
_ROLES = {
    "学员": Role.LEARNER,
    "主管": Role.MANAGER,
    "培训师": Role.TRAINER,
    "合规": Role.COMPLIANCE,
    "运维": Role.OPERATOR,
}
_YES, _NO = frozenset({"是", "已离职", "离职"}), frozenset({"", "否", "在职"})
_SEVERAL = re.compile(r"[/、，,;；]")


def read_sheet(path: Path, platform: str = "wecom") -> list[SheetRow]:
    """The people of a CSV file (UTF-8 or GB18030) or of the first sheet of a workbook (.xlsx).

    `platform` is whose accounts stand in the column 平台账号. Raises ContentError with every fault, row by row.
    """
    name = relative(path)
    lines = lines_of(path, name)
    number, header = next(lines, (1, []))
    faults = _header(header, name, number)
    rows: list[SheetRow] = []
    if not faults:
        faults = _read_rows(lines, header, name, platform, rows)
    if not rows and not faults:
        faults = [Fault(name, 1, "-", "表里没有人")]
    if faults:
        raise ContentError(faults)
    return rows


def _header(header: list[str], name: str, line: int) -> list[Fault]:
    accounts = {"平台账号", *_ACCOUNTS} & set(header)  # by its account a person takes name and department from there
    needed = ("工号",) if accounts else ("姓名", "工号", "部门")
    known = "、".join(COLUMNS)
    faults = [Fault(name, line, column, "缺少这一列") for column in needed if column not in header]
    faults += [
        Fault(name, line, column, f"没有这一列；可以有：{known}")
        for column in header
        if column and column not in COLUMNS
    ]
    twice = {column for column in header if column and header.count(column) > 1}
    return faults + [Fault(name, line, column, "这一列有两个") for column in sorted(twice)]


def _read_rows(lines: Iterable[Line], header: list[str], name: str, platform: str, rows: list[SheetRow]) -> list[Fault]:
    """Append the sound rows to `rows` and return what is wrong with the others."""
    faults: list[Fault] = []
    seen: dict[tuple[str, str], int] = {}
    for line, values in lines:
        if not any(values):
            continue
        if any(values[len(header) :]):
            faults.append(Fault(name, line, "-", "格子比表头多；有逗号的内容要放进引号里"))
            continue
        row, wrong = _row(dict(zip(header, values, strict=False)), name, line, platform)
        faults += wrong
        if row is None:
            continue
        keys = [("工号", row.staff_no), *((_column(each), account) for each, account in row.external)]
        faults += [Fault(name, line, key[0], f"{key[1]} 在第 {seen[key]} 行用过") for key in keys if key in seen]
        if not set(keys) & set(seen):
            seen |= dict.fromkeys(keys, line)
            rows.append(row)
    return faults


def _column(platform: str) -> str:
    return next(column for column, name in _ACCOUNTS.items() if name == platform)


# --- one row


class _Cells:
    """The cells of a row; what cannot be read is remembered as a fault."""

    def __init__(self, cells: dict[str, str], file: str, line: int) -> None:
        self._cells, self._file, self._line = cells, file, line
        self.faults: list[Fault] = []

    def __contains__(self, column: str) -> bool:
        return column in self._cells

    def __getitem__(self, column: str) -> str:
        return self._cells.get(column, "")

    def wrong(self, column: str, reason: str) -> None:
        self.faults.append(Fault(self._file, self._line, column, reason))

    def several(self, column: str) -> list[str]:
        return [part.strip() for part in _SEVERAL.split(self[column]) if part.strip()]


def _row(values: dict[str, str], file: str, line: int, platform: str) -> tuple[SheetRow | None, list[Fault]]:
    cells = _Cells(values, file, line)
    external = tuple(_accounts(cells, platform))
    for column in ("工号",) if external else ("姓名", "工号", "部门"):
        if not cells[column]:
            cells.wrong(column, "不能为空" if column == "工号" else "不能为空（有平台账号的可以空着，按通讯录）")
    if cells["上级部门"] and not cells["部门"]:
        cells.wrong("上级部门", "要和「部门」一起写")
    if cells["主管"] and cells["主管"] == cells["工号"]:
        cells.wrong("主管", "要写别人的工号")
    roles = _roles(cells)
    row = SheetRow(
        line=line,
        staff_no=cells["工号"],
        name=cells["姓名"],
        department=cells["部门"],
        above=cells["上级部门"],
        roles=None if roles is None else tuple(role for role in roles if role is not Role.LEARNER),
        learns=None if roles is None else Role.LEARNER in roles,
        manager=cells["主管"],
        external=external,
        tags=tuple(dict.fromkeys(cells.several("岗位"))) if "岗位" in cells else None,
        shift=_shift(cells),
        joined_on=_day(cells, "入职日期"),
        left=_left(cells),
    )
    return (None if cells.faults else row), cells.faults


def _accounts(cells: _Cells, platform: str) -> Iterator[tuple[str, str]]:
    """The accounts of a row; WeCom ignores case, DingTalk may not."""
    found = {name: cells[column] for column, name in _ACCOUNTS.items() if cells[column]}
    if cells["平台账号"]:
        if found.get(platform, cells["平台账号"]) != cells["平台账号"]:
            cells.wrong("平台账号", f"和「{_column(platform)}」写得不一样，只留一个")
        found[platform] = cells["平台账号"]
    for name, account in found.items():
        yield name, account.casefold() if name == "wecom" else account


def _roles(cells: _Cells) -> tuple[Role, ...] | None:
    """What somebody may do; None when the sheet has no such column, and then it stays as it is."""
    if "角色" not in cells:
        return None
    names = cells.several("角色") or ["学员"]
    for part in names:
        if part not in _ROLES:
            cells.wrong("角色", f"不认识「{part}」；可以写：{'、'.join(_ROLES)}")
    return tuple(dict.fromkeys(_ROLES[part] for part in names if part in _ROLES))


def _shift(cells: _Cells) -> tuple[time, time] | None:
    text = cells["班次"]
    if not text:
        return None
    try:
        start, end = (time.fromisoformat(part.strip()) for part in re.split("[-–—~～至]", text, maxsplit=1))
    except ValueError:
        start = end = time()
    if start.tzinfo or end.tzinfo or start == end:
        cells.wrong("班次", f"「{text}」要写成 09:00-18:00")
    return start, end


def _day(cells: _Cells, column: str) -> date | None:
    try:
        return date.fromisoformat(cells[column]) if cells[column] else None
    except ValueError:
        cells.wrong(column, f"「{cells[column]}」要写成 2026-03-01")
        return None


def _left(cells: _Cells) -> bool:
    if cells["离职"] not in _YES | _NO:
        cells.wrong("离职", f"「{cells['离职']}」要写成 是 或 否")
    return cells["离职"] in _YES
