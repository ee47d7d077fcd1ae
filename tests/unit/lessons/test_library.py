"""The content in force: replaced as a whole when files change, and the last good one stays when they are broken."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bot.core.errors import ContentError
from bot.library import ContentLibrary
from lessons.catalogue import BUILT_IN
from lessons.scoring.embed import built_in_embedder
from tests.unit.writing import BRIEF, KNOWLEDGE, LESSON, TEMPLATES, folder, line_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return folder(tmp_path, lesson=LESSON, templates=TEMPLATES)


def titles(library: ContentLibrary) -> list[str]:
    return [lesson.title for lesson in library.catalogue.lessons.values()]


async def test_nothing_happens_while_nothing_changes(home: Path) -> None:
    library = ContentLibrary(home, None)
    index = library.index
    assert not await library.refresh()
    assert library.index is index
    assert titles(library) == ["一天滞纳金"]


async def test_a_changed_a_new_and_a_removed_file_are_taken_over(home: Path) -> None:
    library = ContentLibrary(home, None)
    folder(home, lesson=LESSON.replace("一天滞纳金", "晚还一天"))
    assert await library.refresh()
    assert titles(library) == ["晚还一天"]
    (home / "choice.yml").write_text(KNOWLEDGE, encoding="utf-8")
    assert await library.refresh()
    assert titles(library) == ["第一步做什么", "晚还一天"]
    (home / "lesson.yaml").unlink()
    assert await library.refresh()
    assert titles(library) == ["第一步做什么"]


async def test_the_index_belongs_to_the_catalogue(home: Path) -> None:
    library = ContentLibrary(home, None)
    assert [hit.template for hit in library.index.search("违约金")] == ["tpl-test-late-fee"]
    folder(home, templates=TEMPLATES.replace("tpl-test-late-fee", "tpl-renamed"))
    assert await library.refresh()
    assert [hit.template for hit in library.index.search("违约金")] == ["tpl-renamed"]


async def test_new_chitchat_is_taken_over(home: Path) -> None:
    library = ContentLibrary(home, None)
    assert library.index.search("三十块凭什么")
    (home / "queries").mkdir()
    (home / "queries" / "smalltalk.txt").write_text("# 闲聊\n三十块凭什么\n", encoding="utf-8")
    assert await library.refresh()
    assert library.index.search("三十块凭什么") == []


async def test_a_quick_start_searches_by_words_and_learns_meanings_later(tmp_path: Path) -> None:
    library = ContentLibrary(BUILT_IN, built_in_embedder(), tmp_path, quick=True)
    paraphrase = "客户看了短视频说手续费都能要回来"
    assert library.index.search("退费")
    assert not list(tmp_path.iterdir()), "no vector was made"
    quick = library.index
    assert await library.refresh()
    assert library.index is not quick
    assert list(tmp_path.iterdir())
    assert library.index.search(paraphrase)
    assert not await library.refresh()


async def test_broken_content_is_refused_and_the_last_good_one_stays(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = ContentLibrary(home, None)
    before = library.catalogue
    broken = LESSON.replace("tip:", "tipp:")
    folder(home, lesson=broken, other=BRIEF)
    with caplog.at_level(logging.ERROR):
        assert not await library.refresh()
    assert library.catalogue is before
    where = f"lesson.yaml:{line_of(broken, 'tipp:')}: tipp: 没有这个键，是不是想写 tip"
    assert any(fault.endswith(where) for fault in library.faults)
    assert any("tipp" in record.message for record in caplog.records), "the operator is told where"
    caplog.clear()
    assert not await library.refresh()
    assert caplog.records == [], "once, not every five seconds"
    folder(home, lesson=LESSON.replace("一天滞纳金", "改好了"))
    (home / "other.yaml").unlink()
    assert await library.refresh()
    assert library.faults == ()
    assert titles(library) == ["改好了"]


def test_a_bot_does_not_start_on_broken_content(tmp_path: Path) -> None:
    with pytest.raises(ContentError):
        ContentLibrary(folder(tmp_path, lesson=BRIEF), None)
