"""Messages owed to people: enqueue, claim, and record what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from bot.core.messages import Message
from storage.assignments import insert_new
from storage.database import Tx
from storage.models import Content, Delivery
from storage.people import addresses, chunks

ANSWER = "answer"
PUSHES = ("challenge", "reminder", "board")
"""The kinds that nobody asked for."""

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
        "parts": 0,
        "parts_sent": 0,
        "tries": 0,
        "due_at": owed.due_at,
        "expires_at": owed.expires_at,
        "message_id": "",
        "error": "",
        "created_at": now,
    }


async def due(
    tx: Tx, now: datetime, platforms: Collection[str], limit: int, *, answers_only: bool = False
) -> list[Delivery]:
    """Deliveries to be sent now, in the order they were owed.

    A person's later message waits for the earlier one, also while that is held back or tried again; but an answer
    waits only for answers.
    """
    earlier = aliased(Delivery)
    waits = (
        select(earlier.id)
        .where(
            earlier.recipient == Delivery.recipient,
            earlier.platform == Delivery.platform,
            col(earlier.status).in_([DUE, SENDING]),
            or_(col(earlier.due_at) <= now, col(earlier.tries) > 0, col(earlier.error) != ""),
            or_(col(earlier.kind) == ANSWER, col(Delivery.kind) != ANSWER),
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
    if answers_only:
        query = query.where(Delivery.kind == ANSWER)
    return list((await tx.scalars(query)).all())


async def claim(tx: Tx, ids: Collection[int], owner: str, batch: str, now: datetime, parts: int = 1) -> set[int]:
    """Mark deliveries as being sent by `owner` in one call, `batch` — the intent, committed before the call.

    `parts` is how many calls show them. Returns those it got: another sender may have tried one meanwhile, and put it
    off, or into a batch of its own.
    """
    got: set[int] = set()
    for block in chunks(ids):
        query = (
            update(Delivery)
            .where(
                col(Delivery.id).in_(block),
                col(Delivery.status) == DUE,
                col(Delivery.due_at) <= now,
                or_(col(Delivery.batch).is_(None), col(Delivery.batch) == batch),
            )
            .values(
                status=SENDING,
                owner=owner,
                batch=batch,
                parts=parts,
                tries=col(Delivery.tries) + 1,
                sent_at=now,
            )
            .returning(col(Delivery.id))
        )
        result = await tx.execute(query, execution_options={"synchronize_session": False})
        got |= {key for key in result.scalars() if key is not None}
    return got


async def sent(tx: Tx, ids: Collection[int], part: int, parts: int, message_id: str, now: datetime) -> None:
    """One accepted call: `part` of `parts` are out. Every call's message id is kept, in order."""
    known = func.trim(col(Delivery.message_id) + " " + message_id)
    status = SENT if part >= parts else SENDING
    await record(tx, ids, status=status, parts_sent=part, message_id=known, sent_at=now, error="")


async def hold(tx: Tx, until: Mapping[int, datetime]) -> None:
    """Put off deliveries that have not been taken up, because the person has no room for them."""
    for row_id, moment in until.items():
        await record(tx, [row_id], only=DUE, due_at=moment, error="这位同事收到的消息到了平台的上限，过一会儿发")


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


async def of_call(tx: Tx, platform: str, recipient: str, key: str) -> tuple[Delivery, Message] | None:
    """What somebody was sent in one call, by the key the call was made with (batch.part)."""
    mine = Delivery.recipient == recipient, Delivery.platform == platform
    query = select(Delivery).where(*mine, Delivery.batch == key.rpartition(".")[0]).order_by(col(Delivery.id))
    row = (await tx.scalars(query.limit(1))).first()
    message = (await messages(tx, [row.content])).get(row.content) if row is not None else None
    return (row, message) if row is not None and message is not None else None


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
    rows: list[Any] = list(await tx.execute(query))
    return [Send(*row) for row in rows]


async def calls(tx: Tx, platform: str, since: datetime) -> int:
    """How many calls of a platform's API carried what was sent since a moment, as far as the vendor named them."""
    query = select(func.count(func.distinct(Delivery.message_id))).where(
        Delivery.platform == platform, col(Delivery.sent_at) >= since, col(Delivery.message_id) != ""
    )
    return int(await tx.scalar(query) or 0)
