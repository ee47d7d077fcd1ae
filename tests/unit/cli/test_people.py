"""`jiehua people`: a sheet is taken over as a whole or not at all; every bad cell is named by its line."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from bot.cli.sheet import COLUMNS, read_sheet
from storage.models import Role
from tests.unit.cli.conftest import Run

HEAD = "姓名,工号,部门,角色,企业微信,班次,入职日期"
GOOD = "林小满,1001,客服中心,学员,LinXM,09:00-18:00,2026-03-01"


def sheet(*rows: str, head: str = HEAD, encoding: str = "utf-8", end: str = "\n") -> Path:
    path = Path("people.csv")
    path.write_bytes((end.join([head, *rows]) + end).encode(encoding))
    return path


def test_a_sound_sheet_passes(run: Run) -> None:
    result = run("people", "check", sheet(GOOD, "周敏,1002,客服中心,主管/培训师,,,"))
    assert (result.code, result.out) == (0, "2 人，没有问题。\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_way_excel_saves_it(home: Path, encoding: str, end: str) -> None:
    found = read_sheet(sheet(GOOD, "", ",,,,,,", "周敏,1002,客服中心,主管,,,", encoding=encoding, end=end))
    assert [row.name for row in found] == ["林小满", "周敏"]


def test_what_a_row_says(home: Path) -> None:
    learner, manager, night, bare = read_sheet(
        sheet(
            GOOD,
            "周敏, 1002 ,客服中心,主管、培训师,,,",
            "何静,1003,贷后,学员/合规,,22:00–06:00,",
            "吴越,1004,城东支行,,,9点至18点,".replace("9点至18点", "09:00至18:00"),
        )
    )
    assert (learner.staff_no, learner.department, learner.roles, learner.learns) == ("1001", "客服中心", (), True)
    assert learner.external == (("wecom", "linxm"),), "WeCom ignores case"
    assert learner.shift == (time(9), time(18))
    assert learner.joined_on == date(2026, 3, 1)
    assert (manager.roles, manager.learns, manager.shift) == ((Role.MANAGER, Role.TRAINER), False, None)
    assert (night.roles, night.learns, night.shift) == ((Role.COMPLIANCE,), True, (time(22), time(6)))
    assert (bare.roles, bare.learns) == ((), True)


def test_only_three_columns_are_needed_in_any_order(home: Path) -> None:
    found = read_sheet(sheet("客服中心,1001,林小满,", head="部门,工号,姓名,"))
    assert (found[0].name, found[0].department) == ("林小满", "客服中心")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",1002,客服中心,,,,", "姓名: 不能为空"),
        ("周敏,,客服中心,,,,", "工号: 不能为空"),
        ("周敏,1002, ,,,,", "部门: 不能为空"),
        ("周敏", "工号: 不能为空"),
        ("周敏,1002,客服中心,经理,,,", "角色: 不认识「经理」；可以写：学员、主管、培训师、合规、运维"),
        ("周敏,1002,客服中心,主管/经理,,,", "角色: 不认识「经理」"),
        ("周敏,1002,客服中心,,,9-18,", "班次: 「9-18」要写成 09:00-18:00"),
        ("周敏,1002,客服中心,,,09:00,", "班次: 「09:00」要写成"),
        ("周敏,1002,客服中心,,,25:00-26:00,", "班次: 「25:00-26:00」要写成"),
        ("周敏,1002,客服中心,,,09:00-09:00,", "班次: 「09:00-09:00」要写成"),
        ("周敏,1002,客服中心,,,09:00+08:00-18:00,", "班次: 「09:00+08:00-18:00」要写成"),
        ("周敏,1002,客服中心,,,,2026/3/1", "入职日期: 「2026/3/1」要写成 2026-03-01"),
        ("周敏,1002,客服中心,,,,2026-02-30", "入职日期: 「2026-02-30」要写成"),
        ("周敏,1001,客服中心,,,,", "工号: 1001 在第 2 行用过"),
        ("周敏,1002,客服中心,,linxm,,", "企业微信: linxm 在第 2 行用过"),
        ("周敏,1002,客服,中心,,,,多出来", "-: 格子比表头多；有逗号的内容要放进引号里"),
    ],
)
def test_every_bad_cell_is_named(run: Run, row: str, fault: str) -> None:
    result = run("people", "check", sheet(GOOD, row))
    assert (result.code, result.out) == (1, "")
    assert f"people.csv:3: {fault}" in result.err


def test_every_fault_of_the_sheet_is_told_at_once(run: Run) -> None:
    result = run("people", "check", sheet(",1002,客服中心,经理,,8点,", GOOD, "周敏,1003,,,,,昨天"))
    assert result.code == 1
    assert [line.split(":")[1:3] for line in result.err.splitlines()] == [
        ["2", " 姓名"],
        ["2", " 班次"],
        ["2", " 角色"],
        ["4", " 入职日期"],
        ["4", " 部门"],
    ]


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ("姓名,工号", "1: 部门: 缺少这一列"),
        ("姓名,工号,部门,手机", f"1: 手机: 没有这一列；可以有：{'、'.join(COLUMNS)}"),
        ("", "1: 姓名: 缺少这一列"),
    ],
)
def test_a_wrong_header_is_named(run: Run, head: str, fault: str) -> None:
    result = run("people", "check", sheet("林小满,1001,客服中心,1", head=head))
    assert result.code == 1
    assert f"people.csv:{fault}" in result.err


def test_a_sheet_without_people_and_files_that_are_none(run: Run) -> None:
    assert "people.csv:1: -: 表里没有人" in run("people", "check", sheet()).err
    assert "nowhere.csv:1: -: 读不出来" in run("people", "check", "nowhere.csv").err
    Path("x.csv").write_bytes(b"\xff\xff\xff\xff")
    assert "x.csv:1: -: 编码认不出来" in run("people", "check", "x.csv").err
    Path("long.csv").write_text(f"{HEAD}\n{'长' * 200_000},1,2\n", encoding="utf-8")
    assert "long.csv:2: -: 读不出来" in run("people", "check", "long.csv").err


def test_import_adds_updates_and_is_recorded(run: Run) -> None:
    run("db", "upgrade")
    assert run("people", "import", sheet(GOOD)).out == "新增 1 人，更新 0 人。\n"
    second = run("people", "import", sheet(GOOD.replace("客服中心", "城东支行"), "周敏,1002,客服中心,主管,,,"))
    assert second.out == "新增 1 人，更新 1 人。\n"
    assert run("db", "audit").out == "操作记录完整。\n"


def test_a_faulty_sheet_changes_nothing(run: Run) -> None:
    run("db", "upgrade")
    assert run("people", "import", sheet(GOOD, ",1002,客服中心,,,,")).code == 1
    assert run("people", "import", sheet(GOOD)).out == "新增 1 人，更新 0 人。\n"


def test_import_needs_the_current_schema(run: Run) -> None:
    result = run("people", "import", sheet(GOOD))
    assert result.code == 1
    assert "先运行 jiehua db upgrade" in result.err
