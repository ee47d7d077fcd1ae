"""`jiehua deliveries`: what may not have arrived, from the command line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from bot.core.messages import say
from storage import deliveries
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Delivery, Identity
from tests.unit.cli.conftest import Run


async def _lose(kinds: list[str], late: bool) -> None:
    database = Database("sqlite:///jiehua.db")
    now = datetime.now(UTC)
    async with database.transaction() as tx:
        tx.add(Identity(platform="wecom", external_id="lin", person_id=1))
        await tx.flush()
        owed = [Owed(f"k{number}", 1, kind, say("话"), now) for number, kind in enumerate(kinds)]
        await deliveries.enqueue(tx, owed, now)
        end = now - timedelta(hours=1) if late else None
        await deliveries.record(tx, range(1, 1 + len(kinds)), status="unknown", error="发送中断", expires_at=end)
    await database.close()


async def _keys() -> dict[str, str]:
    database = Database("sqlite:///jiehua.db")
    async with database.reading() as tx:
        found = {row.key: row.status for row in await tx.scalars(select(Delivery))}
    await database.close()
    return found


@pytest.fixture
def lost(run: Run, content: Path) -> Run:
    """Two answers and a notice that may not have arrived."""
    run("db", "upgrade")
    Path("people.csv").write_text("姓名,工号,部门\n林小满,1001,客服中心\n", encoding="utf-8")
    run("people", "import", "people.csv")
    asyncio.run(_lose(["answer", "answer", "notice"], late=False))
    return run


def test_they_are_listed_without_names(lost: Run) -> None:
    result = lost("deliveries", "list")
    assert result.lines[-1] == "不确定是否送达：共 3 条，列出 3 条。"
    assert result.lines[0].startswith("1  wecom  answer  人员 1")
    assert result.lines[0].endswith("发送中断")
    assert "林小满" not in result.out
    assert lost("deliveries", "list", "--kind", "notice", "--limit", "1").lines[-1].endswith("列出 1 条。")
    assert lost("deliveries", "list", "--status", "failed").lines == ["失败：共 0 条，列出 0 条。"]


def test_all_of_a_kind_or_some_by_number(lost: Run) -> None:
    assert lost("deliveries", "resend", "--all-unknown", "--kind", "answer").lines[0].startswith("重发 2 条")
    assert asyncio.run(_keys()) == {
        "k0": "resent", "k1": "resent", "k2": "unknown", "k0:resend:1": "due", "k1:resend:1": "due",
    }  # fmt: skip
    assert lost("deliveries", "cancel", 3).lines == ["取消 1 条。"]
    assert lost("db", "audit").code == 0
    again = lost("deliveries", "resend", 1)
    assert again.code == 1
    assert "已经有人处理过" in again.out


def test_a_wrong_call_changes_nothing(lost: Run) -> None:
    assert "没有这样的编号：7" in lost("deliveries", "resend", 1, 7).err
    assert "写上要处理的编号" in lost("deliveries", "resend").err
    assert "写上要处理的编号" in lost("deliveries", "cancel", 1, "--all-unknown").err
    assert set(asyncio.run(_keys()).values()) == {"unknown"}


def test_what_came_too_late_needs_force(run: Run, lost: Run) -> None:
    run("deliveries", "cancel", "--all-unknown")
    Path("jiehua.db").unlink()
    run("db", "upgrade")
    run("people", "import", "people.csv")
    asyncio.run(_lose(["answer"], late=True))
    result = run("deliveries", "resend", "--all-unknown")
    assert result.code == 1
    assert "1 条已经过了时候" in result.out
    assert run("deliveries", "resend", "--all-unknown", "--force").code == 0
    assert asyncio.run(_keys()) == {"k0": "resent", "k0:resend:1": "due"}


def test_a_person_is_erased_only_on_purpose(lost: Run) -> None:
    asked = lost("people", "erase", "1001")
    assert asked.code == 1
    assert "加 --yes" in asked.err
    assert "没有工号 1009" in lost("people", "erase", "1009", "--yes").err
    assert set(asyncio.run(_keys()).values()) == {"unknown"}
    assert lost("people", "erase", "1001", "--yes").code == 0
    assert set(asyncio.run(_keys()).values()) == {"cancelled"}
    assert lost("db", "audit").code == 0
