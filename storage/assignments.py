"""Questions put to people, the lesson versions they saw, and the ladder cards."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, update
from sqlmodel import col, select

from lessons.ladder import Card
from storage.database import Tx
from storage.models import Assignment, Delivery, LessonVersion, Review
from storage.statements import chunks, insert_new, put, table_of

_QUESTION = re.compile(r"question:(\d+)")
WAITING, OPEN, ANSWERED, MISSED, WITHDRAWN = "waiting", "open", "answered", "missed", "withdrawn"

# Every message asks these: written down once, they cost half of what they cost when they are built each time.
_OF = select(Assignment).where(Assignment.person_id == bindparam("person")).order_by(col(Assignment.id))
_OPEN_OF = _OF.where(Assignment.status == OPEN, col(Assignment.opens_at) <= bindparam("now"))
_OF_DAY = _OF.where(Assignment.day == bindparam("day"))
_CARD = select(Review).where(Review.person_id == bindparam("person"), Review.lesson_id == bindparam("lesson"))
_DUE_CARDS = select(Review).where(col(Review.due_on) <= bindparam("day")).order_by(col(Review.due_on), col(Review.id))
_DUE_CARDS_OF = _DUE_CARDS.where(Review.person_id == bindparam("person"))


async def keep_version(tx: Tx, digest: str, lesson_id: str, content: str, now: datetime) -> None:
    """Keep what a lesson said when it was used; nothing happens when this version is known."""
    values = {"digest": digest, "lesson_id": lesson_id, "content": content, "first_used_at": now}
    await tx.execute(insert_new(tx, LessonVersion).values(**values))


async def version(tx: Tx, digest: str) -> str | None:
    """The content of a lesson version as JSON."""
    row = await tx.get(LessonVersion, digest)
    return row.content if row else None


async def get(tx: Tx, assignment_id: int) -> Assignment | None:
    return await tx.get(Assignment, assignment_id)


async def add(tx: Tx, row: Assignment) -> Assignment:
    tx.add(row)
    await tx.flush()
    return row


async def add_many(tx: Tx, rows: Iterable[dict[str, Any]]) -> None:
    """Bulk insert; a person who already has the lesson on that day is left alone."""
    statement = insert_new(tx, table_of(Assignment))
    for block in chunks(rows, 2000):
        await tx.execute(statement, block)


async def open_of(tx: Tx, person_id: int, now: datetime) -> list[Assignment]:
    """The unanswered questions a person has been sent, the oldest first."""
    return list((await tx.scalars(_OPEN_OF, {"person": person_id, "now": now})).all())


async def of_day(tx: Tx, person_id: int, day: date) -> list[Assignment]:
    return list((await tx.scalars(_OF_DAY, {"person": person_id, "day": day})).all())


async def all_of_day(tx: Tx, day: date) -> list[Assignment]:
    """Everybody's questions of a day."""
    return list((await tx.scalars(select(Assignment).where(Assignment.day == day))).all())


async def ids_of_day(tx: Tx, lesson_id: str, day: date) -> dict[int, int]:
    """Assignment ids of one lesson on one day, by person."""
    query = select(Assignment.person_id, Assignment.id).where(Assignment.lesson_id == lesson_id, Assignment.day == day)
    return {person: key for person, key in (await tx.execute(query)) if key is not None}


async def counts_of_day(tx: Tx, day: date) -> dict[int, int]:
    """How many questions each person has had on a day; those still waiting do not count."""
    query = (
        select(Assignment.person_id, func.count())
        .where(Assignment.day == day, Assignment.status != WAITING)
        .group_by(col(Assignment.person_id))
    )
    return dict((await tx.execute(query)).all())


async def waiting(tx: Tx, person_id: int | None = None) -> list[Assignment]:
    """Questions that found no room on their day, the oldest first."""
    query = select(Assignment).where(Assignment.status == WAITING).order_by(col(Assignment.id))
    if person_id is not None:
        query = query.where(Assignment.person_id == person_id)
    return list((await tx.scalars(query)).all())


async def unanswered_of_campaign_day(tx: Tx, campaign_id: str, day: date) -> list[Assignment]:
    query = select(Assignment).where(
        Assignment.campaign_id == campaign_id, Assignment.day == day, Assignment.status == OPEN
    )
    return list((await tx.scalars(query)).all())


async def still_open(tx: Tx, campaign_id: str) -> bool:
    """Whether any question of a campaign waits for an answer or for its day."""
    query = select(Assignment.id).where(
        Assignment.campaign_id == campaign_id, col(Assignment.status).in_([OPEN, WAITING])
    )
    return (await tx.scalars(query.limit(1))).first() is not None


