"""`jiehua ledger`: a month's working-time proof, on the screen and as a table."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

PEOPLE = """姓名,工号,部门,上级部门,企业微信
林小满,1001,一组,客服中心,lin
贺明,1002,二组,客服中心,he
"""


@pytest.fixture
def sent(run: Run, content: Path) -> None:
    """Two departments with a question each, and a reply late in the evening."""
    run("db", "upgrade")
    Path("people.csv").write_text(PEOPLE, encoding="utf-8")
    assert run("people", "import", "people.csv").code == 0
    with sqlite3.connect("jiehua.db") as connection:
        for staff_no, stamp in (("1001", "inside"), ("1002", "inside")):
            connection.execute(
                "INSERT INTO delivery (key, person_id, platform, recipient, kind, content, status, parts, parts_sent,"
                " tries, due_at, sent_at, message_id, error, created_at, stamp) SELECT staff_no, id, 'wecom', 'x',"
                " 'challenge', '', 'sent', 1, 1, 1, '2026-11-23', '2026-11-23 02:00:00.000000', '', '', '2026-11-23', ?"
                " FROM person WHERE staff_no = ?",
                (stamp, staff_no),
            )
        connection.execute(
            "INSERT INTO inbox (platform, key, sender, person_id, kind, text, status, tries, carried, received_at,"
            " stamp) SELECT 'wecom', 'k', 'x', id, 'text', '', 'done', 1, '[]', '2026-11-23 13:00:00.000000',"
            " 'asked-outside' FROM person WHERE staff_no = '1001'"
        )
    connection.close()


@pytest.mark.usefixtures("sent")
def test_the_month_by_department_with_its_proof(run: Run) -> None:
    result = run("ledger", "--month", "2026-11", "--csv", "账.csv")
    assert result.code == 0
    assert result.lines == [
        "一组：推送 1，工作时间内 1，来信 1，工作时间外自己来的 1",
        "二组：推送 1，工作时间内 1",
        "合计：推送 2，工作时间内 2，来信 1，工作时间外自己来的 1",
        "2026 年 11 月推送 2 条，全部在收信人的工作时间内。",
    ]
    rows = list(csv.DictReader(Path("账.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["月份"], row["部门"], row["推送"]) for row in rows] == [
        ("2026-11", "一组", "1"),
        ("2026-11", "二组", "1"),
        ("2026-11", "合计", "2"),
    ]
    assert "林小满" not in result.out + Path("账.csv").read_text(encoding="utf-8-sig")


@pytest.mark.usefixtures("sent")
def test_one_department_with_what_is_below_it(run: Run) -> None:
    assert run("ledger", "--month", "2026-11", "--department", "二组").lines[-1].startswith("2026 年 11 月推送 1 条")
    assert (
        run("ledger", "--month", "2026-11", "--department", "客服中心").lines[-1].startswith("2026 年 11 月推送 2 条")
    )
    assert run("ledger", "--month", "2026-10").lines == ["合计：没有消息", "2026 年 10 月没有推送。"]
    unknown = run("ledger", "--month", "2026-11", "--department", "火星部")
    assert (unknown.code, "没有部门「火星部」" in unknown.err) == (1, True)
    assert run("ledger", "--month", "十一月").code == 2


@pytest.mark.usefixtures("sent")
def test_a_push_outside_working_time_is_a_fault(run: Run) -> None:
    with sqlite3.connect("jiehua.db") as connection:
        connection.execute("UPDATE delivery SET stamp = 'leave' WHERE key = '1002'")
    connection.close()
    result = run("ledger", "--month", "2026-11")
    assert result.code == 1
    assert "二组：推送 1，请假 1" in result.lines
    assert "其中 1 条不在收信人的工作时间内" in result.lines[-1]
