"""`jiehua score`: the public contract of the scorer; its figures are tested elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lessons.model import RedLine
from lessons.scoring.result import Flag
from tests.unit.cli.conftest import Run
from tests.unit.writing import BRIEF, KNOWLEDGE, folder

REPLY = "就差一天被扣三十，换我也憋屈。我现在就给您申请退还，三个工作日到账，您看要不要设个提醒？"
LESSON = "test-late-fee"
KEYS = ["lesson", "band", "points", "criteria", "red_lines", "flags", "scorer"]
CRITERIA = ["empathy", "lead", "explain", "solution", "expression"]


@pytest.fixture
def score(run: Run, content: Path) -> Run:
    """`jiehua score` on a small folder of lessons."""
    folder(content, brief=BRIEF)
    return lambda *arguments, **more: run("score", "--lessons", content, *arguments, **more)


def check_shape(found: dict[str, Any], text: str) -> None:
    """The contract of a score; quotes are the learner's own words."""
    assert list(found) == KEYS
    assert found["band"] in range(5)
    assert found["points"] in range(0, 101, 5)
    assert list(found["criteria"]) == CRITERIA
    for verdict in found["criteria"].values():
        assert set(verdict) == {"verdict", "quote"}
        assert verdict["verdict"] in {"hit", "partial", "miss", "n/a"}
        assert verdict["quote"] is None or verdict["quote"] in text
    for breach in found["red_lines"]:
        assert set(breach) == {"rule", "tier", "quote"}
        assert breach["rule"] in set(RedLine)
        assert breach["tier"] in {"confirmed", "suspected"}
        assert breach["quote"] in text
    assert set(found["flags"]) <= set(Flag)
    assert isinstance(found["scorer"], str)
    assert found["scorer"]


@pytest.mark.parametrize(
    "text",
    [
        REPLY,
        "",
        " \n",
        "好",
        "Hello, how are you?",
        "😀😀😀",
        "滚，爱投诉投诉去，五千八全给您退。",
        "退" * 5000,
        "\x00\x01",
    ],
)
def test_a_reply_from_standard_input(score: Run, text: str) -> None:
    result = score("--lesson", LESSON, "--json", stdin=text)
    assert result.code == 0
    assert len(result.lines) == 1
    found = result.objects[0]
    check_shape(found, text)
    assert found["lesson"] == LESSON


def test_the_built_in_lessons_are_the_default(run: Run) -> None:
    result = run("score", "--lesson", "unmet-refund-all-fees", "--json", stdin=REPLY)
    assert result.code == 0
    check_shape(result.objects[0], REPLY)


def test_bytes_that_are_no_text_are_scored_too(score: Run) -> None:
    result = score("--lesson", LESSON, "--json", stdin=b"\xff\xfe\x00\x80")
    assert result.code == 0
    assert result.objects[0]["band"] == 0


def test_the_same_reply_gets_the_same_score(score: Run) -> None:
    first, second = (score("--lesson", LESSON, "--json", stdin=REPLY).out for _ in range(2))
    assert first == second


def test_for_people_it_is_said_in_words(score: Run) -> None:
    result = score("--lesson", LESSON, stdin=REPLY)
    assert result.code == 0
    assert " 分" in result.lines[0]
    assert "先跟·接住情绪：" in result.out


def test_a_new_lesson_with_only_the_customer_and_the_context(score: Run) -> None:
    result = score("--lesson", "test-brief", "--json", stdin=REPLY)
    assert result.code == 0
    check_shape(result.objects[0], REPLY)
    assert result.objects[0]["lesson"] == "test-brief"


def jsonl(name: str, *rows: object) -> Path:
    path = Path(name)
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_batch_is_one_object_a_line_in_order_with_the_id(score: Run) -> None:
    rows = [
        {"id": 7, "lesson": LESSON, "text": REPLY},
        {"id": "x", "lesson": "test-brief", "text": ""},
        {"id": None, "lesson": LESSON, "text": "滚"},
    ]
    result = score("--batch", jsonl("replies.jsonl", *rows), "--json")
    assert result.code == 0
    for found, row in zip(result.objects, rows, strict=True):
        assert found.pop("id") == row["id"]
        check_shape(found, str(row["text"]))
        assert found["lesson"] == row["lesson"]


