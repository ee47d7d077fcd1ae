"""Which days are worked and which hours may be used: holidays, 调休, overrides, shifts and quiet hours.

Holidays come from the package chinesecalendar; a local file adds or corrects days. Outside the years the package
knows, plain weekdays are used and `known` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import yaml

from bot.core.clock import SHANGHAI
from bot.core.errors import ContentError, Fault, relative

_A_YEAR_OF_CHANGES = 10  # a year has more moved and free weekdays than that; fewer is no calendar
_LONGEST_BREAK = 400  # days to look ahead before giving up
_LISTS = {"work": True, "free": False}
_SHAPE = "只能有 work（上班）和 free（休息）两个列表"


@dataclass(frozen=True)
class Shift:
    """The hours in which a person may be written to, local time; an end before the start runs past midnight."""

    start: time = time(9, 0)
    end: time = time(18, 0)

    def holds(self, moment: time) -> bool:
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True)
class WorkCalendar:
    """Working days of one organisation in one time zone. `overrides` maps a day to True (worked) or False (free)."""

    zone: ZoneInfo = SHANGHAI
    overrides: Mapping[date, bool] = field(default_factory=dict)

    def known(self, year: int) -> bool:
        """Whether the holidays of `year` are known, by the package or the local file."""
        packaged = {day.year for day in chinese_calendar.holidays}
        return year in packaged or sum(day.year == year for day in self.overrides) >= _A_YEAR_OF_CHANGES

    def is_working(self, day: date) -> bool:
        if day in self.overrides:
            return self.overrides[day]
        return _usually_working(day)

    def next_working(self, day: date, *, steps: int = 1) -> date:
        """The `steps`-th working day after `day`."""
        for ahead in range(1, _LONGEST_BREAK * max(steps, 1)):
            candidate = day + timedelta(days=ahead)
            steps -= self.is_working(candidate)
            if steps <= 0:
                return candidate
        raise ValueError("the calendar has no working days")

    def on_or_after(self, day: date) -> date:
        return day if self.is_working(day) else self.next_working(day)

    def working_between(self, first: date, last: date) -> list[date]:
        """The working days from `first` to `last`, both included."""
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self.is_working(day)]

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def today(self, moment: datetime) -> date:
        return self.local(moment).date()

    def at(self, day: date, clock: time) -> datetime:
        """The aware moment of a local wall-clock time on `day` (the first of two on a daylight-saving fold)."""
        return datetime.combine(day, clock, tzinfo=self.zone)

    def may_write(self, moment: datetime, shift: Shift) -> bool:
        """Whether a push at `moment` falls into working time."""
        local = self.local(moment)
        day = local.date()
        if shift.start > shift.end and local.time() < shift.end:
            day -= timedelta(days=1)  # the small hours belong to the night shift that began the evening before
        return self.is_working(day) and shift.holds(local.time())


@lru_cache(maxsize=4096)
def _usually_working(day: date) -> bool:
    """By the State Council's tables, by the day of the week where there is none."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def read_overrides(path: Path) -> dict[date, bool]:
    """Read a local calendar file: `work: [dates]` and `free: [dates]`, ISO dates.

    Raises ContentError naming every line that is wrong.
    """
    name = relative(path)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or error
        raise ContentError([Fault(name, mark.line + 1 if mark else 1, "-", f"读不出来：{problem}")]) from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise ContentError([Fault(name, 1, "-", _SHAPE)])
    days: dict[date, bool] = {}
    faults: list[Fault] = []
    for key, value in root.value:
        where = str(key.value) if isinstance(key, yaml.ScalarNode) else "-"
        if where not in _LISTS:
            faults.append(Fault(name, key.start_mark.line + 1, where, _SHAPE))
        elif isinstance(value, yaml.SequenceNode):
            for index, item in enumerate(value.value):
                why = _add(days, item, worked=_LISTS[where])
                if why:
                    faults.append(Fault(name, item.start_mark.line + 1, f"{where}[{index}]", why))
        elif value.value:  # nothing after the colon is an empty list
            faults.append(Fault(name, value.start_mark.line + 1, where, "要写成列表，每行以 - 开头"))
    if faults:
        raise ContentError(faults)
    return days


def _add(days: dict[date, bool], item: yaml.Node, *, worked: bool) -> str:
    """Add one entry of a list to `days`; says what is wrong with it, or nothing."""
    try:
        day = date.fromisoformat(item.value)
    except (TypeError, ValueError):
        return "日期要写成 2027-02-14"
    if days.setdefault(day, worked) != worked:
        return "同一天既写了上班又写了休息"
    return ""
