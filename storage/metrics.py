"""Figures of the whole database for a monitor: counts through indexes, so that they stay cheap at a million rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import col, func, select

from storage import inbox
from storage.database import Tx
from storage.deliveries import DUE, UNKNOWN
from storage.models import Delivery, Inbox, Token

STATES = ("due", "sending", "sent", "failed", "unknown", "resent", "cancelled")
"""What a delivery can be, for counts that show zeros too."""

DAY = timedelta(days=1)
_GRACE = timedelta(seconds=20)  # what came in so recently is being worked on


@dataclass(frozen=True)
class Queue:
    """Deliveries of one platform that should be on their way: how many, and how many seconds the oldest is late."""

    waiting: int = 0
    late: float = 0.0


@dataclass(frozen=True)
class Figures:
    """One look at the database. `states` counts what was due in the last 24 hours, `unknown` everything."""

    queues: dict[str, Queue]
    states: dict[str, int]
    unknown: dict[str, int]
    unfinished: int
    failed: int  # of 24 hours
    tokens: dict[str, float]  # by the token's name: seconds until it expires


async def hurry(tx: Tx, milliseconds: int) -> None:
    """Let PostgreSQL itself give up a statement of this transaction after so long; SQLite has no such thing."""
    if tx.get_bind().dialect.name == "postgresql":
        await tx.execute(text(f"SET LOCAL statement_timeout = {int(milliseconds)}"))


async def look(tx: Tx, now: datetime, tokens: Sequence[str] = ()) -> Figures:
    """The figures at a moment; `tokens` are the names of the access tokens to look for."""
    return Figures(
        await queues(tx, now),
        await _states(tx, now - DAY),
        await unknown(tx),
        await _messages(tx, inbox.NEW, None, now - _GRACE),
        await failed_messages(tx, now - DAY),
        await _tokens(tx, tokens, now),
    )


async def queues(tx: Tx, now: datetime) -> dict[str, Queue]:
    """Overdue deliveries by platform; a platform with none is not named."""
    query = (
        select(Delivery.platform, func.count(), func.min(Delivery.due_at))
        .where(Delivery.status == DUE, col(Delivery.due_at) <= now)
        .group_by(col(Delivery.platform))
    )
    rows: list[Any] = list(await tx.execute(query))
    return {platform: Queue(count, (now - oldest).total_seconds()) for platform, count, oldest in rows}


async def unknown(tx: Tx) -> dict[str, int]:
    """Deliveries of which nobody knows whether they arrived, by platform."""
    query = select(Delivery.platform, func.count()).where(Delivery.status == UNKNOWN)
    return dict((await tx.execute(query.group_by(col(Delivery.platform)))).all())


async def failed_messages(tx: Tx, since: datetime) -> int:
    """Incoming messages that could not be handled, received since a moment."""
    return await _messages(tx, inbox.FAILED, since, None)


async def database_time(tx: Tx) -> datetime | None:
    """What time the database server believes it is; None on SQLite, which has no clock of its own."""
    if tx.get_bind().dialect.name != "postgresql":
        return None
    moment = (await tx.execute(text("SELECT clock_timestamp()"))).scalar_one()
    assert isinstance(moment, datetime)
    return moment


async def _states(tx: Tx, since: datetime) -> dict[str, int]:
    query = (
        select(Delivery.status, func.count())
        .where(col(Delivery.status).in_(STATES), col(Delivery.due_at) >= since)
        .group_by(col(Delivery.status))
    )
    return dict.fromkeys(STATES, 0) | dict((await tx.execute(query)).all())


async def _messages(tx: Tx, status: str, since: datetime | None, before: datetime | None) -> int:
    query = select(func.count()).select_from(Inbox).where(col(Inbox.status) == status)
    if since is not None:
        query = query.where(col(Inbox.received_at) >= since)
    if before is not None:
        query = query.where(col(Inbox.received_at) < before)
    return int(await tx.scalar(query) or 0)


async def _tokens(tx: Tx, names: Sequence[str], now: datetime) -> dict[str, float]:
    query = select(Token.name, Token.expires_at).where(col(Token.name).in_(names))
    rows: list[Any] = list(await tx.execute(query))
    return {name: (expires_at - now).total_seconds() for name, expires_at in rows}
