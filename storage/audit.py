"""The append-only record of changes; every row's hash covers the row before it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Audit


async def write(
    tx: Tx, now: datetime, actor: str, action: str, subject: str, *, actor_id: int | None = None, **detail: Any
) -> None:
    """Record one change by a trainer, manager or operator."""
    if tx.get_bind().dialect.name == "postgresql":
        await tx.execute(text("SELECT pg_advisory_xact_lock(7241)"))  # one writer at a time keeps the chain whole
    last = (await tx.scalars(select(Audit).order_by(col(Audit.id).desc()).limit(1))).first()
    row = Audit(at=now.astimezone(UTC), actor_id=actor_id, actor=actor, action=action, subject=subject, detail=detail)
    row.previous = last.hash if last else ""
    row.hash = _digest(row)
    tx.add(row)
    await tx.flush()


def _digest(row: Audit) -> str:
    content = [row.at.isoformat(), row.actor_id, row.actor, row.action, row.subject, row.detail, row.previous]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


async def entries(tx: Tx, limit: int = 100) -> list[Audit]:
    """The latest entries, newest first."""
    return list((await tx.scalars(select(Audit).order_by(col(Audit.id).desc()).limit(limit))).all())


async def broken_at(tx: Tx) -> int | None:
    """The id of the first row whose hash does not fit, None when the chain is whole."""
    previous = ""
    for row in await tx.scalars(select(Audit).order_by(col(Audit.id))):
        if row.previous != previous or row.hash != _digest(row):
            return row.id
        previous = row.hash
    return None
