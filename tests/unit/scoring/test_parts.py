"""The small parts under the scorer: normalising, clauses, numbers, reading limits, hashing, points."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.scoring import total
from lessons.scoring.clauses import split
from lessons.scoring.ngrams import bag, grams
from lessons.scoring.normalise import normalise
from lessons.scoring.numbers import numbers
from lessons.scoring.situation import situation
from tests.unit.scoring.replies import CASH


@given(st.text(max_size=200))
def test_every_stretch_of_normalised_text_quotes_the_original(text: str) -> None:
    plain = normalise(text)
    assert len(plain.origin) == len(plain.text)
    for clause in split(plain.text):
        assert plain.quote(clause.start, clause.end) in text


@given(st.text(alphabet="您我今天不能，。？！ \n密码ab1", max_size=120))
def test_clauses_come_in_order_and_hold_all_words(text: str) -> None:
    plain = normalise(text).text
    clauses = split(plain)
    assert all(a.end <= b.start for a, b in pairwise(clauses))
    kept = "".join(clause.text for clause in clauses)
    assert [c for c in plain if c.isalnum()] == [c for c in kept if c.isalnum()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("两千一百五", "2150"),
        ("三千九的利息", "3900"),
        ("6.8万元", "68000"),
        ("6,213.5元", "6213.5"),
        ("一万八千六", "18600"),
        ("17:30前", "17:30"),
        ("五个工作日", "5"),
        ("三百零五", "305"),
        ("十七点八", "17.8"),
        ("二十万", "200000"),
    ],
)
def test_numbers_are_the_same_in_words_and_figures(text: str, value: str) -> None:
    assert numbers(text) == {value}


def test_everyday_words_are_no_numbers() -> None:
    assert numbers("万一不行，咱们一起想一想，十分抱歉，第一时间告诉您") <= {"1"}


def test_limits_are_read_out_of_the_context() -> None:
    scene = situation(CASH)
    assert any("600欧元" in step for step in scene.can)
    assert "承诺赔偿机票" in scene.cannot
    assert "2000" in scene.numbers


@pytest.mark.parametrize(
    ("text", "negated", "reported", "question"),
    [
        ("我不能保证", True, False, False),
        ("您说经理承诺过保本", False, True, False),
        ("这样行不行", True, False, True),
        ("我今天给您提交", False, False, False),
    ],
)
def test_clauses_know_how_they_are_meant(text: str, negated: bool, reported: bool, question: bool) -> None:
    (clause,) = split(text)
    assert (clause.negated, clause.reported, clause.question) == (negated, reported, question)


def test_hashing_is_the_same_everywhere() -> None:
    assert grams("您好", 3, 1000).tolist() == EXPECTED_GRAMS
    assert bag("您好您好", 1, 1000).values.max() == pytest.approx(1 + np.log(2))


EXPECTED_GRAMS: list[int] = [150, 184, 77, 936, 368, 762, 32, 264, 253]


@given(st.floats(min_value=-3, max_value=7))
def test_points_follow_the_band(value: float) -> None:
    cuts = np.array([0.9, 1.5, 2.3, 3.2], dtype=np.float32)
    band = total.band_of(value, cuts)
    points = total.points_of(value, band, cuts)
    low, high = total.POINTS[band]
    assert low <= points <= high
    assert points % 5 == 0


def test_more_is_never_fewer_points() -> None:
    cuts = np.array([0.9, 1.5, 2.3, 3.2], dtype=np.float32)
    points = [total.points_of(v, total.band_of(v, cuts), cuts) for v in np.linspace(-1, 5, 400)]
    assert points == sorted(points)
    assert (points[0], points[-1]) == (0, 100)