async def mark(tx: Tx, ids: Collection[int], status: str) -> None:
    for block in chunks(ids):
        query = update(Assignment).where(col(Assignment.id).in_(block)).values(status=status)
        await tx.execute(query, execution_options={"synchronize_session": False})


async def mark_reminded(tx: Tx, ids: Collection[int]) -> None:
    for block in chunks(ids):
        query = update(Assignment).where(col(Assignment.id).in_(block)).values(reminded=col(Assignment.reminded) + 1)
        await tx.execute(query, execution_options={"synchronize_session": False})


class Missed(NamedTuple):
    """A question that was not answered in time: what is needed of it, for there may be a hundred thousand."""

    id: int
    person_id: int
    lesson_id: str
    day: date
    reason: str


async def miss_overdue(tx: Tx, now: datetime) -> list[Missed]:
    """Mark open questions whose deadline has passed as missed, and return those that this call marked, in order."""
    query = (
        update(table_of(Assignment))
        .where(col(Assignment.status) == OPEN, col(Assignment.due_at) <= now)
        .values(status=MISSED)
        .returning(*(getattr(Assignment, name) for name in Missed._fields))
    )
    return sorted(Missed(*row) for row in await tx.execute(query))


async def open_later(tx: Tx, delivery_ids: Collection[int], moment: datetime) -> None:
    """What these deliveries ask is not shown before a moment: until then no free text is an answer to it."""
    for block in chunks(delivery_ids):
        keys = await tx.scalars(select(Delivery.key).where(col(Delivery.id).in_(block)))
        asked = [int(found[1]) for key in keys if (found := _QUESTION.fullmatch(key))]
        query = update(Assignment).where(col(Assignment.id).in_(asked), col(Assignment.status) == OPEN)
        await tx.execute(query.values(opens_at=moment), execution_options={"synchronize_session": False})


async def campaign_counts(tx: Tx, campaign_id: str) -> dict[str, int]:
    """How many questions of a campaign stand in each status."""
    query = (
        select(Assignment.status, func.count())
        .where(Assignment.campaign_id == campaign_id)
        .group_by(col(Assignment.status))
    )
    return dict((await tx.execute(query)).all())


async def card(tx: Tx, person_id: int, lesson_id: str) -> Review | None:
    return (await tx.scalars(_CARD, {"person": person_id, "lesson": lesson_id})).first()


async def put_card(tx: Tx, person_id: int, lesson_id: str, value: Card, now: datetime) -> None:
    """Write a person's ladder card for a lesson."""
    values = {"person_id": person_id, "lesson_id": lesson_id, **asdict(value), "updated_at": now}
    await tx.execute(put(tx, table_of(Review), "person_id", "lesson_id"), values)


async def all_cards(tx: Tx) -> set[tuple[int, str]]:
    """(person, lesson) of every card."""
    return {(person, lesson) for person, lesson in await tx.execute(select(Review.person_id, Review.lesson_id))}


async def drop_card(tx: Tx, person_id: int, lesson_id: str) -> None:
    row = await card(tx, person_id, lesson_id)
    if row is not None:
        await tx.delete(row)
        await tx.flush()


async def cards(tx: Tx, person_id: int) -> list[Review]:
    """A person's cards that are still on the ladder, the next due first."""
    query = select(Review).where(Review.person_id == person_id, col(Review.due_on).is_not(None))
    return list((await tx.scalars(query.order_by(col(Review.due_on), col(Review.id)))).all())


async def retired_count(tx: Tx, person_id: int) -> int:
    query = select(func.count()).select_from(Review).where(Review.person_id == person_id, col(Review.due_on).is_(None))
    return int((await tx.scalar(query)) or 0)


async def due_cards(tx: Tx, day: date, person_id: int | None = None) -> list[Review]:
    """Cards due on or before a day, the oldest first."""
    if person_id is None:
        return list((await tx.scalars(_DUE_CARDS, {"day": day})).all())
    return list((await tx.scalars(_DUE_CARDS_OF, {"day": day, "person": person_id})).all())


async def put_off(tx: Tx, rows: Sequence[Missed], day: date) -> None:
    """Returning questions that were missed come back on a later day instead of every day."""
    for row in rows:
        held = await card(tx, row.person_id, row.lesson_id)
        if held is not None and held.due_on is not None and held.due_on <= row.day:
            held.due_on = day
    await tx.flush()


async def bulk(tx: Tx, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Plain bulk insert, for seeding."""
    for block in chunks(rows, 2000):
        await tx.execute(insert(table), block)
