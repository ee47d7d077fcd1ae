"""Messages that came in: stored once, found again, taken up again after a crash."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from bot.core.messages import Incoming
from storage.database import Tx
from storage.models import Inbox
from storage.statements import insert_new

NEW, DONE, FAILED = "new", "done", "failed"


async def store(tx: Tx, incoming: Incoming, text: str, now: datetime, tries: int = 0) -> Inbox | None:
    """Store a message with its masked text; None when the vendor has sent it before."""
    values = {
        "platform": incoming.platform,
        "key": incoming.key,
        "sender": incoming.sender,
        "kind": str(incoming.kind),
        "text": text,
        "status": NEW,
        "tries": tries,
        "carried": "[]",
        "received_at": now,
    }
    rows = await tx.scalars(insert_new(tx, Inbox).returning(Inbox), values)
    row: Inbox | None = rows.first()
    return row


async def find(tx: Tx, platform: str, key: str) -> Inbox | None:
    return (await tx.scalars(select(Inbox).where(Inbox.platform == platform, Inbox.key == key))).first()


async def unfinished(tx: Tx, before: datetime, limit: int = 100) -> list[Inbox]:
    """Messages stored but not handled, older than `before`, the oldest first."""
    query = select(Inbox).where(Inbox.status == NEW, col(Inbox.received_at) < before)
    return list((await tx.scalars(query.order_by(col(Inbox.id)).limit(limit))).all())
