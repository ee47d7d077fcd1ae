"""Campaigns and the record of what fired when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Campaign, Firing
from storage.statements import insert_new

DRAFT, RUNNING, PAUSED, ENDED = "draft", "running", "paused", "ended"


async def add(tx: Tx, row: Campaign) -> Campaign:
    tx.add(row)
    await tx.flush()
    return row


async def get(tx: Tx, campaign_id: str) -> Campaign | None:
    return await tx.get(Campaign, campaign_id)


async def all_of(tx: Tx) -> list[Campaign]:
    """Every campaign, the running ones first, then the latest."""
    order = {RUNNING: 0, DRAFT: 1, PAUSED: 2, ENDED: 3}
    rows = list((await tx.scalars(select(Campaign).order_by(col(Campaign.created_at).desc()))).all())
    return sorted(rows, key=lambda row: order.get(row.status, 9))


async def running(tx: Tx) -> list[Campaign]:
    query = select(Campaign).where(Campaign.status == RUNNING).order_by(col(Campaign.approved_at), col(Campaign.id))
    return list((await tx.scalars(query)).all())


async def due(tx: Tx, now: datetime) -> list[Campaign]:
    """Running campaigns whose next moment has come, in the order they were approved."""
    query = select(Campaign).where(Campaign.status == RUNNING, col(Campaign.next_at) <= now)
    return list((await tx.scalars(query.order_by(col(Campaign.approved_at), col(Campaign.id)))).all())


async def played_out(tx: Tx) -> list[Campaign]:
    """Running campaigns whose last day has been planned."""
    query = select(Campaign).where(Campaign.status == RUNNING, col(Campaign.next_at).is_(None))
    return list((await tx.scalars(query)).all())


async def advance(tx: Tx, campaign_id: str, old: datetime, new: datetime | None) -> bool:
    """Move `next_at` on if nobody else has; True for the one who did."""
    query = (
        update(Campaign)
        .where(col(Campaign.id) == campaign_id, col(Campaign.next_at) == old, col(Campaign.status) == RUNNING)
        .values(next_at=new)
    )
    result = await tx.execute(query, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0)) == 1


async def change(tx: Tx, row: Campaign, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    await tx.flush()


async def fire(tx: Tx, key: str, outcome: str, now: datetime, *, people: int = 0, detail: str = "") -> bool:
    """Record that something fired; False when that key has fired before."""
    values = {"key": key, "outcome": outcome, "people": people, "detail": detail, "at": now}
    result = await tx.execute(insert_new(tx, Firing).values(**values).returning(col(Firing.key)))
    return result.scalar() is not None


async def conclude(tx: Tx, key: str, outcome: str, detail: str) -> None:
    """What became of something that fired and took its time."""
    row = await tx.get(Firing, key)
    if row is not None:
        row.outcome, row.detail = outcome, detail[:200]
        await tx.flush()


async def fired(tx: Tx, key: str) -> Firing | None:
    return await tx.get(Firing, key)
