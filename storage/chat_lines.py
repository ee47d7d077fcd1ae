"""Lines of the local web chat: add once, read on, read back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func
from sqlmodel import col, select

from bot.core.messages import Message
from storage.database import Tx
from storage.models import ChatLine, Person
from storage.statements import insert_new


async def lock(tx: Tx, person_ids: Iterable[int]) -> set[int]:
    """Those of `person_ids` who exist, locked until the transaction ends.

    Whoever adds lines locks first: then a person's ids become visible in order, and reading on from the last id
    misses nothing (PostgreSQL commits out of order otherwise).
    """
    query = (
        select(Person.id)
        .where(col(Person.id).in_(sorted(set(person_ids))))
        .order_by(col(Person.id))
        .with_for_update(key_share=True)
    )
    return {found for found in (await tx.execute(query)).scalars() if found is not None}


async def knows(tx: Tx, person_id: int) -> bool:
    return (await tx.execute(select(Person.id).where(col(Person.id) == person_id))).first() is not None


async def add(tx: Tx, person_id: int, mine: bool, message: Message, key: str, at: datetime) -> int | None:
    """The new line's id; None when a line with this key is already there."""
    values = {"person_id": person_id, "mine": mine, "message": message.to_json(), "key": key, "at": at}
    added: int | None = await tx.scalar(insert_new(tx, ChatLine).values(**values).returning(col(ChatLine.id)))
    return added


async def by_key(tx: Tx, key: str) -> ChatLine | None:
    return (await tx.execute(select(ChatLine).where(col(ChatLine.key) == key))).scalar_one_or_none()


async def after(tx: Tx, person_id: int, last_id: int, limit: int) -> list[ChatLine]:
    """The lines that follow `last_id`, oldest first."""
    query = (
        select(ChatLine)
        .where(col(ChatLine.person_id) == person_id, col(ChatLine.id) > last_id)
        .order_by(col(ChatLine.id))
        .limit(limit)
    )
    return list((await tx.execute(query)).scalars())


async def latest(tx: Tx, person_id: int, limit: int, before: int | None = None) -> list[ChatLine]:
    """The newest lines (those older than `before`, when given), oldest first."""
    query = select(ChatLine).where(col(ChatLine.person_id) == person_id)
    if before is not None:
        query = query.where(col(ChatLine.id) < before)
    newest_first = (await tx.execute(query.order_by(col(ChatLine.id).desc()).limit(limit))).scalars()
    return list(newest_first)[::-1]


async def newest_id(tx: Tx, person_id: int, *, mine: bool | None = None) -> int:
    """The id of the person's newest line, of either direction or of one; 0 when there is none."""
    query = select(func.max(col(ChatLine.id))).where(col(ChatLine.person_id) == person_id)
    if mine is not None:
        query = query.where(col(ChatLine.mine) == mine)
    return (await tx.execute(query)).scalar_one_or_none() or 0


async def newest_answers(tx: Tx, person_ids: Iterable[int]) -> dict[int, int]:
    """Person id → id of the newest line from the bot, for those who have one."""
    query = (
        select(ChatLine.person_id, func.max(col(ChatLine.id)))
        .where(col(ChatLine.person_id).in_(list(person_ids)), col(ChatLine.mine).is_(False))
        .group_by(col(ChatLine.person_id))
    )
    return {person_id: newest or 0 for person_id, newest in (await tx.execute(query)).all()}


async def forget(tx: Tx, key: str) -> None:
    """Take away what a person typed, by the key it came in with."""
    await tx.execute(delete(ChatLine).where(col(ChatLine.key) == key, col(ChatLine.mine).is_(True)))
