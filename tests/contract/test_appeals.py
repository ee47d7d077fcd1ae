"""Appeals in storage: one for each answer and subject, one decision, and what was upheld for which words."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage import appeals, assignments, attempts, people
from storage.database import Database
from storage.models import Appeal, Assignment, Attempt

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
SCORE: dict[str, Any] = {"band": 1, "points": 30}


async def answered(database: Database, name: str = "alice", text: str = "您别急") -> Attempt:
    """Somebody new with one answer."""
    async with database.transaction() as tx:
        person = (await people.enrol(tx, "web", name, NOW)).id or 0
        row = await assignments.add(
            tx,
            Assignment(
                person_id=person, lesson_id="x", digest="d", reason="campaign", day=date(2026, 11, 23),
                status="answered", opens_at=NOW, due_at=NOW, created_at=NOW,
            ),
        )  # fmt: skip
        return await attempts.add(
            tx,
            Attempt(
                assignment_id=row.id or 0, person_id=person, lesson_id="x", digest="d", number=1, text=text, band=1,
                points=30, score=SCORE, scorer="s", created_at=NOW,
            ),
        )  # fmt: skip


def about(attempt: Attempt, subject: str = "empathy", **values: Any) -> Appeal:
    fields = {"status": appeals.OPEN, "reply": "r", "created_at": NOW, "reason": "我接住了"} | values
    return Appeal(
        attempt_id=attempt.id or 0, person_id=attempt.person_id, lesson_id="x", digest="d", subject=subject,
        score=SCORE, band=1, points=30, **fields,
    )  # fmt: skip


async def filed(database: Database, attempt: Attempt, subject: str = "empathy", **values: Any) -> int:
    async with database.transaction() as tx:
        row = await appeals.file(tx, about(attempt, subject, **values))
    assert row is not None
    return row.id or 0


async def test_a_filed_appeal_is_kept_whole(database: Database) -> None:
    attempt = await answered(database)
    key = await filed(database, attempt)
    async with database.reading() as tx:
        row = await appeals.get(tx, key)
        assert row is not None
        assert (row.person_id, row.reason, row.score, row.others) == (attempt.person_id, "我接住了", SCORE, [])
        assert (row.created_at, row.decided_at, row.new_band) == (NOW, None, None)


async def test_one_appeal_for_each_answer_and_subject(database: Database) -> None:
    attempt = await answered(database)
    await filed(database, attempt)
    async with database.transaction() as tx:
        assert await appeals.file(tx, about(attempt)) is None
    await filed(database, attempt, "lead")
    async with database.reading() as tx:
        assert [row.subject for row in await appeals.of_attempt(tx, attempt.id or 0)] == ["empathy", "lead"]
        assert await appeals.count_waiting(tx) == 2


async def test_one_that_names_no_answer_is_refused(database: Database) -> None:
    lost = about(await answered(database))
    lost.attempt_id = 999
    async with database.reading() as tx:
        with pytest.raises(IntegrityError):
            await appeals.file(tx, lost)


async def test_of_many_deciders_one_wins(database: Database) -> None:
    attempt = await answered(database)
    key = await filed(database, attempt)
    deciders = [(await answered(database, f"t{number}")).person_id for number in range(6)]

    async def decide(person: int) -> bool:
        async with database.transaction() as tx:
            return await appeals.decide(tx, key, appeals.UPHELD, person, f"{person} 定的", NOW)

    won = await asyncio.gather(*(decide(person) for person in deciders))
    assert won.count(True) == 1
    async with database.reading() as tx:
        row = await appeals.get(tx, key)
    assert row is not None
    assert row.decided_by == deciders[won.index(True)]
    assert row.ruling == f"{row.decided_by} 定的"


async def test_what_is_void_cannot_be_decided_and_what_is_decided_not_be_void(database: Database) -> None:
    one, other = await answered(database), await answered(database, "bob")
    first, second = await filed(database, one), await filed(database, other)
    async with database.transaction() as tx:
        assert await appeals.decide(tx, second, appeals.REJECTED, one.person_id, "没有", NOW)
        await appeals.void(tx, one.id or 0)
        await appeals.void(tx, other.id or 0)
        assert not await appeals.decide(tx, first, appeals.UPHELD, other.person_id, "有", NOW)
    async with database.reading() as tx:
        found = [await appeals.get(tx, key) for key in (first, second)]
    assert [row.status for row in found if row] == [appeals.VOID, appeals.REJECTED]


async def test_the_oldest_waits_first_and_ones_own_come_latest_first(database: Database) -> None:
    attempt = await answered(database)
    late = await filed(database, attempt, "lead", created_at=NOW + timedelta(hours=1))
    early = await filed(database, attempt)
    async with database.reading() as tx:
        assert [row.id for row in await appeals.waiting(tx, 5)] == [early, late]
        assert [row.id for row in await appeals.waiting(tx, 1)] == [early]
        assert [row.id for row in await appeals.of_person(tx, attempt.person_id)] == [early, late]


async def test_what_was_granted_belongs_to_the_words_and_the_version(database: Database) -> None:
    attempt = await answered(database)
    keys = [await filed(database, attempt, subject) for subject in ("empathy", "lead", "solution")]
    async with database.transaction() as tx:
        await appeals.decide(tx, keys[0], appeals.UPHELD, attempt.person_id, "有", NOW)
        await appeals.decide(tx, keys[1], appeals.REJECTED, attempt.person_id, "没有", NOW)
    async with database.reading() as tx:
        assert await appeals.granted(tx, "d", "r") == {"empathy"}
        assert await appeals.granted(tx, "d", "other") == frozenset()
        assert await appeals.granted(tx, "other", "r") == frozenset()
        assert [row.id for row, _ in await appeals.upheld(tx)] == [keys[0]]
        assert await appeals.upheld(tx, "y") == []


async def test_open_appeals_about_the_same_words_are_found_together(database: Database) -> None:
    one, other = await answered(database), await answered(database, "bob")
    keys = [await filed(database, one), await filed(database, other)]
    await filed(database, one, "lead")
    async with database.transaction() as tx:
        row = await appeals.get(tx, keys[0])
        assert row is not None
        assert [found.id for found in await appeals.lock_same(tx, row)] == keys


async def test_what_was_taken_back_is_not_corrected_nor_exported(database: Database) -> None:
    attempt = await answered(database)
    key = await filed(database, attempt)
    async with database.transaction() as tx:
        await appeals.decide(tx, key, appeals.UPHELD, attempt.person_id, "有", NOW)
        assert await attempts.texts(tx, "x", "d") == [(attempt.id, "您别急")]
        (row,) = await attempts.to_correct(tx, [attempt.id or 0])
        await attempts.correct(tx, row, SCORE | {"band": 3}, 3, 75)
        await attempts.withdraw(tx, row, NOW)
        assert await attempts.texts(tx, "x", "d") == []
        assert await attempts.to_correct(tx, [attempt.id or 0]) == []
        assert await attempts.firsts(tx, attempt.person_id, "x") == []
        assert await appeals.upheld(tx) == []
