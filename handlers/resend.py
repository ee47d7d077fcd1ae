"""Sending again what may not have arrived: shared by the operator's chat and the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from handlers import hours
from handlers.context import TickContext
from storage import assignments, audit, people, resend
from storage.deliveries import PUSHES
from storage.hours import times_of
from storage.models import Delivery

USEFUL = timedelta(hours=24)  # what has no deadline of its own is of no use after that
_ASSIGNED = re.compile(r"(?:question|remind\d+):(\d+)$")


@dataclass(frozen=True)
class Actor:
    """Who decides."""

    name: str
    id: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of each: sent again, or why not. Ids of the old rows."""

    again: tuple[int, ...] = ()
    late: tuple[int, ...] = ()  # their moment has passed
    away: tuple[int, ...] = ()  # the person may not be written to today any more
    other: tuple[int, ...] = ()  # already decided, still on its way, or its content is gone


async def resend_all(context: TickContext, rows: Sequence[Delivery], actor: Actor, *, force: bool = False) -> Outcome:
    """Owe deliveries once more, each as a new row; the old ones are marked, and the audit log says who did it.

    What came too late is left alone without `force`; nobody is written to outside their working time even with it.
    """
    contents = await resend.known_contents(context.tx, {row.content for row in rows})
    absent = await people.absent_on(context.tx, context.today)
    done: dict[str, list[int]] = {"again": [], "late": [], "away": [], "other": []}
    new: list[int] = []
    for row in rows:
        fate, key = await _resend(context, row, contents, absent, force=force)
        done[fate].append(row.id or 0)
        new += [key] if key is not None else []
    if new:
        await audit.write(
            context.tx, context.now, actor.name, "deliveries.resend", f"{len(new)} 条", actor_id=actor.id,
            old=done["again"], new=new, force=force,
        )  # fmt: skip
    return Outcome(**{fate: tuple(ids) for fate, ids in done.items()})


async def cancel_all(context: TickContext, rows: Sequence[Delivery], actor: Actor) -> int:
    """Give deliveries up; returns how many were still to be decided about or to be sent."""
    ids = [row.id or 0 for row in rows]
    done = await resend.cancel(context.tx, ids)
    if done:
        await audit.write(
            context.tx, context.now, actor.name, "deliveries.cancel", f"{done} 条", actor_id=actor.id, ids=ids
        )
    return done


async def _resend(
    context: TickContext, row: Delivery, contents: set[str], absent: dict[int, str], *, force: bool
) -> tuple[str, int | None]:
    """The fate of one row, and the id of its successor."""
    if row.status not in resend.UNDECIDED or row.content not in contents:
        return "other", None
    if not force and await _passed(context, row):
        return "late", None
    expires_at = row.expires_at if row.expires_at is not None and row.expires_at > context.now else None
    due_at = await _when(context, row, expires_at, absent)
    if due_at is None:
        return "away", None
    key = await resend.again(context.tx, row, context.now, due_at, expires_at)
    return ("again", key) if key is not None else ("other", None)


async def _passed(context: TickContext, row: Delivery) -> bool:
    """Whether it is too late for a message: after its deadline, a day after it was written, or once the question it is
    about has been answered."""
    if row.expires_at is not None and row.expires_at <= context.now:
        return True
    if row.expires_at is None and context.now - row.created_at > USEFUL:
        return True
    found = _ASSIGNED.match(resend.original(row.key))
    if found is None:
        return False
    assigned = await assignments.get(context.tx, int(found.group(1)))
    return assigned is None or assigned.status != assignments.OPEN


async def _when(
    context: TickContext, row: Delivery, expires_at: datetime | None, absent: dict[int, str]
) -> datetime | None:
    """When to send it: an answer at once, what nobody asked for only in the person's working time; None: not today."""
    if row.kind not in PUSHES or row.person_id is None:
        return context.now
    person = await people.get(context.tx, row.person_id)
    if person is None or not person.active or row.person_id in absent:
        return None
    latest = expires_at or context.desk.calendar.at(context.today, time(23, 59))
    return hours.write_at(hours.House.of(context.desk), times_of(person), context.now, context.now, latest)
