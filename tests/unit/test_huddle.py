"""The card for the morning meeting is short enough to read aloud, for every lesson and gap, and says the same as is."""

from __future__ import annotations

import pytest

from handlers import huddle
from lessons.catalogue import BUILT_IN, load
from lessons.gap import Gap
from lessons.model import Criterion, Lesson

LESSONS = {lesson.id: lesson for lesson in load(BUILT_IN).situations()}


@pytest.mark.parametrize("rate", [0.0, 0.43, 0.9])
@pytest.mark.parametrize("criterion", list(Criterion))
def test_every_card_has_at_most_600_characters(criterion: Criterion, rate: float) -> None:
    assert LESSONS
    for lesson in LESSONS.values():
        card = huddle.written(Gap(criterion, rate, lesson.id), lesson, "晨会｜11月30日").plain
        assert len(card) <= 600, f"{lesson.id}: {len(card)}"
        assert lesson.customer.name in card
        assert "。。" not in card


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.0, "十次里还做不到一次"),
        (0.43, "十次里做到 4 次"),
        (0.84, "十次里做到 8 次"),
        (0.86, "各项都稳"),
        (1.0, "几乎次次做到"),
    ],
)
def test_the_share_is_said_in_words(rate: float, words: str) -> None:
    lesson = _lesson()
    assert words in huddle.written(Gap(Criterion.LEAD, rate, lesson.id), lesson, "晨会").plain


def test_the_minutes_add_up_to_three() -> None:
    lesson = _lesson()
    card = huddle.written(Gap(Criterion.LEAD, 0.5, lesson.id), lesson, "晨会").plain
    spoken = {"半分钟": 0.5, "一分钟": 1.0, "一分半": 1.5}
    assert sum(minutes for words, minutes in spoken.items() if f". {words}，" in card) == 3.0


def _lesson() -> Lesson:
    return LESSONS["unmet-refund-all-fees"]
