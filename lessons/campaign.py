"""What a campaign is and which lesson falls on which day; pure, no clock and no database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, field_validator, model_validator

from bot.core.calendar import WorkCalendar
from bot.core.errors import Fault
from lessons import yaml_file
from lessons.catalogue import Catalogue
from lessons.model import TRACK_NAMES, Part, Slug, Text, Track

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY_NAMES = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_CLOCK = re.compile(r"^([01]?\d|2[0-3]):[0-5]\d$")
_LONGEST = timedelta(days=400)
_LAST_YEAR = 2100

Clock = Annotated[str, Field(description="时刻，例如 09:05；写在引号里")]


def clock(text: str) -> time:
    """A wall-clock time such as 9:05. Raises ValueError with what would be right."""
    if not _CLOCK.match(text):
        raise ValueError(f"「{text}」不是时刻；要写成 09:05 这样，并放在引号里")
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


class Audience(Part):
    """Who gets the lessons: the union of what is named; `everyone` is all learners."""

    everyone: bool = False
    departments: tuple[Text, ...] = Field((), description="部门名，含下级部门")
    tags: tuple[Text, ...] = ()
    people: tuple[Text, ...] = Field((), description="工号")

    @model_validator(mode="after")
    def _somebody(self) -> Audience:
        if not (self.everyone or self.departments or self.tags or self.people):
            raise ValueError("至少写一项：everyone: true、departments、tags 或 people（工号）")
        return self


class Window(Part):
    """Between which local times the question is sent; the exact minute is spread and never :00 or :30."""

    start: Clock = "09:03"
    end: Clock = "09:27"

    @field_validator("start", "end")
    @classmethod
    def _clock(cls, value: str) -> str:
        clock(value)
        return value

    @model_validator(mode="after")
    def _order(self) -> Window:
        first, last = (60 * moment.hour + moment.minute for moment in (clock(self.start), clock(self.end)))
        if first >= last:
            raise ValueError("start 要早于 end")
        if all(minute % 30 == 0 for minute in range(first, last)):
            raise ValueError("只剩整点或半点那一分钟，平台要求避开；放宽一点，例如 09:03 到 09:27")
        return self


class CampaignSpec(Part):
    """A campaign as trainers write it."""

    id: Slug
    title: Text
    audience: Audience
    track: Track | None = Field(None, description="整条主线；与 lessons 二选一")
    lessons: tuple[Slug, ...] = Field((), description="课程编号，按顺序；与 track 二选一")
    days: Literal["working"] | tuple[Literal["mon", "tue", "wed", "thu", "fri"], ...] = Field(
        "working", description="working 表示每个工作日；或写 [mon, wed, fri]，遇节假日跳过"
    )
    window: Window = Window()
    starts_on: date
    ends_on: date | None = None
    deadline: Clock = Field("18:00", description="当天几点截止")
    reminders: tuple[Clock, ...] = Field(("15:12",), max_length=2, description="没答的人几点提醒，最多两次")
    repeat: bool = Field(False, description="课程发完后从头再来")

    @field_validator("deadline")
    @classmethod
    def _deadline(cls, value: str) -> str:
        clock(value)
        return value

    @field_validator("reminders")
    @classmethod
    def _reminders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            clock(text)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> CampaignSpec:
        if bool(self.track) == bool(self.lessons):
            raise ValueError("track 和 lessons 要写一个，只写一个")
        if len(set(self.lessons)) != len(self.lessons):
            raise ValueError("lessons 里有重复的课程")
        if self.starts_on.year > _LAST_YEAR:
            raise ValueError(f"starts_on 太远了，最晚到 {_LAST_YEAR} 年")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on 早于 starts_on")
        if not self.days:
            raise ValueError("days 至少写一天，或写 working")
        if clock(self.deadline) <= clock(self.window.end):
            raise ValueError("deadline 要晚于 window.end")
        if any(not clock(self.window.end) < clock(text) < clock(self.deadline) for text in self.reminders):
            raise ValueError("reminders 要在 window.end 之后、deadline 之前")
        return self

    def lesson_ids(self, catalogue: Catalogue) -> list[str]:
        """The lessons in the order they are sent."""
        if self.track is not None:
            return [lesson.id for lesson in catalogue.of_track(self.track)]
        return list(self.lessons)


_SPEC: TypeAdapter[CampaignSpec] = TypeAdapter(CampaignSpec)


def parse(data: dict[str, Any]) -> CampaignSpec:
    """The inverse of `spec.model_dump(mode="json")`."""
    return _SPEC.validate_python(data)


def read(path: Path, catalogue: Catalogue) -> tuple[CampaignSpec | None, list[Fault]]:
    """Read and check one campaign file; the faults are empty exactly when the campaign may be used."""
    spec, lines, faults = yaml_file.read(path, _SPEC)
    if spec is not None:
        faults = [lines.fault(at, why) for at, why in problems(spec, catalogue)]
    return (None if faults else spec), faults


def problems(spec: CampaignSpec, catalogue: Catalogue) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """What a well-formed campaign still gets wrong against the content."""
    for index, lesson_id in enumerate(spec.lessons):
        if lesson_id not in catalogue.lessons:
            yield ("lessons", index), f"没有课程 {lesson_id}；用 jiehua lessons list 查看"
    if spec.track is not None and not catalogue.of_track(spec.track):
        yield ("track",), f"主线「{TRACK_NAMES[spec.track]}」还没有课程"


@dataclass(frozen=True)
class Slot:
    """One day of a campaign."""

    day: date
    lesson_id: str


def slots(spec: CampaignSpec, lesson_ids: list[str], calendar: WorkCalendar) -> Iterable[Slot]:
    """The campaign's days in order with their lessons; ends with the lessons, with `ends_on`, or after 400 days."""
    last = min(spec.ends_on or date.max, spec.starts_on + _LONGEST)
    day, index = spec.starts_on, 0
    while day <= last and lesson_ids and (spec.repeat or index < len(lesson_ids)):
        if _runs_on(spec, day, calendar):
            yield Slot(day, lesson_ids[index % len(lesson_ids)])
            index += 1
        day += timedelta(days=1)


def _runs_on(spec: CampaignSpec, day: date, calendar: WorkCalendar) -> bool:
    return calendar.is_working(day) and (spec.days == "working" or WEEKDAYS[day.weekday()] in spec.days)


def fires_at(spec: CampaignSpec, day: date, calendar: WorkCalendar) -> datetime:
    """When the questions of `day` are planned: at the start of the window."""
    return calendar.at(day, clock(spec.window.start))


def next_slot(spec: CampaignSpec, lesson_ids: list[str], calendar: WorkCalendar, after: datetime) -> Slot | None:
    """The first day whose window starts after `after`; None when the campaign is over."""
    for slot in slots(spec, lesson_ids, calendar):
        if fires_at(spec, slot.day, calendar) > after:
            return slot
    return None


def send_at(window: Window, day: date, calendar: WorkCalendar, seed: str) -> datetime:
    """A moment inside the window, the same for the same seed, and never in minute 0 or 30 (WeCom's advice)."""
    start, end = calendar.at(day, clock(window.start)), calendar.at(day, clock(window.end))
    minutes = max(int((end - start).total_seconds() // 60), 1)
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    for step in range(minutes):
        moment = start + timedelta(minutes=(number + step) % minutes)
        if moment.minute not in (0, 30):
            return moment + timedelta(seconds=number % 50)
    return start + timedelta(seconds=number % 50)
