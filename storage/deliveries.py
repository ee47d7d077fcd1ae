"""Messages owed to people: enqueue, claim, and record what became of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, or_, update
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from bot.core.messages import Message
from storage.assignments import insert_new, table_of
from storage.database import Tx
from storage.models import Content, Delivery
from storage.people import addresses, chunks

ANSWER = "answer"
PUSHES = ("challenge", "reminder", "board")
"""The kinds that nobody asked for."""

DUE, SENDING, SENT, FAILED, UNKNOWN, CANCELLED = "due", "sending", "sent", "failed", "unknown", "cancelled"
GIVEN_UP = case((col(Delivery.owner).is_(None), CANCELLED), else_=UNKNOWN)
"""The status of what is not tried again: unknown where an earlier call may have been carried out."""


class Due(NamedTuple):
    """What is known of a delivery that is to be sent: the columns that sorting and sending need, and no more."""

    id: int
    person_id: int | None
    platform: str
    recipient: str
    kind: str
    content: str
    batch: str | None
    parts_sent: int
    tries: int
    owner: str | None
    due_at: datetime
    expires_at: datetime | None
    sent_at: datetime | None
    created_at: datetime


# What every call asks is written down once; building it anew costs as much as running it.
_ROWS = table_of(Delivery)
_THESE = col(Delivery.id).in_(bindparam("ids", expanding=True))
_STILL = (
    columns(*(getattr(Delivery, name) for name in Due._fields))
    .where(col(Delivery.status) == DUE, col(Delivery.due_at) <= bindparam("now"))
    .order_by(col(Delivery.id))
)
_FIRST = _STILL.where(_THESE, col(Delivery.batch).is_(None)).with_for_update()
_AGAIN = _STILL.where(col(Delivery.batch) == bindparam("call")).with_for_update()
_FREE = or_(col(Delivery.queued_until).is_(None), col(Delivery.queued_until) <= bindparam("now"))
_QUEUE = (
    update(_ROWS)
    .where(_THESE, col(Delivery.status) == DUE, _FREE)
    .values(queued_until=bindparam("until"))
    .returning(col(Delivery.id))
)
_CLAIM = (
    update(_ROWS)
    .where(_THESE)
    .values(status=SENDING, owner=bindparam("sender"), batch=bindparam("call"), parts=bindparam("calls"))
    .values(sent_at=bindparam("now"), queued_until=None, tries=col(Delivery.tries) + 1)
)
_SENT = (
    update(_ROWS)
    .where(_THESE)
    .values(status=bindparam("to"), parts_sent=bindparam("part"), sent_at=bindparam("now"), error="")
    .values(message_id=func.trim(col(Delivery.message_id) + " " + bindparam("vendors")))
)
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


async def due(
    tx: Tx, now: datetime, platforms: Collection[str], limit: int, *, answers_only: bool = False
) -> list[Due]:
    """Deliveries to be sent now that are in no queued call, in the order they were owed.

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
    query = _STILL.where(col(Delivery.platform).in_(list(platforms)), _FREE, ~waits).limit(limit)
    if answers_only:
        query = query.where(col(Delivery.kind) == ANSWER)
    return [Due(*row) for row in await tx.execute(query, {"now": now})]


async def queue(tx: Tx, ids: Collection[int], now: datetime, until: datetime) -> set[int]:
    """Leave deliveries to a call that is being queued, until it should have begun; returns those that were free."""
    got: set[int] = set()
    for block in chunks(ids):
        result = await tx.execute(_QUEUE, {"ids": block, "now": now, "until": until})
        got |= {key for key in result.scalars() if key is not None}
    return got


async def unqueue(tx: Tx) -> None:
    """No call is queued any more: the queue has forgotten them."""
    query = update(Delivery).where(col(Delivery.status) == DUE, col(Delivery.queued_until).is_not(None))
    await tx.execute(query.values(queued_until=None), execution_options={"synchronize_session": False})


async def take_up(tx: Tx, ids: Collection[int], batch: str | None, now: datetime) -> list[Due]:
    """What of a call is still to be sent, locked, in order; for a repeat everybody of the first try.

    Others who work on the same rows wait for the end of this transaction and then find nothing.
    """
    found: list[Due] = []
    if batch is not None:
        found = [Due(*row) for row in await tx.execute(_AGAIN, {"call": batch, "now": now})]
    else:
        for block in chunks(sorted(ids)):
            found += [Due(*row) for row in await tx.execute(_FIRST, {"ids": block, "now": now})]
    parts = {row.parts_sent for row in found}
    return found if len(parts) <= 1 else [row for row in found if row.parts_sent == min(parts)]


async def claim(tx: Tx, ids: Collection[int], owner: str, batch: str, now: datetime, parts: int = 1) -> None:
    """Mark deliveries as being sent by `owner` in one call, `batch` — the intent, committed before the call.

    `parts` is how many calls show them.
    """
    for block in chunks(ids):
        await tx.execute(_CLAIM, {"ids": block, "sender": owner, "call": batch, "calls": parts, "now": now})


async def keep(tx: Tx, ids: Collection[int], owner: str, now: datetime) -> int:
    """Renew a claim; returns how many of the deliveries are still this owner's."""
    kept = 0
    for block in chunks(ids):
        query = (
            update(Delivery)
            .where(col(Delivery.id).in_(block), col(Delivery.status) == SENDING, col(Delivery.owner) == owner)
            .values(sent_at=now)
        )
        result = await tx.execute(query, execution_options={"synchronize_session": False})
        kept += int(getattr(result, "rowcount", 0))
    return kept


async def sent(tx: Tx, ids: Collection[int], part: int, parts: int, message_id: str, now: datetime) -> None:
    """One accepted call: `part` of `parts` are out. Every call's message id is kept, in order."""
    to = SENT if part >= parts else SENDING
    for block in chunks(ids):
        await tx.execute(_SENT, {"ids": block, "to": to, "part": part, "vendors": message_id, "now": now})


async def hold(tx: Tx, until: Mapping[int, datetime]) -> None:
    """Put off deliveries that have not been taken up, because the person has no room for them."""
    for row_id, moment in until.items():
        await record(
            tx, [row_id], only=DUE, due_at=moment, queued_until=None,
            error="这位同事收到的消息到了平台的上限，过一会儿发",
        )  # fmt: skip


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


async def in_flight_of_others(tx: Tx, owners: Collection[str], before: datetime) -> list[Delivery]:
    """Deliveries that another, presumably dead, sender marked as being sent before a moment, locked.

    What another replica is settling at the same time is left to it.
    """
    query = select(Delivery).where(
        Delivery.status == SENDING, col(Delivery.owner).not_in(list(owners)), col(Delivery.sent_at) < before
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
