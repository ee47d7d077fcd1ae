"""The streak with its two freezes a month, and the trend of each criterion."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.model import Criterion
from lessons.progress import FREEZES_PER_MONTH, Streak, Trend, streak, trends
from lessons.scoring.result import Mark, Score, Verdict

TODAY = date(2026, 11, 27)


def days(marks: str, last: date = TODAY) -> list[tuple[date, bool | None]]:
    """`days("✓·✗")`: answered, still open, missed; one a day up to `last`."""
    meaning = {"✓": True, "✗": False, "·": None}
    first = last - timedelta(days=len(marks) - 1)
    return [(first + timedelta(days=n), meaning[mark]) for n, mark in enumerate(marks)]


@pytest.mark.parametrize(
    ("marks", "streak_days", "left"),
    [
        ("", 0, 2),
        ("✓", 1, 2),
        ("✓✓✓", 3, 2),
        ("✓✓·", 2, 2),  # today's question is still open
        ("✓✗✓", 2, 1),
        ("✓✗✗✓", 2, 0),
        ("✓✗✗✗✓", 1, 2),  # the third missed day ended it
        ("✓✓✗", 2, 1),
        ("✓✓✗✗", 2, 0),
        ("✓✓✗✗✗", 0, 2),
        ("✗✗✓✓✓", 3, 2),  # missed before it began
        ("✗", 0, 2),
        ("✓·✓", 2, 2),
    ],
)
def test_streaks_within_a_month(marks: str, streak_days: int, left: int) -> None:
    assert streak(days(marks), TODAY) == Streak(streak_days, left)


def test_every_month_has_its_own_two() -> None:
    over_the_turn = days("✓✗✗✓✗✗✓", date(2026, 11, 3))  # 28 October to 3 November
    assert streak(over_the_turn, date(2026, 11, 3)) == Streak(3, 0)
    december = [*days("✓✗✓", date(2026, 11, 30)), (date(2026, 12, 1), True)]
    assert streak(december, date(2026, 12, 1)) == Streak(3, 2)


def test_two_questions_on_a_day_are_one_day_and_one_answer_is_enough() -> None:
    found = [(TODAY, False), (TODAY, True), (TODAY - timedelta(days=1), True), (TODAY - timedelta(days=1), None)]
    assert streak(found, TODAY) == Streak(2, 2)
    assert streak([(TODAY, False), (TODAY, None)], TODAY) == Streak(0, 2)


HISTORY = st.lists(
    st.tuples(st.integers(0, 80).map(lambda n: TODAY - timedelta(days=n)), st.sampled_from([True, False, None])),
    max_size=60,
)


@given(HISTORY, st.randoms())
def test_the_order_of_the_days_does_not_matter(history: list[tuple[date, bool | None]], random: object) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert streak(shuffled, TODAY) == streak(history, TODAY)


@given(HISTORY)
def test_one_more_answer_is_one_more_day(history: list[tuple[date, bool | None]]) -> None:
    before, after = streak(history, TODAY), streak([*history, (TODAY + timedelta(days=1), True)], TODAY)
    assert after.days == before.days + 1
    assert 0 <= before.freezes_left <= FREEZES_PER_MONTH


@given(HISTORY, st.integers(1, 3))
def test_so_many_more_days_may_be_missed_this_month(history: list[tuple[date, bool | None]], missed: int) -> None:
    """What 我的 promises: with n freezes left, n more missed days change nothing, and one more does."""
    held = streak(history, TODAY)
    worse = [*history, *((TODAY + timedelta(days=1 + n), False) for n in range(missed))]  # 28–30 November
    after = streak(worse, TODAY).days
    if missed <= held.freezes_left:
        assert after == held.days
    elif held.days:
        assert after < held.days


# --- trends


def score(**marks: Mark) -> Score:
    return Score("x", 2, 50, {Criterion(name): Verdict(mark) for name, mark in marks.items()}, (), (), "t")


def test_a_trend_is_the_share_of_the_last_five_against_the_five_before() -> None:
    scores = [score(lead=mark) for mark in [Mark.HIT] * 4 + [Mark.PARTIAL] + [Mark.MISS] * 4 + [Mark.HIT]]
    assert trends(scores) == [Trend(Criterion.LEAD, pytest.approx(0.9), pytest.approx(0.7))]


def test_with_fewer_than_three_before_there_is_no_change_to_speak_of() -> None:
    scores = [score(lead=Mark.HIT)] * 7
    assert trends(scores) == [Trend(Criterion.LEAD, 1.0, None)]
    assert trends([*scores, score(lead=Mark.HIT)]) == [Trend(Criterion.LEAD, 1.0, 0.0)]


def test_what_was_not_needed_counts_nowhere() -> None:
    scores = [score(lead=Mark.NOT_NEEDED, empathy=Mark.HIT), score(lead=Mark.MISS, empathy=Mark.MISS)]
    assert trends(scores) == [Trend(Criterion.EMPATHY, 0.5, None), Trend(Criterion.LEAD, 0.0, None)]


def test_no_scores_no_trends() -> None:
    assert trends([]) == []
    assert trends([score()]) == []
