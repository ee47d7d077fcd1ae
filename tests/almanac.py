"""2026 as the State Council ordered it, and working time worked out again from it: what the tests believe.

Written down by hand from its notice on the holidays of 2026, on purpose without the program's calendar.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from bot.core.clock import SHANGHAI


def _days(first: str, last: str) -> set[date]:
    start, end = date.fromisoformat(f"2026-{first}"), date.fromisoformat(f"2026-{last}")
    return {start + timedelta(days=n) for n in range((end - start).days + 1)}


HOLIDAYS = (
    _days("01-01", "01-03")
    | _days("02-15", "02-23")
    | _days("04-04", "04-06")
    | _days("05-01", "05-05")
    | _days("06-19", "06-21")
    | _days("09-25", "09-27")
    | _days("10-01", "10-07")
)
WORKED_WEEKENDS = {date.fromisoformat(f"2026-{day}") for day in ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")}


def worked(day: date) -> bool:
    return day in WORKED_WEEKENDS or (day.weekday() < 5 and day not in HOLIDAYS)


def standing(moment: datetime, shift: tuple[time, time], away: Iterable[tuple[str, date, date | None]] = ()) -> str:
    """What a stamp must say of a moment: `away` are (kind, first day, last day)."""
    local = moment.astimezone(SHANGHAI)
    today, minute = local.date(), local.hour * 60 + local.minute
    start, end = (60 * each.hour + each.minute for each in shift)
    begun = today - timedelta(days=1) if end < start and minute < end else today
    kinds = {kind for kind, first, last in away for day in (today, begun) if first <= day <= (last or date.max)}
    if kinds:
        return "leave" if "leave" in kinds else "pause"
    if not worked(begun):
        return "free"
    inside = start <= minute < end if start <= end else minute >= start or minute < end
    if not inside:
        return "outside"
    return "quiet" if 720 <= minute < 810 else "inside"
