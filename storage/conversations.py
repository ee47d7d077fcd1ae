"""Where each person's talk stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from storage.database import Tx
from storage.models import Conversation


async def load(tx: Tx, person_id: int) -> dict[str, Any]:
    row = await tx.get(Conversation, person_id)
    return dict(row.state) if row else {}


async def save(tx: Tx, person_id: int, state: dict[str, Any], now: datetime) -> None:
    row = await tx.get(Conversation, person_id)
    if row is None:
        tx.add(Conversation(person_id=person_id, state=state, updated_at=now))
    elif row.state != state:
        row.state, row.updated_at = state, now
    await tx.flush()
