"""`jiehua campaigns`: check a file, and the way of a campaign from draft to end, approved by somebody with the role."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.clock import SHANGHAI
from tests.unit.cli.conftest import Result, Run
from tests.unit.writing import CAMPAIGN, line_of

pytestmark = pytest.mark.usefixtures("content")

PEOPLE = """\
姓名,工号,部门,角色
林小满,1001,客服中心,学员
何静,1002,培训部,培训师
吴越,1003,培训部,培训师
梁正,1004,合规部,合规
"""
TODAY = datetime.now(UTC).astimezone(SHANGHAI).date()
RUNNING = CAMPAIGN.replace("2026-11-23", TODAY.isoformat()) + "repeat: true\n"


def written(text: str) -> Path:
    path = Path("campaign.yaml")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def staffed(run: Run) -> Run:
    """A database with a learner, two trainers and somebody from compliance."""
    run("db", "upgrade")
    Path("people.csv").write_text(PEOPLE, encoding="utf-8")
    assert run("people", "import", "people.csv").code == 0
    return run


def add(run: Run, text: str, by: str = "1002") -> Result:
    return run("campaigns", "add", written(text), "--by", by)


@pytest.mark.parametrize("staff_no", ["1001", "1004", "4711"])
def test_only_a_trainer_adds_a_campaign(staffed: Run, staff_no: str) -> None:
    result = add(staffed, RUNNING, staff_no)
    assert result.code == 1
    assert f"工号 {staff_no} 没有培训师角色" in result.err
    assert staffed("campaigns", "list").out == ""


def test_a_sound_file_shows_its_calendar(run: Run) -> None:
    text = CAMPAIGN.replace("[test-late-fee]", "[test-late-fee, test-first-step]").replace("2026-11-23", "2026-11-27")
    result = run("campaigns", "check", written(text))
    assert result.code == 0
    assert result.lines == [
        "2026-11-27 周五  test-late-fee  一天滞纳金",
        "2026-11-30 周一  test-first-step  第一步做什么",
    ]
    assert "共 2 次，每次 09:03–09:27 之间推送，18:00 截止。" in result.err


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("lessons: [test-late-fee]", "lessons: [test-late]", "lessons[0]: 没有课程 test-late"),
        ("title: 试一试", "titel: 试一试", "titel: 没有这个键，是不是想写 title"),
        ("starts_on: 2026-11-23", "starts_on: 11月23日", "starts_on: 日期要写成 2026-11-23"),
    ],
)
def test_a_broken_file_is_one_line_a_fault(run: Run, right: str, wrong: str, fault: str) -> None:
    text = CAMPAIGN.replace(right, wrong)
    result = run("campaigns", "check", written(text))
    assert result.code == 1
    assert any(line.startswith(f"campaign.yaml:{line_of(text, wrong)}: {fault}") for line in result.lines), result.out


def test_a_missing_file_is_a_fault(run: Run) -> None:
    result = run("campaigns", "check", "nowhere.yaml")
    assert result.code == 1
    assert result.lines[0].startswith("nowhere.yaml:1: -: 读不出来")


def test_the_way_of_a_campaign(staffed: Run) -> None:
    run = staffed
    assert "已新建 test-campaign（待批准）" in add(run, RUNNING).out
    assert run("campaigns", "list").lines == ["test-campaign\t待批准\t试一试\t没有排下一次"]
    preview = run("campaigns", "preview", "test-campaign")
    assert preview.lines[0] == "试一试  待批准  全体学员（1 人）"
    assert "test-late-fee" in preview.lines[1]
    assert run("campaigns", "pause", "test-campaign").code == 1, "a draft cannot be paused"

    for staff_no, why in (("1001", "需要培训师或合规角色"), ("1002", "自己建的活动要请另一位")):
        refused = run("campaigns", "approve", "test-campaign", "--by", staff_no)
        assert refused.code == 1
        assert why in refused.err
    assert "已批准，下次 " in run("campaigns", "approve", "test-campaign", "--by", "1004").out
    assert run("campaigns", "approve", "test-campaign", "--by", "1003").code == 1, "only once"

    assert "已暂停" in run("campaigns", "pause", "test-campaign").out
    assert "进行中" in run("campaigns", "resume", "test-campaign").out
    assert "已结束" in run("campaigns", "end", "test-campaign").out
    assert run("campaigns", "resume", "test-campaign").code == 1, "an end is an end"
    assert run("db", "audit").code == 0


def test_an_id_and_an_audience_must_be_free_and_known(staffed: Run) -> None:
    assert add(staffed, RUNNING).code == 0
    again = add(staffed, RUNNING)
    assert again.code == 1
    assert "编号 test-campaign 已有活动" in again.err
    nobody = RUNNING.replace("  everyone: true", "  departments: [客服中心, 火星部]\n  people: ['1001', '9']")
    result = add(staffed, nobody.replace("test-campaign", "other"))
    assert result.code == 1
    assert "没有这些部门或工号：火星部、9" in result.err


def test_a_campaign_of_the_past_is_not_approved(staffed: Run) -> None:
    run = staffed
    past = CAMPAIGN.replace("2026-11-23", (TODAY - timedelta(days=30)).isoformat())
    add(run, past)
    result = run("campaigns", "approve", "test-campaign", "--by", "1003")
    assert result.code == 1
    assert "日子都过去了" in result.err


@pytest.mark.parametrize("verb", ["preview", "pause", "resume", "end"])
def test_an_unknown_campaign_gets_the_known_ones(staffed: Run, verb: str) -> None:
    assert "还没有活动" in staffed("campaigns", verb, "nothing").err
    add(staffed, RUNNING)
    result = staffed("campaigns", verb, "nothing")
    assert result.code == 1
    assert "没有活动 nothing；现有：test-campaign" in result.err


def test_an_unknown_approver_is_named(staffed: Run) -> None:
    add(staffed, RUNNING)
    result = staffed("campaigns", "approve", "test-campaign", "--by", "4711")
    assert result.code == 1
    assert "没有工号 4711" in result.err
