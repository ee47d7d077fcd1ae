"""What senders do with delivery rows: find what is due, leave it to a call, claim it, write down that it was sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, update
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from storage.database import Tx
from storage.deliveries import ANSWER, DUE, SENDING, SENT, record
from storage.models import Delivery
from storage.statements import chunks, table_of


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


async def in_flight_of_others(tx: Tx, owners: Collection[str], before: datetime) -> list[Delivery]:
    """Deliveries that another, presumably dead, sender marked as being sent before a moment, locked.

    What another replica is settling at the same time is left to it.
    """
    query = select(Delivery).where(
        Delivery.status == SENDING, col(Delivery.owner).not_in(list(owners)), col(Delivery.sent_at) < before
    )
    return list((await tx.scalars(query.with_for_update(skip_locked=True))).all())
