"""The 2–7–21 ladder: every lesson that went badly comes back on working days until it has been passed twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.calendar import WorkCalendar
from lessons.ladder import PASS_BAND, STEPS, Card, answered, enter, replayed, returned

CALENDAR = WorkCalendar()
MONDAY = date(2026, 11, 23)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
BANDS = st.integers(0, 4)


def after(day: date, steps: int) -> date:
    return CALENDAR.next_working(day, steps=steps)


@pytest.mark.parametrize(
    ("band", "card"),
    [
        (0, Card(0, 0, date(2026, 11, 25))),
        (1, Card(0, 0, date(2026, 11, 25))),
        (2, Card(1, 0, date(2026, 12, 2))),
        (3, None),
        (4, None),
    ],
)
def test_where_a_first_answer_enters(band: int, card: Card | None) -> None:
    assert enter(band, MONDAY, after) == card


def test_two_passes_in_a_row_retire() -> None:
    card = enter(1, MONDAY, after)
    assert card is not None
    card = returned(card, 3, date(2026, 11, 25), after)
    assert card == Card(1, 1, date(2026, 12, 4))
    card = returned(card, 4, date(2026, 12, 4), after)
    assert card.due_on is None
    assert card.passes == 2


def test_a_failed_return_starts_again_at_the_bottom() -> None:
    card = returned(Card(1, 1, MONDAY), 2, MONDAY, after)
    assert card == Card(0, 0, date(2026, 11, 25))


def test_the_days_jump_over_the_spring_festival() -> None:
    card = enter(0, date(2026, 2, 13), after)
    assert card is not None
    assert card.due_on == date(2026, 2, 24), "the 14th is worked; the 15th to the 23rd are free"


@given(BANDS, DAYS, st.lists(BANDS, max_size=30))
def test_every_due_day_is_a_working_day_and_passes_always_end_it(band: int, day: date, bands: list[int]) -> None:
    card = enter(band, day, after)
    assert (card is None) is (band >= PASS_BAND)
    for result in [*bands, PASS_BAND, PASS_BAND]:
        if card is None or card.due_on is None:
            break
        assert CALENDAR.is_working(card.due_on)
        assert card.due_on > day
        assert 0 <= card.step < len(STEPS)
        before, day = card, card.due_on
        card = returned(card, result, day, after)
        if result < PASS_BAND:
            assert (card.step, card.passes) == (0, 0)
        else:
            assert card.passes == before.passes + 1
            assert card.step >= before.step
    assert card is None or card.due_on is None, "two passes in a row retire a lesson from anywhere on the ladder"


@given(st.integers(0, 2), DAYS, st.lists(BANDS, min_size=1, max_size=20))
def test_the_gaps_are_those_of_the_ladder(band: int, day: date, bands: list[int]) -> None:
    card = enter(band, day, after)
    assert card is not None
    for result in bands:
        if card.due_on is None:
            return
        assert card.due_on == after(day, STEPS[card.step])
        day = card.due_on
        card = returned(card, result, day, after)


# --- a whole history at once


@given(st.lists(st.tuples(st.integers(0, 30), BANDS), max_size=8))
def test_a_replayed_history_is_the_answers_one_by_one(history: list[tuple[int, int]]) -> None:
    day, card, days = MONDAY, None, []
    for gap, band in history:
        day += timedelta(days=gap)
        card = answered(card, band, day, after)
        days.append((day, band))
    assert replayed(days, after) == card


def test_a_first_answer_that_was_better_than_thought_leaves_no_card() -> None:
    assert replayed([(MONDAY, 2)], after) is not None
    assert replayed([(MONDAY, 3)], after) is None


def test_practice_out_of_turn_counts_for_nothing() -> None:
    tuesday = date(2026, 11, 24)
    assert replayed([(MONDAY, 1), (tuesday, 4)], after) == replayed([(MONDAY, 1)], after)


def test_a_retired_lesson_starts_again_when_it_goes_badly() -> None:
    retired = Card(2, 2, None)
    assert answered(retired, 4, MONDAY, after) == retired
    assert answered(retired, 1, MONDAY, after) == Card(0, 0, after(MONDAY, STEPS[0]))
