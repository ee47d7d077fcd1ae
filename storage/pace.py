"""How much more each person may be sent now: vendors drop what is over their limit for one person, and say nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, select, text
from sqlmodel import col

from storage.database import Tx
from storage.models import Delivery
from storage.statements import chunks

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_ALL, _ANY = text("SELECT pg_advisory_xact_lock(7243)"), text("SELECT pg_advisory_xact_lock_shared(7243)")
_ONE = text("SELECT pg_advisory_xact_lock(7243, hashtext(:who))")
_LOOK_AGAIN = timedelta(seconds=5)  # when only calls under way are in the way


@dataclass(frozen=True)
class Pace:
    """What one person may be sent: calls in any minute and in any hour, by every sender together."""

    per_minute: int
    per_hour: int


async def lock(tx: Tx, platform: str, recipients: Collection[str]) -> None:
    """Hold back every other claim for these people until the transaction ends; on SQLite it has the only write lock.

    Claims for one person do not wait for each other's; one for several waits for all, and all for it. Rows are locked
    before, never after.
    """
    if tx.get_bind().dialect.name != "postgresql":
        return
    if len(recipients) > 1:
        await tx.execute(_ALL)
        return
    await tx.execute(_ANY)
    for recipient in recipients:
        await tx.execute(_ONE, {"who": f"{platform}:{recipient}"})


async def full(
    tx: Tx, platform: str, recipients: Collection[str], need: int, pace: Pace, now: datetime
) -> dict[str, datetime]:
    """Those who have no room for `need` more calls, each with the moment to look again.

    What is being sent or will be repeated counts with all its parts, whenever it began; what is over counts with the
    parts that went out, for a minute and for an hour after the last of them. Ask under `lock`, or two senders may
    both find the same room.
    """
    wanted = min(need, pace.per_minute)
    found: dict[str, datetime] = {}
    for block in chunks(recipients):
        for recipient, minute, hour, since_minute, since_hour in await tx.execute(_spent(platform, block, now)):
            if int(minute) + wanted > pace.per_minute:
                found[recipient] = _free(since_minute, _MINUTE, now)
            if int(hour) + wanted > pace.per_hour:
                found[recipient] = _free(since_hour, _HOUR, now)
    return found


def _free(since: datetime | None, window: timedelta, now: datetime) -> datetime:
    return max(since + window, now + timedelta(seconds=1)) if since is not None else now + _LOOK_AGAIN


def _spent(platform: str, recipients: list[str], now: datetime) -> Any:
    """(recipient, calls of the last minute, of the last hour, the oldest of each that can run out)."""
    live = or_(col(Delivery.status) == "sending", and_(col(Delivery.status) == "due", col(Delivery.batch).is_not(None)))
    over = col(Delivery.parts_sent) + case((col(Delivery.status) == "unknown", 1), else_=0)
    recent = and_(~live, col(Delivery.sent_at) > now - _MINUTE)
    return (
        select(
            col(Delivery.recipient),
            func.sum(case((live, col(Delivery.parts)), (recent, over), else_=0)),
            func.sum(case((live, col(Delivery.parts)), else_=over)),
            func.min(case((recent, col(Delivery.sent_at)))),
            func.min(case((~live, col(Delivery.sent_at)))),
        )
        .where(
            col(Delivery.recipient).in_(recipients),
            col(Delivery.platform) == platform,
            or_(col(Delivery.sent_at) > now - _HOUR, live),
        )
        .group_by(col(Delivery.recipient))
    )
