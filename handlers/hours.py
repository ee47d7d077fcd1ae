"""When the bot may write to a person, and how a moment stands to their working time; pure, no database.

Working time is the person's shift on a working day of the organisation's calendar, without the midday quiet, leave
and pauses. A shift that runs past midnight belongs to the day it began; who is away on either of its days is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.core.calendar import WorkCalendar
from handlers.context import Desk
from storage.hours import Times

INSIDE, QUIET, OUTSIDE, FREE, PAUSE, LEAVE = "inside", "quiet", "outside", "free", "pause", "leave"
ASKED = "asked-"
"""Before a stamp outside working time: the person wrote by themselves, or got the answer to what they wrote."""

ON_CALL = ("alarm", "care")
"""Kinds that cannot wait for the morning: a service that is down, a person in danger. They are stamped all the same."""

_FARTHEST = 400  # days to look ahead; no absence with an end is longer
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class House:
    """The organisation's part of working time: its calendar, and the quiet from `quiet_start` to `quiet_end`."""

    calendar: WorkCalendar
    quiet_start: time = time(12, 0)
    quiet_end: time = time(13, 30)

    @classmethod
    def of(cls, desk: Desk) -> House:
        return cls(desk.calendar, desk.settings.quiet_start, desk.settings.quiet_end)


def standing(house: House, times: Times, moment: datetime) -> str:
    """How a moment stands to a person's working time: the first that holds of leave, pause, free (no
    working day), outside (the shift), quiet, else inside."""
    local = house.calendar.local(moment)
    day = shift_day(house, times, moment)
    away = {each.kind for each in times.away if each.covers(day) or each.covers(local.date())}
    if away:
        return LEAVE if "leave" in away else PAUSE
    if not house.calendar.is_working(day):
        return FREE
    if not times.shift.holds(local.time()):
        return OUTSIDE
    return QUIET if house.quiet_start <= local.time() < house.quiet_end else INSIDE


def stamp(house: House, times: Times, moment: datetime, *, asked: bool) -> str:
    """The ledger's stamp of a message at `moment`; `asked`: what a person wrote, or the answer to it."""
    found = standing(house, times, moment)
    return ASKED + found if asked and found != INSIDE else found


def shift_day(house: House, times: Times, moment: datetime) -> date:
    """The day whose shift a moment belongs to: in the small hours of a night shift it is the day before."""
    local = house.calendar.local(moment)
    late = times.shift.start > times.shift.end and local.time() < times.shift.end
    return local.date() - _DAY if late else local.date()


def again(house: House, times: Times, now: datetime) -> datetime | None:
    """The next moment at which a person may be written to: `now` itself if that is one, None if none is in sight.

    Others are spread after the start of the shift or the end of the quiet, so that a hold does not end in a burst.
    """
    wished = _wished(house, times, shift_day(house, times, now))
    if standing(house, times, now) == INSIDE and (wished is None or now >= wished):
        return now
    today = house.calendar.today(now)
    for ahead in range(-1, _FARTHEST):  # yesterday: its night shift may still run
        day = today + timedelta(days=ahead)
        if house.calendar.is_working(day):
            moment = _on(house, times, day, now)
            if moment is not None:
                return moment
        if any(each.last is None and each.first <= day for each in times.away):
            return None
    return None


def _on(house: House, times: Times, day: date, now: datetime) -> datetime | None:
    """The first moment from `now` on in the shift of `day` at which they may be written to."""
    opens, closes = _span(house, times, day)
    moment = now if now >= opens else opens + spread(times.person_id)
    moment = max(moment, _wished(house, times, day) or moment)
    moment = off_the_half_hour(house, after_quiet(house, moment, spread(times.person_id)))
    return moment if moment < closes and standing(house, times, moment) == INSIDE else None


def _span(house: House, times: Times, day: date) -> tuple[datetime, datetime]:
    """When the shift of `day` begins and ends, in UTC."""
    shift = times.shift
    last = day + _DAY if shift.start > shift.end else day
    return house.calendar.at(day, shift.start).astimezone(UTC), house.calendar.at(last, shift.end).astimezone(UTC)


def _wished(house: House, times: Times, day: date) -> datetime | None:
    """From when on the person wants to be written to in the shift of `day`; a wish outside the shift does not count."""
    wish = times.remind_at
    if wish is None or not times.shift.holds(wish):
        return None
    return house.calendar.at(day + _DAY if wish < times.shift.start else day, wish).astimezone(UTC)


def spread(person_id: int) -> timedelta:
    """2–18 whole minutes, always the same for a person: whole, so that equal messages still travel together."""
    return timedelta(minutes=2 + person_id % 17)


def after_quiet(house: House, moment: datetime, jitter: timedelta) -> datetime:
    """The moment itself, or shortly after the quiet hours it falls into."""
    local = house.calendar.local(moment)
    if house.quiet_start <= local.time() < house.quiet_end:
        return house.calendar.at(local.date(), house.quiet_end).astimezone(UTC) + jitter
    return moment


def off_the_half_hour(house: House, moment: datetime) -> datetime:
    """The moment itself, or two minutes later when it falls into minute 0 or 30 (WeCom's advice for mass sending)."""
    return moment + timedelta(minutes=2) if house.calendar.local(moment).minute in (0, 30) else moment


def write_at(house: House, times: Times, wanted: datetime, now: datetime, latest: datetime) -> datetime | None:
    """When to write to a person who is owed something from `wanted` on; None: not before `latest`."""
    start = off_the_half_hour(house, max(wanted, now))
    moment = again(house, times, start)
    return moment if moment is not None and moment <= latest else None
