"""`jiehua doctor`: what is misconfigured, and how to mend it."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli.doctor import examine
from bot.core.clock import ManualClock
from tests.unit.cli.conftest import Run
from tests.unit.writing import LESSON, folder

WECOM = {
    "JIEHUA_WECOM_CORP_ID": "ww1234",
    "JIEHUA_WECOM_AGENT_ID": "1000002",
    "JIEHUA_WECOM_SECRET": "s3cret-app",
    "JIEHUA_WECOM_TOKEN": "s3cret-token",
    "JIEHUA_WECOM_AES_KEY": "A" * 43,
    "JIEHUA_WECOM_API": "http://127.0.0.1:9",
}


@pytest.mark.usefixtures("content")
def test_all_is_well(run: Run) -> None:
    result = run("doctor")
    assert result.code == 0, result.out
    assert [line.split("：")[0] for line in result.lines[:-1]] == [
        "✓ 设置",
        "✓ 内容",
        "✓ 日历",
        "✓ 数据库",
        "✓ 企业微信、钉钉",
    ]
    assert result.lines[-1] == "一切正常。"
    run("db", "upgrade")
    assert "能用，结构" in run("doctor").out


def test_every_bad_setting_is_a_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEHUA_PROT", "1")
    monkeypatch.setenv("JIEHUA_DAILY_CAP", "9")
    result = run("doctor")
    assert result.code == 1
    assert "✗ 设置：JIEHUA_PROT: 没有这个设置，是不是想写 JIEHUA_PORT" in result.out
    assert "✗ 设置：JIEHUA_DAILY_CAP: 「9」 不能用；要写 1 到 3 的整数" in result.out
    assert "有 2 处要处理。" in result.out


def test_broken_content_is_named_by_file_and_line(run: Run, content: Path) -> None:
    folder(content, lesson=LESSON.replace("track: unmet", "track: unmett"))
    result = run("doctor")
    assert result.code == 1
    assert "✗ 内容：content/lesson.yaml:3: track: 不认识「unmett」" in result.out
    assert "→ 改正后运行 jiehua lessons check" in result.out


@pytest.mark.usefixtures("content")
def test_a_broken_calendar_is_named_by_file_and_line(run: Run) -> None:
    Path("calendar.yaml").write_text("work:\n  - 初一\n", encoding="utf-8")
    result = run("doctor")
    assert result.code == 1
    assert "✗ 日历：calendar.yaml:2: work[0]: 日期要写成 2027-02-14" in result.out


@pytest.mark.usefixtures("content")
def test_an_unknown_year_is_told() -> None:
    later = ManualClock(datetime(2199, 1, 5, tzinfo=UTC))
    found = next(each for each in asyncio.run(examine(offline=True, clock=later)) if each.subject == "日历")
    assert not found.fine
    assert "还不知道 2199、2200 年的放假安排" in found.what
    assert "JIEHUA_CALENDAR_FILE" in found.mend


@pytest.mark.usefixtures("content")
def test_an_old_schema_and_a_file_that_is_no_database(run: Run) -> None:
    run("db", "upgrade")
    with sqlite3.connect("jiehua.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    result = run("doctor")
    assert result.code == 1
    assert "✗ 数据库：结构是 0000，程序要 " in result.out
    assert "→ 运行 jiehua db upgrade" in result.out
    for name in ("jiehua.db-wal", "jiehua.db-shm"):
        Path(name).unlink(missing_ok=True)
    Path("jiehua.db").write_bytes(b"this is no database" * 100)
    result = run("doctor")
    assert result.code == 1
    assert "✗ 数据库：连不上" in result.out


@pytest.mark.usefixtures("content")
def test_an_unreachable_database_is_told_without_its_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEHUA_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:9/x")
    result = run("doctor")
    assert result.code == 1
    assert "✗ 数据库：连不上" in result.out
    assert "hunter2" not in result.out + result.err


@pytest.mark.usefixtures("content")
def test_wecom_is_asked_only_when_allowed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WECOM.items():
        monkeypatch.setenv(name, value)
    offline = run("doctor", "--offline")
    assert offline.code == 0
    assert "企业微信" not in offline.out
    result = run("doctor")
    assert result.code == 1
    assert "✗ 企业微信凭证：" in result.out
    assert "→ " in result.out
    assert "s3cret" not in result.out + result.err
