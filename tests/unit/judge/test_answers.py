"""Reading the model's text: lenient around the object, strict inside it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.judge.answers import Answer, Malformed, parse
from lessons.judge.completion import RAW_LIMIT, read, storable
from lessons.judge.questions import IDS

GOOD: list[dict[str, Any]] = [{"id": name, "yes": False, "quote": ""} for name in IDS]


def told(rows: Any = GOOD, **more: Any) -> str:
    return json.dumps({"answers": rows, **more}, ensure_ascii=False)


def changed(**cells: Any) -> list[dict[str, Any]]:
    return [{**GOOD[0], **cells}, *GOOD[1:]]


@pytest.mark.parametrize(
    "text",
    [
        told(),
        f"```json\n{told()}\n```",
        f"好的，答案如下：\n{told()}\n以上。",
        f"<think>先想 {{一下}}，{told(changed(yes=True))}</think>\n{told()}",
        f"{{x}} {told()} {{",
        f'{{"note": 1}} {told()}',
    ],
)
def test_text_around_the_object_is_tolerated(text: str) -> None:
    assert parse(text) == {name: Answer(False, "") for name in IDS}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no complete JSON object"),
        ("我不能对此作出判断。", "no complete JSON object"),
        (told()[:-30], "no complete JSON object"),
        ("[" * 5000, "no complete JSON object"),
        ('{"a":' * 5000, "no complete JSON object"),
        (told() + told(), "more than one object"),
        (told(score=4), "other keys"),
        (told({"empathy-1": True}), "not a list"),
        (told(GOOD[1:]), "no answer to empathy-1"),
        (told([*GOOD, GOOD[0]]), "empathy-1 is answered twice"),
        (told(changed(id="empathy-9")), "an id that no question has"),
        (told(changed(id=["empathy-1"])), "an id that no question has"),
        (told(changed(yes="true")), "neither true nor false"),
        (told(changed(yes=1)), "neither true nor false"),
        (told(changed(quote=None)), "quote is not a string"),
        (told(changed(score=4)), "and nothing else"),
        (told(["yes", *GOOD[1:]]), "and nothing else"),
        (told().replace('"yes": false', '"yes": true, "yes": false', 1), "a key stands twice"),
    ],
)
def test_a_fault_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse(text)


@given(st.text(max_size=400) | st.builds(told, st.recursive(st.none() | st.text(), st.lists)))
def test_any_text_is_read_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        assert set(parse(text)) == set(IDS)


@given(st.binary(max_size=400), st.integers(100, 599))
def test_any_response_is_read_without_raising(raw: bytes, status: int) -> None:
    assert read(status, raw).outcome in {"ok", "unreachable", "refused", "malformed"}


@pytest.mark.parametrize(
    "body", ["[]", "{}", '"x"', '{"choices":[]}', '{"choices":[{"message":"x"}]}', '{"choices":{"0":1}}', "[" * 100_000]
)
def test_a_body_that_is_no_completion_is_malformed(body: str) -> None:
    assert read(200, body.encode()).outcome == "malformed"


@pytest.mark.parametrize("usage", [None, [], {"prompt_tokens": -1}, {"prompt_tokens": "9"}, {"prompt_tokens": True}])
def test_odd_token_counts_count_nothing(usage: Any) -> None:
    body = {"choices": [{"message": {"content": told()}}], "usage": usage}
    reading = read(200, json.dumps(body).encode())
    assert (reading.outcome, reading.tokens_in, reading.tokens_out) == ("ok", 0, 0)


@given(st.text())
def test_what_is_kept_is_short_and_storable(raw: str) -> None:
    kept = storable(raw * 50)
    assert len(kept.encode()) <= RAW_LIMIT
    assert "\x00" not in kept
