"""Working days with 调休, local overrides, years nobody knows yet, shifts past midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.calendar import Shift, WorkCalendar, read_overrides
from bot.core.errors import ContentError

CALENDAR = WorkCalendar()
DAY, NIGHT = Shift(), Shift(time(22, 0), time(6, 0))


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-01-01", False),  # New Year
        ("2026-01-04", True),  # a Sunday worked for it
        ("2026-02-14", True),  # a Saturday worked before the Spring Festival
        ("2026-02-17", False),
        ("2026-02-28", True),
        ("2026-05-09", True),
        ("2026-09-20", True),
        ("2026-09-25", False),
        ("2026-10-05", False),
        ("2026-10-10", True),
        ("2026-11-21", False),  # an ordinary Saturday
        ("2026-11-23", True),
    ],
)
def test_holidays_and_shifted_days_of_2026(day: str, worked: bool) -> None:
    assert CALENDAR.is_working(date.fromisoformat(day)) is worked


def test_a_year_nobody_knows_falls_back_to_weekdays_and_says_so() -> None:
    assert CALENDAR.known(2026)
    assert not CALENDAR.known(2027)
    assert CALENDAR.is_working(date(2027, 1, 1))  # a Friday, and New Year
    assert not CALENDAR.is_working(date(2027, 1, 2))


def test_overrides_win() -> None:
    calendar = WorkCalendar(overrides={date(2027, 1, 1): False, date(2027, 1, 3): True, date(2026, 11, 23): False})
    assert not calendar.known(2027), "a day or two are no calendar of a year"
    assert not calendar.is_working(date(2027, 1, 1))
    assert calendar.is_working(date(2027, 1, 3))
    assert not calendar.is_working(date(2026, 11, 23))


def test_a_local_file_with_a_whole_year_makes_it_known() -> None:
    days = {date(2027, 1, 1) + timedelta(days=n): False for n in range(20)}
    assert WorkCalendar(overrides=days).known(2027)
    assert not WorkCalendar(overrides=days).known(2028)


def test_the_next_working_days_jump_over_a_holiday() -> None:
    assert CALENDAR.next_working(date(2026, 9, 30)) == date(2026, 10, 8)
    assert CALENDAR.next_working(date(2026, 9, 30), steps=3) == date(2026, 10, 10)
    assert CALENDAR.on_or_after(date(2026, 10, 1)) == date(2026, 10, 8)
    assert CALENDAR.on_or_after(date(2026, 10, 8)) == date(2026, 10, 8)


def test_working_days_between_include_both_ends() -> None:
    assert CALENDAR.working_between(date(2026, 10, 8), date(2026, 10, 12)) == [
        date(2026, 10, 8),
        date(2026, 10, 9),
        date(2026, 10, 10),
        date(2026, 10, 12),
    ]
    assert CALENDAR.working_between(date(2026, 10, 8), date(2026, 10, 7)) == []


def test_a_calendar_without_working_days_is_an_error_not_a_loop() -> None:
    never = {date(2027, 1, 1) + timedelta(days=n): False for n in range(500)}
    with pytest.raises(ValueError, match="no working days"):
        WorkCalendar(overrides=never).next_working(date(2027, 1, 1))


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(1, 25))
def test_the_nth_working_day_has_n_working_days_up_to_it(day: date, steps: int) -> None:
    found = CALENDAR.next_working(day, steps=steps)
    assert CALENDAR.is_working(found)
    assert len(CALENDAR.working_between(day + timedelta(days=1), found)) == steps


def test_today_is_the_local_day() -> None:
    moment = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert CALENDAR.today(moment) == date(2026, 11, 23)
    assert WorkCalendar(ZoneInfo("America/New_York")).today(moment) == date(2026, 11, 22)
    assert CALENDAR.at(date(2026, 11, 23), time(0, 30)) == moment


def test_the_first_of_two_hours_on_a_daylight_saving_fold() -> None:
    calendar = WorkCalendar(ZoneInfo("America/New_York"))
    assert calendar.at(date(2026, 11, 1), time(1, 30)).astimezone(UTC).hour == 5


@pytest.mark.parametrize(
    ("shift", "local", "allowed"),
    [
        (DAY, "2026-11-23T09:00", True),
        (DAY, "2026-11-23T08:59", False),
        (DAY, "2026-11-23T18:00", False),
        (DAY, "2026-11-21T10:00", False),  # Saturday
        (DAY, "2026-02-14T10:00", True),  # Saturday worked
        (NIGHT, "2026-11-23T22:30", True),
        (NIGHT, "2026-11-23T05:59", False),  # belongs to Sunday's night
        (NIGHT, "2026-11-24T05:59", True),
        (NIGHT, "2026-11-28T03:00", True),  # Saturday morning, Friday's night
        (NIGHT, "2026-11-28T22:30", False),
        (NIGHT, "2026-11-24T06:00", False),
        (NIGHT, "2026-11-24T12:00", False),
    ],
)
def test_a_push_falls_into_the_shift_of_a_working_day(shift: Shift, local: str, allowed: bool) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=CALENDAR.zone).astimezone(UTC)
    assert CALENDAR.may_write(moment, shift) is allowed


def _file(folder: Path, text: str) -> Path:
    path = folder / "calendar.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_local_file_is_read(tmp_path: Path) -> None:
    path = _file(tmp_path, "work:\n  - 2027-02-14\nfree: [2027-02-17, '2027-02-18']\n")
    assert read_overrides(path) == {date(2027, 2, 14): True, date(2027, 2, 17): False, date(2027, 2, 18): False}


@pytest.mark.parametrize("text", ["", "work:\n", "# nothing yet\n", "work: []\nfree: []\n"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    assert read_overrides(_file(tmp_path, text)) == {}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("work:\n  - 2027-02-14\n  - 14 Feb\n", ["3: work[1]: 日期要写成 2027-02-14"]),
        ("free:\n  - 2027-02-30\n", ["2: free[0]: 日期要写成 2027-02-14"]),
        ("free:\n  - 2027-02-14 09:00:00\n", ["2: free[0]: 日期要写成 2027-02-14"]),
        ("free:\n  - [2027-02-14]\n", ["2: free[0]: 日期要写成 2027-02-14"]),
        ("work:\n  - 2027-02-14\nfree:\n  - 2027-02-14\n", ["4: free[0]: 同一天既写了上班又写了休息"]),
        ("work: 2027-02-14\n", ["1: work: 要写成列表，每行以 - 开头"]),
        ("work: [x]\nholiday:\n  - 2027-02-14\n", ["1: work[0]: 日期", "2: holiday: 只能有 work"]),
        ("- 2027-02-14\n", ["1: -: 只能有 work"]),
        ("work: [2027-02-14\n", ["2: -: 读不出来"]),
    ],
)
def test_a_faulty_file_names_every_line(tmp_path: Path, text: str, faults: list[str]) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ContentError) as caught:
        read_overrides(path)
    found = str(caught.value).splitlines()
    assert len(found) == len(faults)
    for line, start in zip(found, faults, strict=True):
        assert line.startswith(f"{path}:{start}")


def test_a_missing_or_unreadable_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="读不出来"):
        read_overrides(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes("work: é".encode("latin-1"))
    with pytest.raises(ContentError, match="读不出来"):
        read_overrides(tmp_path / "latin.yaml")
