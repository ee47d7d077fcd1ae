"""A people sheet as a workbook: cells as their reader sees them, faults by row and column."""

from __future__ import annotations

import warnings
from datetime import date, datetime, time
from pathlib import Path

import pytest
from openpyxl import Workbook

from bot.cli.sheet import read_sheet
from bot.core.errors import ContentError
from storage.models import Role
from tests.unit.cli.conftest import Run

MIDNIGHT = datetime.combine(date(2025, 1, 2), time())  # a workbook knows no zones
HEAD = ("姓名", "工号", "部门", "岗位", "角色", "企业微信", "班次", "入职日期", "离职")


def book(*rows: tuple[object, ...], head: tuple[object, ...] = HEAD) -> Path:
    workbook = Workbook()
    page = workbook.active
    assert page is not None
    for row in (head, *rows):
        page.append(row)
    workbook.create_sheet("第二页").append(("别的东西",))
    path = Path("people.xlsx")
    workbook.save(path)
    return path


def test_cells_are_read_as_they_are_shown(home: Path) -> None:
    found = read_sheet(
        book(
            ("林小满", 1001, "客服中心", "柜员/新人", "学员", "LinXM", "09:00-18:00", date(2026, 3, 1), False),
            ("周敏", 1002.0, "客服中心", None, "主管", None, None, MIDNIGHT, None),
            (" 何静 ", "A0003", "贷后", None, None, None, "22:00–06:00", "2026-03-01", True),
        )
    )
    assert [(row.name, row.staff_no, row.line) for row in found] == [
        ("林小满", "1001", 2),
        ("周敏", "1002", 3),
        ("何静", "A0003", 4),
    ]
    assert found[0].external == (("wecom", "linxm"),)
    assert found[0].tags == ("柜员", "新人")
    assert (found[0].joined_on, found[1].joined_on) == (date(2026, 3, 1), date(2025, 1, 2))
    assert found[1].roles == (Role.MANAGER,)
    assert found[2].shift == (time(22), time(6))
    assert [row.left for row in found] == [False, False, True]


def test_empty_rows_and_columns_are_passed_over(home: Path) -> None:
    path = book(
        ("林小满", 1001, "客服中心"),
        (),
        (None, None),
        ("周敏", 1002, "客服中心", None, None, None, None, None, None, None),
    )
    assert [(row.name, row.line) for row in read_sheet(path)] == [("林小满", 2), ("周敏", 5)]


def test_every_bad_cell_is_named_by_row_and_column(run: Run) -> None:
    path = book(
        ("林小满", 1001, "客服中心"),
        (None, 1002, "客服中心", None, "经理", None, time(9, 0), MIDNIGHT.replace(hour=8, minute=30), "?"),
        ("周敏", 1001, "客服中心"),
        ("何静", 1003, "贷后", None, None, None, None, None, None, "多出来"),
    )
    result = run("people", "check", path)
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        "people.xlsx:3: 入职日期: 「2025-01-02 08:30:00」要写成 2026-03-01",
        "people.xlsx:3: 姓名: 不能为空（有平台账号的可以空着，按通讯录）",
        "people.xlsx:3: 班次: 「09:00」要写成 09:00-18:00",
        "people.xlsx:3: 离职: 「?」要写成 是 或 否",
        "people.xlsx:3: 角色: 不认识「经理」；可以写：学员、主管、培训师、合规、运维",
        "people.xlsx:4: 工号: 1001 在第 2 行用过",
        "people.xlsx:5: -: 格子比表头多；有逗号的内容要放进引号里",
    ]


def test_a_workbook_is_imported_like_a_csv(run: Run) -> None:
    run("db", "upgrade")
    assert run("people", "import", book(("林小满", 1001, "客服中心"))).out == "新增 1 人，更新 0 人。\n"


@pytest.mark.parametrize("raw", [b"", b"not a workbook", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 8])
def test_what_is_no_workbook_is_said(home: Path, raw: bytes) -> None:
    path = Path("people.xlsx")
    path.write_bytes(raw)
    with pytest.raises(ContentError, match=r"people\.xlsx:1: -: 读不出来"):
        read_sheet(path)


def test_an_empty_workbook(home: Path) -> None:
    with pytest.raises(ContentError, match="缺少这一列"):
        read_sheet(book(head=()))
    with pytest.raises(ContentError, match="表里没有人"):
        read_sheet(book())


def test_nothing_is_warned_about(home: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_sheet(book(("林小满", 1001, "客服中心")))
