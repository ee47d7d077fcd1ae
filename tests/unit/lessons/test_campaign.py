"""Which lesson falls on which day, when it is sent, and what a broken campaign file is told."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.calendar import WorkCalendar
from lessons import campaign
from lessons.campaign import WEEKDAYS, Audience, CampaignSpec, Window, fires_at, next_slot, parse, send_at, slots
from lessons.catalogue import Catalogue
from lessons.model import Track
from tests.unit.writing import CAMPAIGN, LESSON, folder, line_of

CALENDAR = WorkCalendar()
LESSONS = ["one", "two", "three"]
YEAR_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 31))
SOME_WEEKDAYS = st.lists(st.sampled_from(WEEKDAYS[:5]), min_size=1, max_size=5, unique=True).map(tuple)


def spec_of(**values: Any) -> CampaignSpec:
    base: dict[str, Any] = {"id": "c", "title": "练习", "audience": Audience(everyone=True), "lessons": ("one",)}
    return CampaignSpec(**{**base, "starts_on": date(2026, 11, 23), **values})


SPECS = st.builds(
    lambda start, length, days, repeat: spec_of(
        starts_on=start,
        ends_on=None if length is None else start + timedelta(days=length),
        days=days,
        repeat=repeat,
    ),
    YEAR_2026,
    st.none() | st.integers(0, 120),
    st.just("working") | SOME_WEEKDAYS,
    st.booleans(),
)


@given(SPECS, st.integers(1, 40))
def test_slots_fall_only_on_chosen_working_days(spec: CampaignSpec, count: int) -> None:
    ids = [f"lesson-{number}" for number in range(count)]
    found = list(slots(spec, ids, CALENDAR))
    for number, slot in enumerate(found):
        assert slot.day >= spec.starts_on
        assert spec.ends_on is None or slot.day <= spec.ends_on
        assert CALENDAR.is_working(slot.day)
        assert spec.days == "working" or WEEKDAYS[slot.day.weekday()] in spec.days
        assert slot.lesson_id == ids[number % count]
    assert all(one.day < other.day for one, other in pairwise(found))
    if not spec.repeat:
        assert len(found) <= count
        if spec.ends_on is None:
            assert len(found) == count
    if spec.days == "working":
        last = found[-1].day if found else (spec.ends_on or spec.starts_on)
        skipped = set(CALENDAR.working_between(spec.starts_on, last)) - {slot.day for slot in found}
        assert not skipped, "no working day is left out before the lessons are used up"


@given(SPECS, YEAR_2026, st.integers(0, 24 * 60))
def test_the_next_slot_lies_ahead_and_never_goes_back(spec: CampaignSpec, day: date, minutes: int) -> None:
    moment = CALENDAR.at(day, time()) + timedelta(minutes=minutes)
    found = next_slot(spec, LESSONS, CALENDAR, moment)
    later = next_slot(spec, LESSONS, CALENDAR, moment + timedelta(days=1))
    if found is None:
        assert later is None
        return
    assert fires_at(spec, found.day, CALENDAR) > moment
    assert later is None or later.day >= found.day
    earlier = [slot for slot in slots(spec, LESSONS, CALENDAR) if slot.day < found.day]
    assert all(fires_at(spec, slot.day, CALENDAR) <= moment for slot in earlier)


def test_a_campaign_walked_from_slot_to_slot_meets_every_slot_once() -> None:
    spec = spec_of(days=("mon", "wed", "fri"), starts_on=date(2026, 9, 14))
    ids = [str(number) for number in range(12)]
    walked, moment = [], CALENDAR.at(date(2026, 9, 1), time())
    while (slot := next_slot(spec, ids, CALENDAR, moment)) is not None:
        walked.append(slot)
        moment = fires_at(spec, slot.day, CALENDAR)
    assert walked == list(slots(spec, ids, CALENDAR))


def test_a_holiday_is_skipped_and_a_shifted_day_is_used() -> None:
    days = [slot.day for slot in slots(spec_of(starts_on=date(2026, 2, 13), repeat=True), ["x"], CALENDAR)]
    assert days[:4] == [date(2026, 2, 13), date(2026, 2, 14), date(2026, 2, 24), date(2026, 2, 25)]


def test_repeat_starts_over_and_an_end_ends_it() -> None:
    spec = spec_of(repeat=True, ends_on=date(2026, 12, 1))
    found = list(slots(spec, ["a", "b"], CALENDAR))
    assert [slot.lesson_id for slot in found] == ["a", "b", "a", "b", "a", "b", "a"]
    assert found[-1].day == date(2026, 12, 1)


def test_a_repeating_campaign_without_an_end_ends_after_400_days() -> None:
    found = list(slots(spec_of(repeat=True), ["a"], CALENDAR))
    assert date(2027, 12, 20) < found[-1].day <= date(2026, 11, 23) + timedelta(days=400)


def test_no_lessons_no_slots() -> None:
    assert list(slots(spec_of(repeat=True), [], CALENDAR)) == []


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda number: f"{number // 60:02}:{number % 60:02}")


def _window(start: str, end: str) -> Window | None:
    try:
        return Window(start=start, end=end)
    except ValueError:
        return None


@given(MINUTES, MINUTES, YEAR_2026, st.text(max_size=20))
def test_questions_are_sent_inside_the_window_and_never_on_the_half_hour(
    start: str, end: str, day: date, seed: str
) -> None:
    window = _window(start, end)
    if window is None:
        assert start >= end or set(_minutes(start, end)) <= {0, 30}, "only such windows are refused"
        return
    moment = send_at(window, day, CALENDAR, seed)
    local = CALENDAR.local(moment)
    assert campaign.clock(start) <= local.time() < campaign.clock(end)
    assert local.minute not in (0, 30)
    assert local.date() == day
    assert send_at(window, day, CALENDAR, seed) == moment


def _minutes(start: str, end: str) -> list[int]:
    first, last = (datetime(2026, 1, 1, *map(int, text.split(":"))) for text in (start, end))  # noqa: DTZ001
    count = int((last - first).total_seconds() // 60)
    return [(first + timedelta(minutes=n)).minute for n in range(count)]


def test_the_moments_of_different_days_are_spread() -> None:
    days = CALENDAR.working_between(date(2026, 1, 1), date(2026, 12, 31))
    moments = {CALENDAR.local(send_at(Window(), day, CALENDAR, f"c{day}")).time().minute for day in days}
    assert moments == set(range(3, 27)), "every minute of 09:03 to 09:27 is used over a year"


def test_planning_is_at_the_start_of_the_window() -> None:
    spec = spec_of(window=Window(start="9:05", end="10:00"))
    assert CALENDAR.local(fires_at(spec, date(2026, 11, 23), CALENDAR)).isoformat() == "2026-11-23T09:05:00+08:00"


@given(SPECS)
def test_a_campaign_survives_being_stored(spec: CampaignSpec) -> None:
    assert parse(spec.model_dump(mode="json")) == spec


def test_a_track_is_its_lessons_in_order(content: Catalogue) -> None:
    spec = spec_of(lessons=(), track=Track.UNMET)
    assert spec.lesson_ids(content) == [lesson.id for lesson in content.of_track(Track.UNMET)]
    assert spec_of(lessons=("b", "a")).lesson_ids(content) == ["b", "a"]


# --- files


@pytest.fixture
def known(tmp_path: Path) -> Catalogue:
    """A catalogue that has the lesson of the campaign file."""
    from lessons import catalogue

    return catalogue.load(folder(tmp_path / "content", lesson=LESSON))


def test_a_campaign_file_is_read(tmp_path: Path, known: Catalogue) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(
        CAMPAIGN + 'days: [mon, wed]\nreminders: ["15:12", "16:40"]\nwindow: {start: "09:05", end: "09:40"}\n',
        encoding="utf-8",
    )
    spec, faults = campaign.read(path, known)
    assert faults == []
    assert spec is not None
    assert spec.days == ("mon", "wed")
    assert spec.starts_on == date(2026, 11, 23)
    assert spec.reminders == ("15:12", "16:40")


BROKEN = [
    (
        "lessons: [test-late-fee]",
        "lessons: [test-late-fe]",
        "lessons[0]: 没有课程 test-late-fe；用 jiehua",
    ),
    ("lessons: [test-late-fee]", "track: branch", "track: 主线「网点厅堂」还没有课程"),
    ("lessons: [test-late-fee]", "track: branche", "track: 不认识「branche」，可以写"),
    ("starts_on: 2026-11-23", "starts_on: 2026-02-30", "starts_on: 日期要写成 2026-11-23"),
    ("starts_on: 2026-11-23", "starts_on: 明天", "starts_on: 日期要写成 2026-11-23"),
    ("starts_on: 2026-11-23", "start_on: 2026-11-23", "start_on: 没有这个键，是不是想写 starts_on"),
    ("  everyone: true", "  everybody: true", "audience.everybody: 没有这个键，是不是想写 everyone"),
    ("  everyone: true", "  everyone: maybe", "audience.everyone: 这里要写 true 或 false"),
    ("  everyone: true", "  everyone: false", "audience: 至少写一项"),
    ("title: 试一试", "title: 试一试\ndeadline: 18:00", "deadline: 这里要写文字；数字和时刻要放进引号里"),
    ("title: 试一试", 'title: 试一试\ndeadline: "25:00"', "deadline: 「25:00」不是时刻；要写成 09:05"),
    ("title: 试一试", 'title: 试一试\nreminders: ["9点"]', "reminders: 「9点」不是时刻"),
    ("title: 试一试", "title: 试一试\ndays: [sat]", "days"),
    ("title: 试一试", "title: 试一试\nrepeat: often", "repeat: 这里要写 true 或 false"),
    ("title: 试一试", 'title: 试一试\nwindow: {start: "10:00", end: "09:00"}', "window: start 要早于 end"),
    ("title: 试一试", 'title: 试一试\nwindow: {start: "09:30", end: "09:31"}', "window: 只剩整点或半点那一分钟"),
]
# What only the whole shows; there is no single line for it, so the first one is named.
CONTRADICTIONS = [
    ("title: 试一试", "title: 试一试\ntrack: unmet", "track 和 lessons 要写一个，只写一个"),
    ("lessons: [test-late-fee]\n", "", "track 和 lessons 要写一个，只写一个"),
    ("lessons: [test-late-fee]", "lessons: [test-late-fee, test-late-fee]", "lessons 里有重复的课程"),
    ("title: 试一试", "title: 试一试\nends_on: 2026-11-22", "ends_on 早于 starts_on"),
    ("title: 试一试", "title: 试一试\ndays: []", "days 至少写一天"),
    ("title: 试一试", 'title: 试一试\ndeadline: "09:20"', "deadline 要晚于 window.end"),
    ("title: 试一试", 'title: 试一试\nreminders: ["09:10"]', "reminders 要在 window.end 之后、deadline 之前"),
    ("title: 试一试", 'title: 试一试\nreminders: ["18:00"]', "reminders 要在 window.end 之后、deadline 之前"),
    ("starts_on: 2026-11-23", "starts_on: 9999-12-31", "starts_on 太远了"),
]


def faults_of(tmp_path: Path, known: Catalogue, text: str) -> list[str]:
    path = tmp_path / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    spec, faults = campaign.read(path, known)
    assert spec is None
    return [str(fault).removeprefix(f"{path}:") for fault in faults]


@pytest.mark.parametrize(("right", "wrong", "fault"), BROKEN)
def test_a_broken_campaign_names_line_and_key(
    tmp_path: Path, known: Catalogue, right: str, wrong: str, fault: str
) -> None:
    text = CAMPAIGN.replace(right, wrong)
    found = faults_of(tmp_path, known, text)
    line = line_of(text, wrong.splitlines()[-1].strip()[:12]) if "audience: " not in fault else 3
    assert any(each.startswith(f"{line}: {fault}") for each in found), found


@pytest.mark.parametrize(("right", "wrong", "why"), CONTRADICTIONS)
def test_a_contradiction_is_told_in_one_line(
    tmp_path: Path, known: Catalogue, right: str, wrong: str, why: str
) -> None:
    assert faults_of(tmp_path, known, CAMPAIGN.replace(right, wrong))[0].startswith(f"1: -: {why}")


@pytest.mark.parametrize("text", ["9:05", "09:05", "23:59", "0:00"])
def test_clocks_that_can_be_read(text: str) -> None:
    assert isinstance(campaign.clock(text), time)


@pytest.mark.parametrize("text", ["", "24:00", "9", "9:5", "09:60", "18：00", "9:05:00", "-1:00"])
def test_clocks_that_cannot(text: str) -> None:
    with pytest.raises(ValueError, match="不是时刻"):
        campaign.clock(text)
