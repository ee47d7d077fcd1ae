"""What goes into the groups by the clock, through their robots: the card for the morning meeting and the week's board.

Each goes once into every group, on the first working day of the week. A group is no person: it has no shift and no
leave, and cannot answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta

from bot.core.messages import Message
from handlers import hours, huddle
from handlers.context import TickContext
from handlers.manager import board_message, week_of
from storage import campaigns as rows
from storage import people
from storage.deliveries import Owed

RECIPIENT = "group"
"""The one recipient of a group's robot."""

_MEETING = timedelta(hours=2)  # after that the morning's meeting is over
_EVENING = time(18, 0)


async def huddles(context: TickContext) -> list[Owed]:
    """The card of the whole organisation, in time for the meeting or not at all."""
    at = context.desk.settings.huddle_at
    if at is None:
        return []
    start = context.desk.calendar.at(context.today, at)

    async def card() -> Message | None:
        return await huddle.card(context.tx, context.desk, context.today)

    return await _weekly(context, "huddle", start, start + _MEETING, card)


async def boards(context: TickContext) -> list[Owed]:
    """The board of the whole organisation, without its last departments; a week without questions has none."""
    desk = context.desk
    start = desk.calendar.at(context.today, desk.settings.board_at)

    async def board() -> Message | None:
        first, last = week_of(context.today)
        scope = frozenset(await people.departments(context.tx))
        message = await board_message(context.tx, desk, scope, first, last, context.now, RECIPIENT, hangs=True)
        return message if message.picture is not None else None

    return await _weekly(context, "group-board", start, desk.calendar.at(context.today, _EVENING), board)


async def _weekly(
    context: TickContext, what: str, start: datetime, end: datetime, make: Callable[[], Awaitable[Message | None]]
) -> list[Owed]:
    """One message to every group, unless it was made before; nothing is posted after `end`."""
    groups = context.desk.settings.groups
    when = hours.after_quiet(hours.House.of(context.desk), context.now, timedelta(minutes=2))
    if not groups or not context.week_begins or not start <= context.now or when >= end:
        return []
    monday = context.today - timedelta(days=context.today.weekday())
    if not await rows.fire(context.tx, f"{what}@{monday}", "planned", context.now):
        return []
    message = await make()
    if message is None:
        return []
    return [Owed(f"{what}:{monday}:{name}", 0, "group", message, when, end, (name, RECIPIENT)) for name in groups]
