"""The circuit breaker by itself, with a clock that stands still."""

from __future__ import annotations

from bot.core.clock import ManualClock
from bot.judge import Breaker


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        number = breaker.enter()
        assert number is not None
        breaker.leave(number, False)


def test_it_opens_after_failures_in_a_row_only(clock: ManualClock) -> None:
    breaker = Breaker(clock)
    for _ in range(3):
        fail(breaker, Breaker.FAILURES - 1)
        number = breaker.enter()
        assert number is not None
        breaker.leave(number, True)
    fail(breaker, Breaker.FAILURES)
    assert breaker.enter() is None


def test_after_the_pause_one_probe_goes_and_a_good_one_closes_it(clock: ManualClock) -> None:
    breaker = Breaker(clock)
    fail(breaker, Breaker.FAILURES)
    clock.advance(seconds=59)
    assert breaker.enter() is None
    clock.advance(seconds=1)
    probe = breaker.enter()
    assert probe is not None
    assert breaker.enter() is None
    breaker.leave(probe, True)
    fail(breaker, Breaker.FAILURES - 1)
    assert breaker.enter() is not None


def test_a_failed_probe_opens_it_for_another_pause(clock: ManualClock) -> None:
    breaker = Breaker(clock)
    fail(breaker, Breaker.FAILURES)
    clock.advance(seconds=60)
    fail(breaker, 1)
    clock.advance(seconds=59)
    assert breaker.enter() is None
    clock.advance(seconds=1)
    assert breaker.enter() is not None


def test_late_results_say_nothing(clock: ManualClock) -> None:
    breaker = Breaker(clock)
    late = breaker.enter()
    assert late is not None
    fail(breaker, Breaker.FAILURES)
    breaker.leave(late, True)
    assert breaker.enter() is None, "a success from before the opening"
    clock.advance(seconds=60)
    assert breaker.enter() is not None
    breaker.leave(late, False)
    assert breaker.enter() is None, "the probe is still under way"


def test_a_probe_that_was_given_up_makes_room_for_the_next(clock: ManualClock) -> None:
    breaker = Breaker(clock)
    fail(breaker, Breaker.FAILURES)
    clock.advance(seconds=60)
    probe = breaker.enter()
    assert probe is not None
    breaker.leave(probe, None)
    assert breaker.enter() is not None
