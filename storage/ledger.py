"""The numbers of the working-time ledger: what went out and came in, counted by its stamp."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlmodel import col

from storage.database import Tx
from storage.deliveries import ANSWER, SENT, UNKNOWN
from storage.models import Delivery, Inbox, Person

EVENTS = ("enter", "subscribe", "unsubscribe")
"""What comes in and is nobody's words."""


@dataclass(frozen=True)
class Count:
    """So many messages of one department, kind and stamp. `unsure`: nobody can say whether they arrived."""

    department_id: int
    kind: str
    stamp: str
    unsure: bool
    messages: int


async def pushes(
    tx: Tx, since: datetime, until: datetime, department_ids: Collection[int] | None = None
) -> list[Count]:
    """What was sent without being asked for from `since` up to `until`, by the department people are in now."""
    what: Any = (Person.department_id, Delivery.kind, Delivery.stamp, Delivery.status)
    query = (
        select(*what, func.count())
        .join(Person, col(Person.id) == col(Delivery.person_id))
        .where(
            col(Delivery.sent_at) >= since,
            col(Delivery.sent_at) < until,
            or_(col(Delivery.status).in_([SENT, UNKNOWN]), col(Delivery.parts_sent) > 0),
            col(Delivery.kind) != ANSWER,
        )
        .group_by(*what)
    )
    rows = await tx.execute(_within(query, department_ids))
    return [Count(home, kind, stamp, status == UNKNOWN, count) for home, kind, stamp, status, count in rows]


async def replies(
    tx: Tx, since: datetime, until: datetime, department_ids: Collection[int] | None = None
) -> list[Count]:
    """What people wrote from `since` up to `until`, events left out."""
    what: Any = (Person.department_id, Inbox.stamp)
    query = (
        select(*what, func.count())
        .join(Person, col(Person.id) == col(Inbox.person_id))
        .where(
            col(Inbox.received_at) >= since,
            col(Inbox.received_at) < until,
            col(Inbox.kind).not_in(EVENTS),
        )
        .group_by(*what)
    )
    rows = await tx.execute(_within(query, department_ids))
    return [Count(home, "reply", stamp, False, count) for home, stamp, count in rows]


def _within(query: Any, department_ids: Collection[int] | None) -> Any:
    return query if department_ids is None else query.where(col(Person.department_id).in_(list(department_ids)))
