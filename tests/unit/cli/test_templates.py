"""`jiehua templates search`: the public contract of the search; its quality is tested elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lessons.catalogue import Catalogue
from tests.unit.cli.conftest import Run


def check_shape(found: dict[str, Any]) -> None:
    assert set(found) == {"id", "hits"}
    for hit in found["hits"]:
        assert list(hit) == ["template", "situations", "score", "why"]
        assert isinstance(hit["situations"], list)
        assert hit["situations"]
        assert isinstance(hit["score"], float)
        assert isinstance(hit["why"], str)
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True), "best first"


def test_words_find_the_template(run: Run, content: Path) -> None:
    result = run("templates", "search", "--lessons", content, "--json", "晚还", "违约金")
    assert result.code == 0
    assert len(result.lines) == 1
    found = result.objects[0]
    check_shape(found)
    assert found["id"] == "晚还 违约金"
    assert [hit["template"] for hit in found["hits"]] == ["tpl-test-late-fee"]
    assert found["hits"][0]["situations"] == ["test-late-fee"]


def test_the_built_in_templates_are_the_default(run: Run) -> None:
    found = run("templates", "search", "--json", "退费").objects[0]
    check_shape(found)
    assert 1 <= len(found["hits"]) <= 10
    assert len(run("templates", "search", "--json", "--limit", "2", "退费").objects[0]["hits"]) <= 2


@pytest.mark.parametrize("words", [[], [""], ["。！？"], ["😀"], ["火星移民签证怎么办理"], ["x" * 3000]])
def test_when_nothing_is_good_enough_there_are_no_hits(run: Run, content: Path, words: list[str]) -> None:
    result = run("templates", "search", "--lessons", content, "--json", *words)
    assert result.code == 0
    assert result.objects == [{"id": " ".join(words), "hits": []}]


def test_for_people_it_is_a_list(run: Run, content: Path) -> None:
    result = run("templates", "search", "--lessons", content, "违约金")
    assert result.code == 0
    assert result.lines[0].startswith("1. 晚还一天被收违约金  [tpl-test-late-fee]")
    nothing = run("templates", "search", "--lessons", content, "。。。")
    assert nothing.code == 0
    assert "没找到" in nothing.out


def test_a_batch_is_one_object_a_line_in_order(run: Run, content: Path) -> None:
    rows = [{"id": 1, "text": "违约金"}, {"id": "二", "text": ""}, {"id": [3], "text": "zhinajin"}]
    Path("q.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    result = run("templates", "search", "--lessons", content, "--batch", "q.jsonl")
    assert result.code == 0
    assert [found["id"] for found in result.objects] == [1, "二", [3]]
    for found in result.objects:
        check_shape(found)
    assert result.objects[0]["hits"]
    assert result.objects[1]["hits"] == []


@pytest.mark.parametrize(("row", "fault"), [("{", "-: 不是 JSON"), ('{"id": 1, "text": 5}', "text: 要写文字")])
def test_a_bad_row_is_named_by_its_line(run: Run, content: Path, row: str, fault: str) -> None:
    Path("q.jsonl").write_text(f'{{"id": 1, "text": "退费"}}\n\n{row}\n', encoding="utf-8")
    result = run("templates", "search", "--lessons", content, "--batch", "q.jsonl")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"q.jsonl:3: {fault}")


def test_every_hit_exists(run: Run) -> None:
    from lessons import catalogue

    content: Catalogue = catalogue.load()
    for hit in run("templates", "search", "--json", "征信").objects[0]["hits"]:
        assert tuple(hit["situations"]) == content.templates[hit["template"]].situations
