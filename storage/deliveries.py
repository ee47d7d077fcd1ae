"""Messages owed to people: enqueue, claim, and record what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from bot.core.messages import Message
from storage.assignments import insert_new
from storage.database import Tx
from storage.models import Content, Delivery
from storage.people import addresses, chunks

DUE, SENDING, SENT, FAILED, UNKNOWN, CANCELLED = "due", "sending", "sent", "failed", "unknown", "cancelled"


@dataclass(frozen=True)
class Owed:
    """One message owed to one person. `key` makes it unique for ever; `person_id` 0 is somebody we do not know."""

    key: str
    person_id: int
    kind: str
    message: Message
    due_at: datetime
    expires_at: datetime | None = None


async def enqueue(tx: Tx, owed: Iterable[Owed], now: datetime, address: tuple[str, str] | None = None) -> list[int]:
    """Write down what is owed; keys that exist already are left alone. Returns the people without any address.

    `address` (platform, external id) overrides where people prefer to be written to: an answer goes back where the
    question came from.
    """
    rows = list(owed)
    where = {} if address else await addresses(tx, {row.person_id for row in rows})
    unreachable = sorted({row.person_id for row in rows if not address and row.person_id not in where})
    contents = {row.message.digest: row.message.to_json() for row in rows}
    for block in chunks(contents.items(), 500):
        values = [{"digest": digest, "message": text, "created_at": now} for digest, text in block]
        await tx.execute(insert_new(tx, Content), values)
    values = []
    for row in rows:
        platform, recipient = address or where.get(row.person_id, ("", ""))
        if platform:
            values.append(_row(row, platform, recipient, now))
    for block in chunks(values, 2000):
        await tx.execute(insert_new(tx, Delivery), block)
    return unreachable


def _row(owed: Owed, platform: str, recipient: str, now: datetime) -> dict[str, Any]:
    return {
        "key": owed.key,
        "person_id": owed.person_id or None,
        "platform": platform,
        "recipient": recipient,
        "kind": owed.kind,
        "content": owed.message.digest,
        "status": DUE,
        "parts_sent": 0,
        "tries": 0,
        "due_at": owed.due_at,
        "expires_at": owed.expires_at,
        "message_id": "",
        "error": "",
        "created_at": now,
    }


async def due(tx: Tx, now: datetime, platforms: Collection[str], limit: int) -> list[Delivery]:
    """Deliveries to be sent now, in the order they were owed.

    A person's later message waits for the earlier one, also while that is being tried again.
    """
    earlier = aliased(Delivery)
    waits = (
        select(earlier.id)
        .where(
            earlier.recipient == Delivery.recipient,
            earlier.platform == Delivery.platform,
            col(earlier.status).in_([DUE, SENDING]),
            or_(col(earlier.due_at) <= now, col(earlier.tries) > 0),
            col(earlier.id) < col(Delivery.id),
        )
        .exists()
    )
    query = (
        select(Delivery)
        .where(Delivery.status == DUE, col(Delivery.due_at) <= now, col(Delivery.platform).in_(list(platforms)), ~waits)
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    return list((await tx.scalars(query)).all())


async def claim(tx: Tx, ids: Collection[int], owner: str, batch: str, now: datetime) -> set[int]:
    """Mark deliveries as being sent by `owner` in one call, `batch` — the intent, committed before the call.

    Returns those it got; a delivery that was in a batch before keeps it.
    """
    got: set[int] = set()
    for block in chunks(ids):
        query = (
            update(Delivery)
            .where(col(Delivery.id).in_(block), col(Delivery.status) == DUE)
            .values(
                status=SENDING,
                owner=owner,
                batch=func.coalesce(col(Delivery.batch), batch),
                tries=col(Delivery.tries) + 1,
                sent_at=now,
            )
            .returning(col(Delivery.id))
        )
        result = await tx.execute(query, execution_options={"synchronize_session": False})
        got |= {key for key in result.scalars() if key is not None}
    return got


async def record(tx: Tx, ids: Collection[int], *, only: str | None = None, **values: Any) -> None:
    """Set columns of deliveries; with `only` of those that still have this status."""
    for block in chunks(ids):
        query = update(Delivery).where(col(Delivery.id).in_(block)).values(**values)
        if only is not None:
            query = query.where(col(Delivery.status) == only)
        await tx.execute(query, execution_options={"synchronize_session": False})


async def in_flight_of_others(tx: Tx, owner: str, before: datetime) -> list[Delivery]:
    """Deliveries that another, presumably dead, sender marked as being sent before a moment, locked.

    What another replica is settling at the same time is left to it.
    """
    query = select(Delivery).where(
        Delivery.status == SENDING, col(Delivery.owner) != owner, col(Delivery.sent_at) < before
    )
    return list((await tx.scalars(query.with_for_update(skip_locked=True))).all())


async def messages(tx: Tx, digests: Collection[str]) -> dict[str, Message]:
    """Contents by digest."""
    found: dict[str, Message] = {}
    for block in chunks(digests):
        query = select(Content).where(col(Content.digest).in_(block))
        found |= {row.digest: Message.from_json(row.message) for row in await tx.scalars(query)}
    return found


async def cancel_owed(tx: Tx, person_id: int, kinds: Sequence[str], expected: Sequence[str] = (DUE,)) -> int:
    """Cancel what has not been sent yet, for a person who paused; returns how many."""
    query = (
        update(Delivery)
        .where(
            col(Delivery.person_id) == person_id,
            col(Delivery.kind).in_(list(kinds)),
            col(Delivery.status).in_(list(expected)),
        )
        .values(status=CANCELLED)
    )
    result = await tx.execute(query, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0))


async def counts(tx: Tx, since: datetime) -> dict[str, int]:
    """How many deliveries stand in each status since a moment."""
    query = (
        select(Delivery.status, func.count()).where(col(Delivery.created_at) >= since).group_by(col(Delivery.status))
    )
    return dict((await tx.execute(query)).all())


async def next_due(tx: Tx, now: datetime, within: timedelta) -> datetime | None:
    """When the next delivery falls due, if that is soon."""
    query = select(func.min(Delivery.due_at)).where(Delivery.status == DUE, col(Delivery.due_at) <= now + within)
    value: datetime | None = await tx.scalar(query)
    return value
