"""The three clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.clock import SHANGHAI, Clock, ManualClock, ShiftedClock, SystemClock

MORNING = datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    "clock", [SystemClock(), ShiftedClock(), ShiftedClock(timedelta(days=3)), ManualClock(MORNING)]
)
def test_every_clock_says_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now().tzinfo is UTC


def test_the_system_clock_runs_on() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert SystemClock().now() <= SystemClock().now()


def test_the_shifted_clock_runs_on_from_where_it_jumped() -> None:
    clock = ShiftedClock()
    clock.jump_to(MORNING)
    first = clock.now()
    assert timedelta(0) <= first - MORNING < timedelta(seconds=5)
    assert clock.now() >= first


def test_the_manual_clock_stands_still_until_told() -> None:
    clock = ManualClock(MORNING)
    assert clock.now() == clock.now() == MORNING
    clock.advance(minutes=2, seconds=1)
    assert clock.now() == MORNING + timedelta(seconds=121)
    clock.set(MORNING)
    assert clock.now() == MORNING
