"""What the further columns of a people sheet say: accounts, tags, parents, managers, and who has left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.cli.sheet import read_sheet
from tests.unit.cli.conftest import Run


def sheet(*rows: str) -> Path:
    path = Path("people.csv")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def taken(run: Run) -> Any:
    """Import rows, then ask the database."""
    run("db", "upgrade")

    def take(*rows: str) -> str:
        result = run("people", "import", sheet(*rows))
        return result.out + result.err

    return take


def ask(query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("jiehua.db")) as connection:
        return connection.execute(query).fetchall()


def test_accounts_on_two_platforms(home: Path) -> None:
    rows = read_sheet(sheet("工号,姓名,部门,企业微信,钉钉", "1,甲,客服,LinXM,Manager01"))
    assert rows[0].external == (("wecom", "linxm"), ("dingtalk", "Manager01")), "case means something on DingTalk"


@pytest.mark.parametrize(("platform", "account"), [("wecom", "linxm"), ("dingtalk", "LinXM")])
def test_the_account_of_the_one_platform(home: Path, platform: str, account: str) -> None:
    rows = read_sheet(sheet("工号,平台账号", "1,LinXM"), platform)
    assert rows[0].external == ((platform, account),)
    assert (rows[0].name, rows[0].department, rows[0].roles, rows[0].tags) == ("", "", None, None)


@pytest.mark.parametrize(
    ("head", "row", "fault"),
    [
        ("工号,姓名,部门,企业微信,平台账号", "1,甲,客服,a,b", "2: 平台账号: 和「企业微信」写得不一样，只留一个"),
        ("工号,姓名,部门,上级部门,平台账号", "1,甲,,总行,a", "2: 上级部门: 要和「部门」一起写"),
        ("工号,姓名,部门,主管", "1,甲,客服,1", "2: 主管: 要写别人的工号"),
        ("工号,姓名,部门,离职", "1,甲,客服,昨天", "2: 离职: 「昨天」要写成 是 或 否"),
        ("工号,姓名,部门,平台账号", "1,,客服,", "2: 姓名: 不能为空（有平台账号的可以空着，按通讯录）"),
        ("工号,姓名,部门,姓名", "1,甲,客服,乙", "1: 姓名: 这一列有两个"),
        ("平台账号,姓名", "a,甲", "1: 工号: 缺少这一列"),
    ],
)
def test_every_bad_cell_is_named(run: Run, head: str, row: str, fault: str) -> None:
    result = run("people", "check", sheet(head, row))
    assert (result.code, result.out) == (1, "")
    assert f"people.csv:{fault}" in result.err


def test_tags_stay_when_the_sheet_does_not_speak_of_them(taken: Any) -> None:
    taken("工号,姓名,部门,岗位,角色,入职日期,班次", "1,甲,客服,柜员/新人、柜员,培训师,2026-03-01,13:00-21:00")
    expected = [('["\\u67dc\\u5458", "\\u65b0\\u4eba"]', 0, "2026-03-01", "13:00:00.000000")]
    assert ask("SELECT tags, learns, joined_on, shift_start FROM person") == expected
    taken("工号,姓名,部门", "1,甲,贷后")
    assert ask("SELECT tags, learns, joined_on, shift_start FROM person") == expected
    assert ask("SELECT role FROM rolegrant") == [("trainer",)]
    taken("工号,姓名,部门,岗位,角色", "1,甲,贷后,,")
    assert ask("SELECT tags, learns FROM person") == [("[]", 1)], "an empty cell says that there is none"
    assert ask("SELECT role FROM rolegrant") == []


def test_departments_below_departments(taken: Any) -> None:
    head = "工号,姓名,部门,上级部门"
    taken(head, "1,甲,综合部,东分行", "2,乙,综合部,西分行", "3,丙,东分行,总行")
    found = ask("SELECT d.name, p.name FROM department d LEFT JOIN department p ON p.id = d.parent_id ORDER BY 2, 1")
    assert found == [
        ("东分行", None),
        ("总行", None),
        ("西分行", None),
        ("综合部", "东分行"),
        ("东分行", "总行"),
        ("综合部", "西分行"),
    ]
    assert "people.csv:2: 部门: 有 2 个「综合部」（在东分行、西分行下面），写上「上级部门」" in taken(
        "工号,姓名,部门", "4,丁,综合部"
    )
    assert "people.csv:2: 上级部门: 有 2 个「东分行」，认不出是哪一个" in taken(head, "4,丁,出纳,东分行")
    assert ask("SELECT count(*) FROM person") == [(3,)], "a sheet with a fault changes nothing"


def test_a_manager_leads_the_departments_of_their_people(taken: Any) -> None:
    head = "工号,姓名,部门,主管"
    taken(head, "9,苏芸,运营,", "1,甲,客服,9", "2,乙,客服,9", "3,丙,贷后,9")
    query = (
        "SELECT p.name, d.name FROM rolegrant r JOIN person p ON p.id = r.person_id "
        "JOIN department d ON d.id = r.department_id"
    )
    assert sorted(ask(query)) == [("苏芸", "客服"), ("苏芸", "贷后")]
    taken(head, "1,甲,客服,9")
    assert len(ask(query)) == 2, "once each, however often"
    assert "people.csv:2: 主管: 没有工号 404 的人" in taken(head, "4,丁,出纳,404")
    assert ask("SELECT count(*) FROM person WHERE name = '丁'") == [(0,)]


def test_who_has_left_stays_gone(taken: Any) -> None:
    head = "工号,姓名,部门,离职"
    assert taken(head, "1,甲,客服,否", "2,乙,客服,") == "新增 2 人，更新 0 人。\n"
    assert taken(head, "1,甲,客服,是", "3,丙,客服,是") == "新增 0 人，更新 0 人，离职 2 人。\n"
    assert ask("SELECT name, active FROM person ORDER BY id") == [("甲", 0), ("乙", 1)]
    assert "active" in ask("SELECT held FROM person WHERE name = '甲'")[0][0]
    assert taken(head, "1,甲,客服,否") == "新增 0 人，更新 1 人。\n"
    assert ask("SELECT active, held FROM person WHERE name = '甲'") == [(1, '["name", "department"]')]


def test_a_stranger_the_chat_brought_in_gets_their_staff_number(taken: Any) -> None:
    taken("工号,平台账号", "1,linxm")
    assert ask("SELECT p.name, d.name FROM person p JOIN department d ON d.id = p.department_id") == [("1", "未分组")]
    taken("工号,姓名,平台账号", "1,林小满,LinXM")
    assert ask("SELECT name, staff_no FROM person") == [("林小满", "1")]
