"""Where each person's talk stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import select

from storage.database import Tx
from storage.models import Conversation
from storage.statements import put, table_of

_STATE = select(Conversation.state).where(Conversation.person_id == bindparam("person_id"))


async def load(tx: Tx, person_id: int) -> dict[str, Any]:
    state = await tx.scalar(_STATE, {"person_id": person_id})
    return dict(state) if state else {}


async def save(tx: Tx, person_id: int, state: dict[str, Any], now: datetime) -> None:
    values = {"person_id": person_id, "state": state, "updated_at": now}
    await tx.execute(put(tx, table_of(Conversation), "person_id"), values)
