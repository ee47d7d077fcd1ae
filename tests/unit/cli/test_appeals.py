"""`jiehua appeals export`: upheld words as sample entries that can be pasted into a lesson."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest
import yaml

from lessons.appeal import reply_key
from lessons.model import Sample
from storage import appeals, assignments, attempts, people
from storage.database import Database
from storage.models import Appeal, Assignment, Attempt
from tests.unit.cli.conftest import Run

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
WORDS = '您别急："三千二"钱没丢\n# 明天十二点前回到您卡上'


async def upheld(lesson_id: str, text: str, subject: str, status: str = appeals.UPHELD) -> None:
    """One answer with a decided appeal about it."""
    database = Database("sqlite:///jiehua.db")
    async with database.transaction() as tx:
        person = (await people.enrol(tx, "web", f"{lesson_id}{text}{subject}", NOW)).id or 0
        row = await assignments.add(
            tx,
            Assignment(
                person_id=person, lesson_id=lesson_id, digest="d", reason="own", day=date(2026, 11, 23),
                status="answered", opens_at=NOW, due_at=NOW, created_at=NOW,
            ),
        )  # fmt: skip
        attempt = await attempts.add(
            tx,
            Attempt(
                assignment_id=row.id or 0, person_id=person, lesson_id=lesson_id, digest="d", number=1, text=text,
                band=3, points=75, scorer="s", created_at=NOW,
            ),
        )  # fmt: skip
        await appeals.file(
            tx,
            Appeal(
                attempt_id=attempt.id or 0, person_id=person, lesson_id=lesson_id, digest="d", reply=reply_key(text),
                subject=subject, reason="我接住了", status=status, band=2, points=60, created_at=NOW,
            ),
        )  # fmt: skip
    await database.close()


@pytest.fixture
def ready(run: Run) -> Run:
    run("db", "upgrade")
    return run


def test_every_upheld_phrasing_is_one_sample_that_can_be_read(ready: Run) -> None:
    asyncio.run(upheld("a-lesson", WORDS, "empathy"))
    asyncio.run(upheld("a-lesson", WORDS.replace("，", " "), "lead"))
    asyncio.run(upheld("b-lesson", "您先坐，我来查", "insult"))
    asyncio.run(upheld("b-lesson", "这一条没有成立", "lead", appeals.REJECTED))
    result = ready("appeals", "export")
    assert result.code == 0
    first, second = result.out.split("# b-lesson\n")
    found = [yaml.safe_load(part)["samples"] for part in (first, second)]
    assert found == [[{"text": WORDS, "band": 3}], [{"text": "您先坐，我来查", "band": 3}]]
    assert [Sample(**each[0]).band for each in found] == [3, 3]
    assert "# 申诉 1：先跟·接住情绪，成立" in first
    assert "# 申诉 2：后带·引导到解决，成立" in first
    assert "红线·侮辱、讽刺、歧视" in second
    assert "成立的申诉 3 件，例句 2 条" in result.err


def test_one_lesson_alone_and_none_at_all(ready: Run) -> None:
    assert ready("appeals", "export").out == ""
    asyncio.run(upheld("a-lesson", WORDS, "empathy"))
    asyncio.run(upheld("b-lesson", WORDS, "empathy"))
    result = ready("appeals", "export", "--lesson", "b-lesson")
    assert "b-lesson" in result.out
    assert "a-lesson" not in result.out


def test_an_empty_database_is_told_to_upgrade(run: Run) -> None:
    result = run("appeals", "export")
    assert result.code == 1
    assert "先运行 jiehua db upgrade" in result.err
