"""The grader's exam: who passes, who does not, and what is said about it."""

from __future__ import annotations

import pytest

from lessons import exam
from lessons.catalogue import Catalogue
from lessons.exam import Sitting
from lessons.model import Lesson
from lessons.scoring import Scorer


def sat(*answers: tuple[int, int]) -> Sitting:
    return Sitting("test", answers)


@pytest.mark.parametrize(
    ("answers", "passed"),
    [
        (((4, 4), (2, 2), (0, 0)), True),
        (((4, 4), (3, 3), (2, 2), (1, 1), (0, 1)), True),
        (((4, 4), (3, 3), (2, 2), (1, 2), (0, 1)), False),
        (((4, 4), (4, 4), (3, 3), (2, 2), (0, 2)), False),
        (((4, 4), (0, 0)), False),
        ((), False),
    ],
)
def test_four_in_five_and_none_far_off(answers: tuple[tuple[int, int], ...], passed: bool) -> None:
    assert sat(*answers).passed is passed


def test_it_is_told_in_one_sentence() -> None:
    assert sat((4, 4), (2, 2), (0, 0)).why == "3 条例句对上 3 条，通过"
    assert sat((4, 4), (2, 1), (0, 0)).why == "3 条例句对上 2 条（2 评成 1），没有通过"
    assert "至少要 3 条" in sat((4, 4)).why


def test_the_gold_replies_are_the_samples(content: Catalogue, scorer: Scorer) -> None:
    lesson = content.lessons["unmet-refund-all-fees"]
    assert isinstance(lesson, Lesson)
    bands = [score.band for score in scorer.score_many((lesson, text) for text in exam.gold(lesson))]
    sitting = exam.sitting(lesson, scorer.version, bands)
    assert sitting.answers == tuple(zip((s.band for s in lesson.samples), bands, strict=True))
    assert sitting.passed
