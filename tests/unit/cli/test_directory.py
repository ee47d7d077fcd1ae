"""`jiehua people sync`: the directory as lines to read, taken over when asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.core.clock import SystemClock
from tests.fakes.aside import aside
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.contacts import FakeContacts as DingTalkOrg
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.contacts import FakeContacts as WecomOrg
from tests.unit.cli.conftest import Run


@pytest.fixture
def corp(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[WecomOrg]:
    """A configured WeCom with two departments and three people."""
    fake = FakeWecom(members=[], clock=SystemClock())
    corp = WecomOrg(fake)
    corp.department(2, "客服中心")
    corp.department(3, "城东支行")
    corp.hire("LinXM", "林小满", 2)
    corp.hire("zhoumin", "周敏", 3)
    corp.hire("wuyue", "吴越", 3)
    run("db", "upgrade")
    with aside(fake):
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield corp


def test_the_first_time_everybody_joins(corp: WecomOrg, run: Run) -> None:
    result = run("people", "sync", "--dry-run")
    assert result.code == 0
    assert result.lines[0] == "企业微信：看到 3 个部门，3 个在职的人。"
    assert set(result.lines[1:-2]) == {
        "+ 部门 演示银行",
        "+ 部门 客服中心",
        "+ 部门 城东支行",
        "+ 林小满（客服中心）",
        "+ 周敏（城东支行）",
        "+ 吴越（城东支行）",
    }
    assert result.lines[-2:] == ["新部门 3，加入 3", "只看，没有写。"]
    assert run("people", "sync").lines[-1] == "写好了。"
    assert run("people", "sync").lines == ["企业微信：看到 3 个部门，3 个在职的人。", "没有变化。"]
    assert run("db", "audit").out == "操作记录完整。\n"


def test_every_kind_of_change_is_a_line(corp: WecomOrg, run: Run) -> None:
    run("people", "sync")
    corp.members[0].departments, corp.members[0].name = [3], "林晓满"
    corp.fire("wuyue")
    corp.department(4, "二级支行", 3)
    corp.department(2, "客户服务部", 4)
    lines = run("people", "sync").lines
    assert lines[1:-2] == [
        "+ 部门 二级支行",
        "~ 部门 客服中心 → 客户服务部，归到二级支行",
        "~ 林小满：客户服务部 → 城东支行",
        "~ 林小满 改名 林晓满",
        "- 吴越",
    ]
    assert lines[-2:] == ["新部门 1，部门变动 1，调动 1，改名 1，离开 1", "写好了。"]
    corp.hire("wuyue", "吴越", 3)
    assert "+ 吴越 回来了" in run("people", "sync").lines


def test_what_is_kept_back_is_said(corp: WecomOrg, run: Run) -> None:
    corp.hidden = {"status"}
    assert "! 成员状态没有返回，都当作在职" in run("people", "sync").lines


def test_too_many_at_once_need_a_person_who_says_so(corp: WecomOrg, run: Run) -> None:
    for number in range(20):
        corp.hire(f"p{number}", f"某{number}", 2)
    run("people", "sync")
    corp.members = corp.members[:5]
    stopped = run("people", "sync")
    assert stopped.code == 1
    assert "23 人里有 18 人会一下子停用" in stopped.err
    assert "--force" in stopped.err
    assert run("people", "sync", "--force").lines[-2:] == ["离开 18", "写好了。"]


def test_what_keeps_it_from_reading_is_said_with_advice(corp: WecomOrg, run: Run) -> None:
    corp.fake.trusted_ips = set()
    result = run("people", "sync")
    assert result.code == 1
    assert (
        "企业微信：本机地址不在企业可信IP里（60020）；把本机出口地址 127.0.0.1 加进应用的「企业可信IP」" in result.err
    )
    assert corp.fake.secret not in result.out + result.err


def test_a_platform_that_is_not_there(corp: WecomOrg, run: Run) -> None:
    result = run("people", "sync", "--platform", "dingtalk")
    assert (result.code, result.err) == (1, "钉钉还没有配置；设置见 jiehua doctor\n")


def test_the_sheet_wins_over_the_directory(corp: WecomOrg, run: Run, tmp_path: object) -> None:
    run("people", "sync")
    with open("people.csv", "w", encoding="utf-8") as file:
        file.write("工号,平台账号,部门,岗位\n1001,linxm,贷后,柜员/新人\n1002,zhoumin,,\n")
    assert run("people", "import", "people.csv").out == "新增 0 人，更新 2 人。\n"
    assert run("people", "sync").lines[-1] == "没有变化。", "the department is the sheet's now"
    corp.members[1].departments = [2]
    assert "~ 周敏：城东支行 → 客服中心" in run("people", "sync").lines, "this one is the directory's"
    with open("people.csv", "w", encoding="utf-8") as file:
        file.write("工号,平台账号,离职\n1002,zhoumin,是\n")
    assert run("people", "import", "people.csv").out == "新增 0 人，更新 0 人，离职 1 人。\n"
    assert run("people", "sync").lines[-1] == "没有变化。", "gone by the sheet, whatever the directory says"


def test_dingtalk_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeDingTalk(members=[], clock=SystemClock())
    org = DingTalkOrg(fake)
    org.hire("manager4220", "苏芸", 1)
    run("db", "upgrade")
    with aside(fake):
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        assert run("people", "sync").lines == [
            "钉钉：看到 1 个部门，1 个在职的人。",
            "+ 部门 演示银行",
            "+ 苏芸（演示银行）",
            "新部门 1，加入 1",
            "写好了。",
        ]
