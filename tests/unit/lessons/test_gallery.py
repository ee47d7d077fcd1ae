"""docs/feedback-gallery.md is what the coach says today, over all tracks and bands."""

from __future__ import annotations

from pathlib import Path

from bot.platforms.wecom.render import PART_BYTES, render
from lessons.catalogue import Catalogue
from lessons.feedback import gallery, opening_of, review
from lessons.model import Lesson, Track
from lessons.scoring import Scorer

PAGE = Path(__file__).parents[3] / "docs" / "feedback-gallery.md"


def test_the_page_is_what_the_command_prints(content: Catalogue, scorer: Scorer) -> None:
    """After a change of content, scorer or words: `jiehua lessons gallery > docs/feedback-gallery.md`, and read it."""
    assert PAGE.read_text(encoding="utf-8") == gallery.gallery(content, scorer, gallery.replies()) + "\n"


def test_forty_replies_cover_all_tracks_and_bands(content: Catalogue, scorer: Scorer) -> None:
    rows = gallery.replies()
    lessons = [content.lessons[lesson_id] for lesson_id, _ in rows]
    assert len(set(lessons)) == 40
    assert {lesson.track for lesson in lessons} == set(Track) - {Track.KNOWLEDGE}
    bands = [scorer.score(lesson, text).band for lesson, (_, text) in zip(lessons, rows, strict=True)]  # type: ignore[arg-type]
    assert set(bands) == {0, 1, 2, 3, 4}


def test_no_opening_stands_twice_in_a_row_and_all_fit_a_phone(content: Catalogue, scorer: Scorer) -> None:
    last, before = -1, ""
    for lesson_id, text in gallery.replies():
        lesson = content.lessons[lesson_id]
        assert isinstance(lesson, Lesson)
        score = scorer.score(lesson, text)
        last = opening_of(score, text, last)
        message = review(lesson, score, text, last, content.rules)
        assert message.lines[0].text != before
        before = message.lines[0].text
        payloads = render(message)
        assert len(payloads) == 1
        assert len(payloads[0]["markdown"]["content"].encode()) <= PART_BYTES
