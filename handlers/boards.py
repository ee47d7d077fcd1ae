"""The weekly board by the clock: who gets last week's board, and when."""

from __future__ import annotations

from datetime import time, timedelta

from handlers import hours
from handlers.context import TickContext
from handlers.manager import board_message, week_of
from storage import campaigns as rows
from storage import people
from storage.deliveries import Owed
from storage.hours import times_of


async def weekly(context: TickContext) -> list[Owed]:
    """On the first working day of the week each manager gets last week's board."""
    desk = context.desk
    monday = context.today - timedelta(days=context.today.weekday())
    start = desk.calendar.at(context.today, desk.settings.board_at)
    if not context.week_begins or not start <= context.now < desk.calendar.at(context.today, time(18, 0)):
        return []
    if not await rows.fire(context.tx, f"boards@{monday}", "planned", context.now):
        return []
    house, end_of_day = hours.House.of(desk), desk.calendar.at(context.today, time(23, 39))
    absent = await people.absent_on(context.tx, context.today)
    first, last = week_of(context.today)
    owed = []
    for managed in await people.managers(context.tx):
        key = managed.person.id or 0
        when = hours.write_at(house, times_of(managed.person), start, context.now, end_of_day)
        if key in absent or when is None:
            continue
        message = await board_message(context.tx, desk, managed.departments, first, last, context.now, str(key))
        if message.picture is not None:  # a week without questions has no board
            owed.append(Owed(f"board:{monday}:{key}", key, "board", message, when))
    return owed
