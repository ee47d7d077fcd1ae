"""What a whole database says was owed, sent, said and scored: for holding a run against a vendor's own log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, select

from bot.core.messages import Message
from storage import deliveries, inbox
from storage.database import Tx
from storage.models import Attempt, Delivery, Inbox


@dataclass(frozen=True)
class Evidence:
    """Every delivery, incoming message and attempt, and the messages by digest."""

    deliveries: tuple[Delivery, ...]
    inbox: tuple[Inbox, ...]
    attempts: tuple[Attempt, ...]
    contents: Mapping[str, Message]


async def everything(tx: Tx) -> Evidence:
    """All of it, in memory: for databases of a run, not of an organisation."""
    owed = tuple((await tx.scalars(select(Delivery).order_by(col(Delivery.id)))).all())
    came = tuple((await tx.scalars(select(Inbox).order_by(col(Inbox.id)))).all())
    tries = tuple((await tx.scalars(select(Attempt).order_by(col(Attempt.id)))).all())
    return Evidence(owed, came, tries, await deliveries.messages(tx, {row.content for row in owed}))


async def open_work(tx: Tx) -> int:
    """How many deliveries are neither sent nor settled, and messages not answered."""
    waiting = col(Delivery.status).in_([deliveries.DUE, deliveries.SENDING])
    owed = await tx.scalar(select(func.count()).select_from(Delivery).where(waiting))
    came = await tx.scalar(select(func.count()).select_from(Inbox).where(Inbox.status == inbox.NEW))
    return int(owed or 0) + int(came or 0)
