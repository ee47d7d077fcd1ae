"""The model's text → answers by question: lenient about what stands around the object, strict about what is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lessons.judge.questions import IDS

_MOST_STARTS = 50
_MOST_CHARACTERS = 65_536
_THINKING = ("<think>", "</think>")


class Malformed(ValueError):
    """The model's text is no verdict; says what is wrong with it, without quoting it."""


@dataclass(frozen=True)
class Answer:
    """The answer to one question, with the words that are said to prove it."""

    yes: bool
    quote: str


def parse(content: str) -> dict[str, Answer]:
    """Every question's answer. Raises Malformed unless there is exactly one object with exactly one answer each."""
    rows = _only(_objects(content))["answers"]
    if not isinstance(rows, list):
        raise Malformed("answers is not a list")
    answers: dict[str, Answer] = {}
    for row in rows:
        name, answer = _answer(row)
        if name in answers:
            raise Malformed(f"{name} is answered twice")
        answers[name] = answer
    missing = [name for name in IDS if name not in answers]
    if missing:
        raise Malformed(f"no answer to {', '.join(missing)}")
    return answers


def _answer(row: Any) -> tuple[str, Answer]:
    if not isinstance(row, dict) or set(row) != {"id", "yes", "quote"}:
        raise Malformed("an answer must have id, yes and quote and nothing else")
    name, yes, quote = row["id"], row["yes"], row["quote"]
    if not isinstance(name, str) or name not in IDS:
        raise Malformed("an answer has an id that no question has")
    if not isinstance(yes, bool):
        raise Malformed(f"{name}: yes is neither true nor false")
    if not isinstance(quote, str):
        raise Malformed(f"{name}: quote is not a string")
    return name, Answer(yes, quote)


def _only(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The one object; two would let an echoed reply answer in the model's place."""
    if not found:
        raise Malformed("there is no complete JSON object with answers")
    if len(found) > 1:
        raise Malformed("there is more than one object with answers")
    if set(found[0]) != {"answers"}:
        raise Malformed("the object has other keys than answers")
    return found[0]


def _objects(content: str) -> list[dict[str, Any]]:
    """Every outermost JSON object that has answers."""
    text = _without_thinking(content[:_MOST_CHARACTERS])
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    found: list[dict[str, Any]] = []
    at = text.find("{")
    for _ in range(_MOST_STARTS):
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except Malformed:
            raise
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict) and "answers" in value:
                found.append(value)
        at = text.find("{", end)
    return found


def _without_thinking(text: str) -> str:
    """The text after the thinking that some models print first."""
    opening, closing = _THINKING
    return text.partition(closing)[2] if text.lstrip().startswith(opening) and closing in text else text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a repeated key is a fault, because readers differ in which of them counts."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("a key stands twice in one object")
    return value
