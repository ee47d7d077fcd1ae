"""Replies with their scores."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, or_
from sqlmodel import col, select

from storage.assignments import ANSWERED, OPEN
from storage.database import Tx
from storage.models import Assignment, Attempt
from storage.statements import chunks

_OF_ASSIGNMENT = select(Attempt).where(Attempt.assignment_id == bindparam("assignment")).order_by(col(Attempt.number))


async def add(tx: Tx, row: Attempt) -> Attempt:
    tx.add(row)
    await tx.flush()
    return row


def board_day(question: Assignment, number: int) -> date | None:
    """The day on whose board a try may count: a first try at a campaign's question that is open or was answered."""
    in_time = question.status in {OPEN, ANSWERED}
    return question.day if number == 1 and question.reason == "campaign" and in_time else None


async def get(tx: Tx, attempt_id: int) -> Attempt | None:
    return await tx.get(Attempt, attempt_id)


async def of_assignment(tx: Tx, assignment_id: int) -> list[Attempt]:
    """Every try at one question, in order, withdrawn ones included."""
    return list((await tx.scalars(_OF_ASSIGNMENT, {"assignment": assignment_id})).all())


async def recent(tx: Tx, person_id: int, limit: int = 60) -> list[Attempt]:
    """A person's tries that stand, the latest first."""
    query = select(Attempt).where(Attempt.person_id == person_id, col(Attempt.withdrawn_at).is_(None))
    return list((await tx.scalars(query.order_by(col(Attempt.id).desc()).limit(limit))).all())


async def counted(tx: Tx, person_id: int, limit: int = 60) -> list[Attempt]:
    """A person's first tries at questions that were put to them, those that count, the latest first."""
    query = (
        select(Attempt)
        .join(Assignment, col(Assignment.id) == col(Attempt.assignment_id))
        .where(Attempt.person_id == person_id, Attempt.number == 1, Assignment.reason != "own")
        .where(col(Attempt.withdrawn_at).is_(None), col(Attempt.copied).is_(False), col(Attempt.trial).is_(False))
    )
    return list((await tx.scalars(query.order_by(col(Attempt.id).desc()).limit(limit))).all())


async def firsts(tx: Tx, person_id: int, lesson_id: str) -> list[Attempt]:
    """A person's first tries at one lesson that moved its ladder card, in order."""
    query = (
        select(Attempt)
        .where(Attempt.person_id == person_id, Attempt.lesson_id == lesson_id, Attempt.number == 1)
        .where(col(Attempt.withdrawn_at).is_(None), col(Attempt.trial).is_(False))
    )
    return list((await tx.scalars(query.order_by(col(Attempt.id)))).all())


async def texts(tx: Tx, lesson_id: str, digest: str) -> list[tuple[int, str]]:
    """(id, text) of every try at one version of a lesson that stands."""
    query = select(col(Attempt.id), Attempt.text).where(
        Attempt.lesson_id == lesson_id, Attempt.digest == digest, col(Attempt.withdrawn_at).is_(None)
    )
    return [(key, text) for key, text in await tx.execute(query) if key is not None]


async def to_correct(tx: Tx, ids: Collection[int]) -> list[Attempt]:
    """Tries that stand, as they are now, locked in the order of their ids until the transaction ends."""
    found: list[Attempt] = []
    for block in chunks(sorted(ids)):
        query = select(Attempt).where(col(Attempt.id).in_(block), col(Attempt.withdrawn_at).is_(None))
        query = query.order_by(col(Attempt.id)).with_for_update().execution_options(populate_existing=True)
        found += (await tx.scalars(query)).all()
    return found


async def correct(tx: Tx, row: Attempt, score: dict[str, Any], band: int, points: int) -> None:
    """Put a corrected score in the place of the first one; the appeal keeps that."""
    row.score, row.band, row.points = score, band, points
    await tx.flush()


async def last_assigned(tx: Tx, person_id: int) -> Assignment | None:
    """The question a person answered last."""
    query = (
        select(Assignment)
        .join(Attempt, col(Attempt.assignment_id) == col(Assignment.id))
        .where(Assignment.person_id == person_id)
        .order_by(col(Attempt.id).desc())
    )
    return (await tx.scalars(query.limit(1))).first()


async def days_asked(tx: Tx, person_id: int, since: date) -> Sequence[tuple[date, str]]:
    """(day, status) of every question since a day, for the streak; own practice only when it was answered."""
    query = (
        select(col(Assignment.day), col(Assignment.status))
        .where(Assignment.person_id == person_id, col(Assignment.day) >= since, Assignment.status != "waiting")
        .where(or_(col(Assignment.reason) != "own", col(Assignment.status) == "answered"))
        .order_by(col(Assignment.day).desc())
    )
    return list(await tx.execute(query))


async def withdraw(tx: Tx, attempt: Attempt, now: datetime) -> None:
    attempt.withdrawn_at = now
    await tx.flush()
