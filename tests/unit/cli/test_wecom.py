"""`jiehua wecom`: the app's menu, and taking back what was sent by mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.config import read
from bot.core.clock import SystemClock
from bot.core.messages import say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.wires import wecom_of
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from tests.fakes.aside import aside
from tests.fakes.wecom import FakeWecom
from tests.unit.cli.conftest import Run


@pytest.fixture
def fake(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWecom]:
    """A configured app with two members."""
    fake = FakeWecom(members=["Alice", "bob"], clock=SystemClock())
    run("db", "upgrade")
    with aside(fake):
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


def sent(*words: str) -> None:
    """Both members have been sent a message."""

    async def send() -> None:
        database, clock = Database("sqlite:///jiehua.db"), SystemClock()
        wecom = wecom_of(read(), clock, database)
        async with database.transaction() as tx:
            now = datetime.now(UTC)
            rows = [await people.enrol(tx, "wecom", name, now) for name in ("alice", "bob")]
            owed = [Owed(f"k{row.id}", row.id or 0, "notice", say(*words, title="通知"), now) for row in rows]
            await deliveries.enqueue(tx, owed, now)
        await wecom.start()
        await Courier(database, {"wecom": wecom}, clock, turns_of(database)).run_once()
        await wecom.stop()
        await database.close()

    asyncio.run(send())


def test_the_menu_is_shown_applied_and_shown_again(fake: FakeWecom, run: Run) -> None:
    before = run("wecom", "menu")
    assert before.code == 0
    assert "  看今天的题 → 今日" in before.lines
    assert before.lines[-1] == "企业微信里还没有菜单，用 jiehua wecom menu --apply 设好。"
    assert fake.vendor.menu is None, "showing changes nothing"
    assert run("wecom", "menu", "--apply").out == "菜单已设好，成员重新进入应用就能看到。\n"
    assert run("wecom", "menu", "--show").lines[-1] == "企业微信里现在就是这样。"


def test_another_menu_is_shown_beside_ours(fake: FakeWecom, run: Run) -> None:
    fake.vendor.menu = {"button": [{"type": "view", "name": "官网", "url": "https://example.com"}, {"name": "旧"}]}
    lines = run("wecom", "menu").lines
    assert "官网 → https://example.com" in lines
    assert lines[-1] == "用 jiehua wecom menu --apply 换成上面的。"


def test_what_keeps_the_menu_from_being_set_is_said(fake: FakeWecom, run: Run) -> None:
    fake.vendor.cards.callback = False
    result = run("wecom", "menu", "--apply")
    assert (result.code, result.out) == (1, "")
    assert "接收消息" in result.err


def test_a_message_is_found_and_taken_back(fake: FakeWecom, run: Run) -> None:
    sent("发错了")
    (line,) = run("wecom", "recall").lines
    assert "2 人  通知  msg-" in line
    message_id = line.split()[-1]
    result = run("wecom", "recall", message_id)
    assert (result.code, result.out) == (0, f"✓ {message_id}：已撤回\n")
    assert fake.hears("Alice") == fake.hears("bob") == []
    assert run("db", "audit").out == "操作记录完整。\n"


def test_a_message_of_several_calls_names_them_all(fake: FakeWecom, run: Run) -> None:
    sent(*["字" * 600] * 3)
    (line,) = run("wecom", "recall").lines
    ids = line.split("通知")[1].split()
    assert len(ids) == 3
    assert run("wecom", "recall", *ids).code == 0
    assert fake.hears("Alice") == []


def test_what_cannot_be_taken_back_is_said_and_the_rest_is(fake: FakeWecom, run: Run) -> None:
    sent("发错了")
    message_id = run("wecom", "recall").lines[0].split()[-1]
    result = run("wecom", "recall", "msg-nobody", message_id)
    assert result.code == 1
    assert result.lines == ["✗ msg-nobody：参数不对或内容太长（40058）", f"✓ {message_id}：已撤回"]


def test_nothing_was_sent(fake: FakeWecom, run: Run) -> None:
    assert run("wecom", "recall").out == "最近 24 小时没有发过消息。\n"


@pytest.mark.parametrize("call", [("menu",), ("recall", "msg-1")])
def test_without_wecom_it_says_what_is_missing(run: Run, call: tuple[str, ...]) -> None:
    run("db", "upgrade")
    result = run("wecom", *call)
    assert result.code == 2
    assert "JIEHUA_WECOM_CORP_ID: 没有配置企业微信" in result.err


def test_an_address_that_is_not_trusted_is_named(fake: FakeWecom, run: Run) -> None:
    fake.trusted_ips = set()
    result = run("wecom", "recall", "msg-1")
    assert result.code == 1
    assert "127.0.0.1" in result.err
