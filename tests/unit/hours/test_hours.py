"""When one may write: every moment of 2026, five shifts, leave, pauses, wishes and quiet hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.calendar import Shift, WorkCalendar
from bot.core.clock import SHANGHAI
from handlers import hours
from handlers.hours import House, again, standing
from storage.hours import Away, Times
from tests import almanac

HOUSE = House(WorkCalendar())
DAY, EARLY, LATE, NIGHT = Shift(), Shift(time(6), time(14)), Shift(time(14), time(22)), Shift(time(22), time(6))
MONDAY = date(2026, 11, 23)

moments = st.integers(0, 352 * 24 * 3600).map(lambda n: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=n))
days = st.dates(date(2026, 1, 1), date(2026, 12, 20))
spans = st.builds(
    lambda kind, first, length: Away(kind, first, None if length is None else first + timedelta(days=length)),
    st.sampled_from(["leave", "pause", "rest"]),
    days,
    st.one_of(st.none(), st.integers(0, 20)),
)
people = st.builds(
    Times,
    st.integers(1, 1000),
    st.sampled_from([DAY, EARLY, LATE, NIGHT, Shift(time(12, 45), time(13, 20))]),
    st.one_of(st.none(), st.times().map(lambda each: each.replace(microsecond=0))),
    st.lists(spans, max_size=2).map(tuple),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_the_calendar_is_the_state_councils() -> None:
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [day for day in year if HOUSE.calendar.is_working(day)] == [day for day in year if almanac.worked(day)]
    assert all(HOUSE.calendar.is_working(day) for day in almanac.WORKED_WEEKENDS)


@settings(max_examples=1500, deadline=None)
@given(people, moments)
def test_a_stamp_says_what_the_almanac_says(times: Times, moment: datetime) -> None:
    away = [(each.kind, each.first, each.last) for each in times.away]
    expected = almanac.standing(moment, (times.shift.start, times.shift.end), away)
    assert standing(HOUSE, times, moment) == expected


@settings(max_examples=800, deadline=None)
@given(people, moments)
def test_the_next_moment_lies_inside_and_nothing_is_put_off_without_need(times: Times, now: datetime) -> None:
    moment = again(HOUSE, times, now)
    if moment is None:
        hopeless = any(each.last is None for each in times.away) or times.shift.start == time(12, 45)
        assert hopeless, "somebody who comes back can be written to again"
        return
    assert moment >= now
    assert standing(HOUSE, times, moment) == "inside"
    assert again(HOUSE, times, moment) == moment, "when the moment comes, it is one"
    if moment > now:
        wish = times.remind_at is not None and times.shift.holds(times.remind_at)
        assert wish or standing(HOUSE, times, now) != "inside"
        assert HOUSE.calendar.local(moment).minute not in (0, 30)


@pytest.mark.parametrize(
    ("shift", "now", "expected"),
    [
        (DAY, "2026-11-23T10:00", "2026-11-23T10:00"),
        (DAY, "2026-11-23T08:00", "2026-11-23T09:05"),
        (DAY, "2026-11-23T12:00", "2026-11-23T13:35"),
        (DAY, "2026-11-23T18:00", "2026-11-24T09:05"),
        (DAY, "2026-11-27T18:01", "2026-11-30T09:05"),
        (DAY, "2026-09-30T18:00", "2026-10-08T09:05"),  # the long holiday
        (DAY, "2026-10-09T18:00", "2026-10-10T09:05"),  # a Saturday that is worked
        (EARLY, "2026-11-23T14:00", "2026-11-24T06:05"),
        (LATE, "2026-11-23T22:00", "2026-11-24T14:05"),
        (NIGHT, "2026-11-23T12:00", "2026-11-23T22:05"),
        (NIGHT, "2026-11-28T05:59", "2026-11-28T05:59"),  # Saturday morning, Friday's night
        (NIGHT, "2026-11-28T06:00", "2026-11-30T22:05"),
    ],
)
def test_the_next_moment(shift: Shift, now: str, expected: str) -> None:
    assert again(HOUSE, Times(3, shift), at(now)) == at(expected)


def test_people_are_spread_and_never_on_the_half_hour() -> None:
    found = [again(HOUSE, Times(key, DAY), at("2026-11-23T03:00")) for key in range(1, 1001)]
    minutes = {moment.astimezone(SHANGHAI).strftime("%H:%M") for moment in found if moment is not None}
    assert len(minutes) == 17
    assert max(minutes) < "09:30"
    assert max(found.count(moment) for moment in set(found)) < 70


def test_a_wish_holds_inside_the_shift_and_is_forgotten_outside() -> None:
    assert again(HOUSE, Times(1, DAY, time(10, 40)), at("2026-11-23T09:10")) == at("2026-11-23T10:40")
    assert again(HOUSE, Times(1, DAY, time(12, 10)), at("2026-11-23T09:10")) == at("2026-11-23T13:33")
    assert again(HOUSE, Times(1, DAY, time(20, 0)), at("2026-11-23T09:10")) == at("2026-11-23T09:10")
    assert again(HOUSE, Times(1, NIGHT, time(2, 10)), at("2026-11-23T22:10")) == at("2026-11-24T02:10")


def test_a_rest_holds_questions_but_not_the_notice_of_it() -> None:
    times = Times(1, DAY, None, (Away("rest", MONDAY),))
    assert again(HOUSE, times, at("2026-11-23T10:00")) is None
    assert again(HOUSE, times.awake, at("2026-11-23T10:00")) == at("2026-11-23T10:00")


def test_what_people_write_themselves_is_theirs() -> None:
    times = Times(1, DAY)
    assert hours.stamp(HOUSE, times, at("2026-11-23T21:00"), asked=True) == "asked-outside"
    assert hours.stamp(HOUSE, times, at("2026-11-23T21:00"), asked=False) == "outside"
    assert hours.stamp(HOUSE, times, at("2026-11-23T11:00"), asked=True) == "inside"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_the_hours_of_a_daylight_saving_change(day: str) -> None:
    """In Berlin 02:30 does not exist on one day and comes twice on the other."""
    zone = ZoneInfo("Europe/Berlin")
    house = House(WorkCalendar(zone, {date.fromisoformat(day): True}))
    times = Times(1, Shift(time(0, 10), time(8)), time(2, 31))
    midnight = datetime.fromisoformat(f"{day}T00:15").replace(tzinfo=zone)
    moment = again(house, times, midnight)
    assert moment is not None
    assert standing(house, times, moment) == "inside"
    gap = day == "2026-03-29"
    assert moment.astimezone(zone).strftime("%H:%M") == ("03:31" if gap else "02:31")
    assert (moment - midnight.astimezone(UTC)) == timedelta(hours=2, minutes=16), "wall time less what it skipped"


@settings(max_examples=300, deadline=None)
@given(people, moments, st.integers(-90, 600), st.integers(0, 900))
def test_planning_never_leaves_the_shift_or_the_time(times: Times, now: datetime, lead: int, room: int) -> None:
    wanted, latest = now + timedelta(minutes=lead), now + timedelta(minutes=room)
    moment = hours.write_at(HOUSE, times, wanted, now, latest)
    assert moment is None or (max(wanted, now) <= moment <= latest and standing(HOUSE, times, moment) == "inside")
