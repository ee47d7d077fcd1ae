"""Messages owed to people: enqueue, claim, and record what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, update
from sqlmodel import col, select

from bot.core.messages import Message
from storage.database import Tx
from storage.models import Content, Delivery
from storage.people import addresses
from storage.statements import chunks, insert_new, table_of

ANSWER = "answer"
PUSHES = ("challenge", "reminder", "board")
"""The kinds that nobody asked for."""

DUE, SENDING, SENT, FAILED, UNKNOWN, CANCELLED = "due", "sending", "sent", "failed", "unknown", "cancelled"
GIVEN_UP = case((col(Delivery.owner).is_(None), CANCELLED), else_=UNKNOWN)
"""The status of what is not tried again: unknown where an earlier call may have been carried out."""


_ROWS = table_of(Delivery)
_CANCEL = (
    update(_ROWS)
    .where(
        col(Delivery.person_id) == bindparam("person"),
        col(Delivery.kind).in_(bindparam("kinds", expanding=True)),
        col(Delivery.status).in_(bindparam("expected", expanding=True)),
    )
    .values(status=GIVEN_UP)
)


@dataclass(frozen=True, slots=True)
class Owed:
    """One message owed to one person. `key` makes it unique for ever; `person_id` 0 is somebody we do not know.

    `address` (platform, external id) overrides where they prefer to be written to; a group has nothing else.
    """

    key: str
    person_id: int
    kind: str
    message: Message
    due_at: datetime
    expires_at: datetime | None = None
    address: tuple[str, str] | None = None


async def enqueue(tx: Tx, owed: Iterable[Owed], now: datetime, address: tuple[str, str] | None = None) -> list[int]:
    """Write down what is owed; keys that exist already are left alone. Returns the people without any address.

    `address` (platform, external id) overrides where all of it goes: an answer goes back where the question came from.
    """
    rows = list(owed)
    if not rows:
        return []
    asked = set() if address else {row.person_id for row in rows if not row.address}
    where = await addresses(tx, asked) if asked else {}
    unreachable = sorted(asked - set(where))
    contents = {row.message.digest: row.message for row in rows}
    for block in chunks(contents.items(), 500):
        values = [{"digest": digest, "message": each.to_json(), "created_at": now} for digest, each in block]
        await tx.execute(insert_new(tx, Content), values)
    reached = ((row, address or row.address or where.get(row.person_id)) for row in rows)
    statement = insert_new(tx, table_of(Delivery))
    for block in chunks((_row(row, *to, now) for row, to in reached if to), 2000):
        await tx.execute(statement, block)
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
        "parts": 0,
        "parts_sent": 0,
        "tries": 0,
        "due_at": owed.due_at,
        "expires_at": owed.expires_at,
        "message_id": "",
        "error": "",
        "created_at": now,
    }


async def record(tx: Tx, ids: Collection[int], *, only: str | None = None, **values: Any) -> None:
    """Set columns of deliveries; with `only` of those that still have this status."""
    for block in chunks(ids):
        query = update(_ROWS).where(col(Delivery.id).in_(block)).values(**values)
        await tx.execute(query if only is None else query.where(col(Delivery.status) == only))


async def doubt(tx: Tx, key: str, error: str, now: datetime) -> None:
    """One call was made for what is owed under `key`, and nobody knows what became of it; for seeding."""
    query = update(Delivery).where(col(Delivery.key) == key)
    values = {"status": UNKNOWN, "parts": 1, "tries": 1, "sent_at": now, "error": error}
    await tx.execute(query.values(**values), execution_options={"synchronize_session": False})


async def messages(tx: Tx, digests: Collection[str]) -> dict[str, Message]:
    """Contents by digest."""
    found: dict[str, Message] = {}
    for block in chunks(digests):
        query = select(Content).where(col(Content.digest).in_(block))
        found |= {row.digest: Message.from_json(row.message) for row in await tx.scalars(query)}
    return found


async def of_call(tx: Tx, platform: str, recipient: str, key: str) -> tuple[Delivery, Message] | None:
    """What somebody was sent in one call, by the key the call was made with (batch.part)."""
    mine = Delivery.recipient == recipient, Delivery.platform == platform
    query = select(Delivery).where(*mine, Delivery.batch == key.rpartition(".")[0]).order_by(col(Delivery.id))
    row = (await tx.scalars(query.limit(1))).first()
    message = (await messages(tx, [row.content])).get(row.content) if row is not None else None
    return (row, message) if row is not None and message is not None else None


async def cancel_owed(tx: Tx, person_id: int, kinds: Sequence[str], expected: Sequence[str] = (DUE,)) -> int:
    """Cancel what has not been sent yet, for a person who paused; returns how many."""
    values = {"person": person_id, "kinds": list(kinds), "expected": list(expected)}
    result = await tx.execute(_CANCEL, values)
    return int(getattr(result, "rowcount", 0))


async def counts(tx: Tx, since: datetime) -> dict[str, int]:
    """How many deliveries stand in each status since a moment."""
    query = select(Delivery.status, func.count()).where(col(Delivery.created_at) >= since)
    return dict((await tx.execute(query.group_by(col(Delivery.status)))).all())


@dataclass(frozen=True)
class Send:
    """One message as it went out: its ids at the vendor, to how many people, when first."""

    message_id: str
    content: str
    people: int
    at: datetime


async def recent_sends(tx: Tx, platform: str, since: datetime, limit: int = 30) -> list[Send]:
    """What went out on a platform since a moment, the newest first."""
    first = func.min(Delivery.sent_at)
    query = (
        select(Delivery.message_id, Delivery.content, func.count(), first)
        .where(Delivery.platform == platform, Delivery.status == SENT, col(Delivery.sent_at) > since)
        .where(col(Delivery.message_id) != "")
        .group_by(col(Delivery.message_id), col(Delivery.content))
        .order_by(first.desc())
        .limit(limit)
    )
    found: Any = await tx.execute(query)
    return [Send(*row) for row in found]


async def calls(tx: Tx, platform: str, since: datetime) -> int:
    """How many calls of a platform's API carried what was sent since a moment, as far as the vendor named them."""
    query = select(func.count(func.distinct(Delivery.message_id))).where(
        Delivery.platform == platform, col(Delivery.sent_at) >= since, col(Delivery.message_id) != ""
    )
    return int(await tx.scalar(query) or 0)