def test_a_batch_says_the_same_as_one_by_one(score: Run) -> None:
    rows = [{"id": n, "lesson": LESSON, "text": text} for n, text in enumerate((REPLY, "滚", "我帮您看看", ""))]
    batch = score("--batch", jsonl("replies.jsonl", *rows)).objects
    for row, found in zip(rows, batch, strict=True):
        found.pop("id")
        assert found == score("--lesson", LESSON, "--json", stdin=str(row["text"])).objects[0]


def test_one_lesson_for_the_whole_batch(score: Run) -> None:
    rows = jsonl("replies.jsonl", {"id": 1, "text": REPLY}, {"id": 2, "text": "滚"})
    found = score("--lesson", LESSON, "--batch", rows).objects
    assert [each["lesson"] for each in found] == [LESSON, LESSON]


def test_odd_characters_survive_a_batch(score: Run) -> None:
    surrogate = json.dumps({"id": 1, "lesson": LESSON, "text": "\ud800您先别急，我帮您查"})
    separator = {"id": 2, "lesson": LESSON, "text": "您先别急\u2028我帮您查\x85一下"}
    result = score("--batch", jsonl("replies.jsonl", surrogate, separator))
    assert result.code == 0
    assert [found["id"] for found in result.objects] == [1, 2]


def test_an_empty_batch_is_empty(score: Run) -> None:
    assert score("--batch", jsonl("replies.jsonl", "", " ")).out == ""


def test_an_unknown_lesson_is_named(score: Run) -> None:
    result = score("--lesson", "unmet-nothing", "--json", stdin=REPLY)
    assert (result.code, result.out) == (1, "")
    assert result.err == "--lesson:1: unmet-nothing: 没有课程 unmet-nothing；用 jiehua lessons list 查看\n"


def test_a_knowledge_item_is_not_scored(score: Run) -> None:
    folder(Path("mine"), choice=KNOWLEDGE)
    result = score("--lessons", "mine", "--lesson", "test-first-step", stdin=REPLY)
    assert result.code == 1
    assert "这是选择题，不打分" in result.err


def test_without_a_lesson_the_call_is_wrong(score: Run) -> None:
    result = score(stdin=REPLY)
    assert result.code == 2
    assert "--lesson" in result.err


def test_broken_lessons_are_named_before_anything_is_scored(score: Run) -> None:
    folder(Path("mine"), lesson=BRIEF.replace("title:", "titel:"))
    result = score("--lessons", "mine", "--lesson", "test-brief", stdin=REPLY)
    assert (result.code, result.out) == (1, "")
    assert "mine/lesson.yaml:2: titel: 没有这个键，是不是想写 title" in result.err


GOOD = {"id": 1, "lesson": LESSON, "text": "好"}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{id: 1}", "-: 不是 JSON"),
        ('{"id": 1', "-: 不是 JSON"),
        ("[1, 2]", "-: 每行要是一个对象"),
        ('"text"', "-: 每行要是一个对象"),
        ({"id": 1, "lesson": LESSON}, "text: 缺少这一项"),
        ({"id": 1, "text": "好"}, "lesson: 缺少这一项"),
        ({"lesson": LESSON, "text": "好"}, "id: 缺少这一项"),
        ({"id": 1, "lesson": LESSON, "text": None}, "text: 要写文字"),
        ({"id": 1, "lesson": 3, "text": "好"}, "lesson: 要写文字"),
        ({"id": 1, "lesson": "unmet-nothing", "text": "好"}, "lesson: 没有课程 unmet-nothing"),
    ],
)
def test_a_bad_row_is_named_by_its_line_in_the_file(score: Run, row: object, fault: str) -> None:
    result = score("--batch", jsonl("replies.jsonl", GOOD, "", row, GOOD))
    assert (result.code, result.out) == (1, ""), "nothing half-done"
    assert result.err.startswith(f"replies.jsonl:3: {fault}")


def test_every_bad_row_is_told_at_once(score: Run) -> None:
    result = score("--batch", jsonl("replies.jsonl", "{", GOOD, {"id": 1}))
    assert [line.split(": ")[:2] for line in result.err.splitlines()] == [
        ["replies.jsonl:1", "-"],
        ["replies.jsonl:3", "lesson"],
        ["replies.jsonl:3", "text"],
    ]


def test_a_missing_file_is_a_fault(score: Run) -> None:
    result = score("--batch", "nowhere.jsonl")
    assert result.code == 1
    assert result.err.startswith("nowhere.jsonl:1: -: 读不出来")
