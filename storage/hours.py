"""When people work: shifts, wishes and absences of many at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlmodel import col

from bot.core.calendar import Shift
from storage.database import Tx
from storage.models import Absence, Person
from storage.people import Reached
from storage.statements import chunks

REST = "rest"

_COLUMNS: Any = (Person.id, Person.shift_start, Person.shift_end, Person.remind_at, Person.active)
_DAYS: Any = (Absence.person_id, Absence.kind, Absence.first_day, Absence.last_day)
_AWAY = select(*_DAYS).where(
    col(Absence.person_id).in_(bindparam("people", expanding=True)),
    or_(col(Absence.last_day).is_(None), col(Absence.last_day) >= bindparam("since")),
)


@dataclass(frozen=True)
class Away:
    """Days on which nobody writes to a person, both included; without `last` it goes on until they are back."""

    kind: str  # leave · pause · rest
    first: date
    last: date | None = None

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Times:
    """When one person may be written to: their shift, from what time on they want it, and the days they are away."""

    person_id: int
    shift: Shift = Shift()
    remind_at: time | None = None
    away: tuple[Away, ...] = ()
    active: bool = True

    @property
    def awake(self) -> Times:
        """Without the rests that the bot itself has set: they hold questions back, but are nobody's time off."""
        return replace(self, away=tuple(each for each in self.away if each.kind != REST))


def times_of(person: Person | Reached, away: Collection[Away] = ()) -> Times:
    shift = Shift(person.shift_start, person.shift_end)
    return Times(person.id or 0, shift, person.remind_at, tuple(away), person.active)


async def known(tx: Tx, person_ids: Collection[int], since: date) -> dict[int, Times]:
    """The times of some people, with the absences that are not over on the day `since`, whenever they begin."""
    found: dict[int, Times] = {}
    for block in chunks(sorted(set(person_ids))):
        away = await _away(tx, block, since)
        query = select(*_COLUMNS).where(col(Person.id).in_(block))
        for key, start, end, remind_at, active in await tx.execute(query):
            found[key] = Times(key, Shift(start, end), remind_at, tuple(away.get(key, ())), active)
    return found


async def of(tx: Tx, person: Person, since: date) -> Times:
    """The times of one person whose row is at hand."""
    away = await _away(tx, [person.id or 0], since)
    return times_of(person, away.get(person.id or 0, ()))


async def _away(tx: Tx, person_ids: Collection[int], since: date) -> dict[int, list[Away]]:
    found: dict[int, list[Away]] = {}
    for key, kind, first, last in await tx.execute(_AWAY, {"people": list(person_ids), "since": since}):
        found.setdefault(key, []).append(Away(kind, first, last))
    return found
