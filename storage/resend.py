"""Deliveries that an operator decides about: found, sent again as a row of their own, or given up."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import col, select

from storage.database import Tx
from storage.deliveries import CANCELLED, DUE, FAILED, UNKNOWN
from storage.models import Content, Delivery
from storage.statements import chunks, insert_new

RESENT = "resent"
"""The status of a row that was sent again: what became of it is as unknown as before, but it is decided."""

UNDECIDED = (UNKNOWN, FAILED)
_AGAIN = re.compile(r":resend:(\d+)$")


async def find(
    tx: Tx, statuses: Sequence[str], *, kind: str | None = None, after: int = 0, limit: int = 500
) -> list[Delivery]:
    """Deliveries in one of these states, by id, those beyond `after`."""
    query = select(Delivery).where(col(Delivery.status).in_(statuses), col(Delivery.id) > after)
    if kind is not None:
        query = query.where(Delivery.kind == kind)
    return list((await tx.scalars(query.order_by(col(Delivery.id)).limit(limit))).all())


async def by_id(tx: Tx, ids: Collection[int]) -> list[Delivery]:
    """The deliveries with these ids, as far as they exist."""
    found: list[Delivery] = []
    for block in chunks(ids):
        found += (await tx.scalars(select(Delivery).where(col(Delivery.id).in_(block)))).all()
    return sorted(found, key=lambda row: row.id or 0)


async def count(tx: Tx, status: str) -> int:
    """How many deliveries are in a state."""
    return int(await tx.scalar(select(func.count()).select_from(Delivery).where(Delivery.status == status)) or 0)


async def known_contents(tx: Tx, digests: Collection[str]) -> set[str]:
    """Which of these contents are still kept."""
    found: set[str] = set()
    for block in chunks(digests):
        found |= set((await tx.scalars(select(Content.digest).where(col(Content.digest).in_(block)))).all())
    return found


async def again(tx: Tx, row: Delivery, now: datetime, due_at: datetime, expires_at: datetime | None) -> int | None:
    """Owe an undecided delivery once more, from the first part that is not known to be out; returns the new row's id,
    None when somebody else has decided meanwhile."""
    if not await _decide(tx, [row.id or 0], UNDECIDED, RESENT, "已重发"):
        return None
    values = {
        "key": next_key(row.key),
        "person_id": row.person_id,
        "platform": row.platform,
        "recipient": row.recipient,
        "kind": row.kind,
        "content": row.content,
        "status": DUE,
        "parts": 0,
        "parts_sent": row.parts_sent,
        "tries": 0,
        "due_at": due_at,
        "expires_at": expires_at,
        "message_id": "",
        "error": "",
        "created_at": now,
    }
    result = await tx.execute(insert_new(tx, Delivery).values(**values).returning(col(Delivery.id)))
    return result.scalar()


def next_key(key: str) -> str:
    """The key of the next try: `question:7` → `question:7:resend:1` → `question:7:resend:2`."""
    found = _AGAIN.search(key)
    number = int(found.group(1)) if found else 0
    return f"{_AGAIN.sub('', key)}:resend:{number + 1}"


def original(key: str) -> str:
    """The key without what resending added."""
    return _AGAIN.sub("", key)


async def cancel(tx: Tx, ids: Collection[int]) -> int:
    """Give up deliveries that are undecided or not yet sent; returns how many."""
    return await _decide(tx, ids, (*UNDECIDED, DUE), CANCELLED, "运维取消")


async def _decide(tx: Tx, ids: Collection[int], expected: Sequence[str], status: str, why: str) -> int:
    done = 0
    for block in chunks(ids):
        query = (
            update(Delivery)
            .where(col(Delivery.id).in_(block), col(Delivery.status).in_(expected))
            .values(status=status, error=func.substr(why + "；" + col(Delivery.error), 1, 200))
        )
        result = await tx.execute(query, execution_options={"synchronize_session": False})
        done += int(getattr(result, "rowcount", 0))
    return done
