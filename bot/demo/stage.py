"""The demo as the chat page sees it: who one may be, what time it is, and jumping ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import Literal

from bot.core.clock import ShiftedClock
from bot.demo.history import play
from bot.demo.organisation import CAST, ROLE_NAMES, seed
from bot.demo.waiting import leave
from bot.web.chat import Persona
from handlers.context import Desk
from storage import people
from storage import settings as stored
from storage.database import Database
from storage.models import Role

MORNING = time(9, 34, 30)
"""When the demo's day begins: after the question, the returning questions and the board are due."""

_CLOCK, _WAITING = "demo_clock", "demo_waiting"
_DECIDER = "何静"
_VISITORS = frozenset(name for name, _ in CAST)


class Stage:
    """The demo as the chat page sees it: who one may be, what time it is, and jumping ahead."""

    def __init__(self, database: Database, desk: Desk, clock: ShiftedClock, tick: Callable[[], Awaitable[int]]) -> None:
        self._database, self._desk, self._clock, self._tick = database, desk, clock, tick
        self._jumping = asyncio.Lock()

    async def cast(self) -> list[Persona]:
        async with self._database.reading() as tx:
            by_name = {person.name: person for person in await people.named(tx, [name for name, _ in CAST])}
            found = []
            for name, blurb in CAST:
                person = by_name.get(name)
                if person is not None and person.id is not None:
                    role = _foremost(await people.roles(tx, person.id))
                    found.append(Persona(person.id, name, str(role), ROLE_NAMES[role], blurb))
        return found

    def now(self) -> datetime:
        return self._clock.now()

    async def sync(self) -> None:
        """Take over the time that another replica jumped to."""
        async with self._database.reading() as tx:
            offset = await stored.get(tx, _CLOCK)
        if offset is not None:
            self._clock.offset = timedelta(seconds=float(offset))

    async def open(self) -> None:
        """Fill an empty database, once however many replicas start, and set the clock to the demo's time."""
        async with self._database.transaction() as tx:
            await stored.lock(tx)
            if await stored.get(tx, _CLOCK) is None:
                self._clock.jump_to(first_morning(self._desk, self._desk.calendar.today(self._clock.now())))
                await seed(tx, self._desk, self._clock.now())
                self._clock.jump_to(first_morning(self._desk, self._desk.calendar.today(self._clock.now())))
                await stored.put(tx, _CLOCK, str(self._clock.offset.total_seconds()))
        await self.sync()

    async def settle(self) -> None:
        """Leave work for trainers and the operator, once. It scores, so it comes when the scorer has been loaded: the
        first question does not wait for that."""
        async with self._database.transaction() as tx:
            await stored.lock(tx)
            if await stored.get(tx, _WAITING) is None:
                await leave(tx, self._desk, self._clock.now(), _DECIDER)
                await stored.put(tx, _WAITING, "left")

    async def jump(self, to: Literal["tomorrow", "monday"]) -> datetime:
        """Go to the next working morning, or to that of the next week; colleagues work through the days between."""
        async with self._jumping:
            calendar, today = self._desk.calendar, self._desk.calendar.today(self._clock.now())
            target = calendar.next_working(today)
            if to == "monday":
                target = calendar.on_or_after(today + timedelta(days=7 - today.weekday()))
            async with self._database.transaction() as tx:
                await play(tx, self._desk, today, target, self._clock.now(), _VISITORS)
                self._clock.jump_to(calendar.at(target, MORNING))
                await stored.put(tx, _CLOCK, str(self._clock.offset.total_seconds()))
            await self._tick()
            return self._clock.now()


def _foremost(roles: frozenset[Role]) -> Role:
    order = (Role.OPERATOR, Role.TRAINER, Role.COMPLIANCE, Role.MANAGER)
    return next((role for role in order if role in roles), Role.LEARNER)


def first_morning(desk: Desk, today: date) -> datetime:
    """The demo's first moment: the next working morning, today's included."""
    return desk.calendar.at(desk.calendar.on_or_after(today), MORNING)
