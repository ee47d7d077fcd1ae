"""Appeals against scores: filed once for each answer and subject, decided once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, update
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Appeal, Attempt
from storage.statements import insert_new

OPEN, UPHELD, REJECTED, VOID = "open", "upheld", "rejected", "void"

_GRANTED = select(Appeal.subject).where(
    Appeal.digest == bindparam("digest"), Appeal.reply == bindparam("reply"), Appeal.status == UPHELD
)


async def file(tx: Tx, appeal: Appeal) -> Appeal | None:
    """Keep a new appeal; None when this answer and subject have one already."""
    values = appeal.model_dump(exclude={"id"})
    key = await tx.scalar(insert_new(tx, Appeal).values(**values).returning(col(Appeal.id)))
    return await get(tx, key) if key is not None else None


async def get(tx: Tx, appeal_id: int) -> Appeal | None:
    """An appeal as it is now, also when this transaction has read it before."""
    return await tx.get(Appeal, appeal_id, populate_existing=True)


async def of_attempt(tx: Tx, attempt_id: int) -> list[Appeal]:
    query = select(Appeal).where(Appeal.attempt_id == attempt_id)
    return list((await tx.scalars(query.order_by(col(Appeal.id)))).all())


async def of_person(tx: Tx, person_id: int, limit: int = 8) -> list[Appeal]:
    """A person's appeals, the latest first."""
    query = select(Appeal).where(Appeal.person_id == person_id).order_by(col(Appeal.id).desc())
    return list((await tx.scalars(query.limit(limit))).all())


async def waiting(tx: Tx, limit: int) -> list[Appeal]:
    """The appeals nobody has decided, the oldest first."""
    query = select(Appeal).where(Appeal.status == OPEN).order_by(col(Appeal.created_at), col(Appeal.id))
    return list((await tx.scalars(query.limit(limit))).all())


async def count_waiting(tx: Tx) -> int:
    return sum((await waiting_by_person(tx)).values())


async def waiting_by_person(tx: Tx, before: datetime | None = None) -> dict[int, int]:
    """How many appeals wait for a decision, by who filed them; with `before` only those filed before that moment."""
    query = select(Appeal.person_id, func.count()).where(Appeal.status == OPEN).group_by(col(Appeal.person_id))
    if before is not None:
        query = query.where(col(Appeal.created_at) < before)
    return dict((await tx.execute(query)).all())


async def lock_same(tx: Tx, row: Appeal) -> list[Appeal]:
    """The open appeals about the same words and the same subject, locked in the order of their ids."""
    query = select(Appeal).where(Appeal.digest == row.digest, Appeal.reply == row.reply, Appeal.subject == row.subject)
    query = query.where(Appeal.status == OPEN).order_by(col(Appeal.id)).with_for_update()
    return list((await tx.scalars(query.execution_options(populate_existing=True))).all())


async def decide(tx: Tx, appeal_id: int, status: str, person_id: int, ruling: str, now: datetime) -> bool:
    """Decide an open appeal; False when it is no longer open, because somebody else was faster or it is void."""
    query = (
        update(Appeal)
        .where(col(Appeal.id) == appeal_id, col(Appeal.status) == OPEN)
        .values(status=status, decided_by=person_id, ruling=ruling, decided_at=now)
    )
    result: Any = await tx.execute(query, execution_options={"synchronize_session": False})
    return bool(result.rowcount)


async def void(tx: Tx, attempt_id: int) -> int:
    """The answer was taken back: what is open about it needs no decision; returns how many that were."""
    query = update(Appeal).where(col(Appeal.attempt_id) == attempt_id, col(Appeal.status) == OPEN).values(status=VOID)
    result: Any = await tx.execute(query, execution_options={"synchronize_session": False})
    return int(result.rowcount)


async def granted(tx: Tx, digest: str, reply: str) -> frozenset[str]:
    """The subjects that were upheld for this reply to this version of a lesson."""
    return frozenset(await tx.scalars(_GRANTED, {"digest": digest, "reply": reply}))


async def upheld(tx: Tx, lesson_id: str | None = None) -> list[tuple[Appeal, Attempt]]:
    """The upheld appeals with the answers they were about, by lesson, the oldest first."""
    query = select(Appeal, Attempt).join(Attempt, col(Attempt.id) == col(Appeal.attempt_id))
    query = query.where(Appeal.status == UPHELD, col(Attempt.withdrawn_at).is_(None))
    if lesson_id is not None:
        query = query.where(Appeal.lesson_id == lesson_id)
    rows = await tx.execute(query.order_by(col(Appeal.lesson_id), col(Appeal.id)))
    return [(appeal, attempt) for appeal, attempt in rows]
