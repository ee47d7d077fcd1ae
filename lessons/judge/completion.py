"""The chat completion that carries questions and verdict: its request as data, its response read; no wire here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lessons.judge.answers import Answer, Malformed, parse
from lessons.judge.questions import prompt_messages, response_format
from lessons.model import Lesson

BODY_LIMIT = 256 * 1024
RAW_LIMIT = 8 * 1024  # bytes of the model's text that are kept
_SEED = 7
_MOST_TOKENS = 2048
_MOST_COUNTED = 10_000_000


@dataclass(frozen=True)
class Reading:
    """What a response comes to. `outcome`: ok · unreachable · refused · malformed; `why` quotes nothing."""

    outcome: str
    why: str = ""
    raw: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    answers: dict[str, Answer] | None = None


def request_of(model: str, lesson: Lesson, text: str) -> bytes:
    """The body of the request: always the same bytes for the same reply."""
    body = {
        "model": model,
        "messages": prompt_messages(lesson, text),
        "temperature": 0,
        "seed": _SEED,
        "max_tokens": _MOST_TOKENS,
        "response_format": response_format(),
    }
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def passes(status: int) -> bool:
    """Whether a failure with this status may be over in a moment."""
    return status == 429 or status >= 500


def read(status: int, raw: bytes) -> Reading:
    """Whatever a server may send, read; never raises. Of a model that declines there is text, but no object."""
    if passes(status):
        return Reading("unreachable", f"HTTP {status}")
    if status != 200:
        return Reading("refused", f"HTTP {status}")
    if len(raw) > BODY_LIMIT:
        return Reading("malformed", "the body is too long")
    try:
        data = json.loads(raw)
        content, usage = data["choices"][0]["message"]["content"], data.get("usage")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return Reading("malformed", "the body is no completion")
    tokens = _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens")
    if not isinstance(content, str):
        return Reading("refused", "no content", "", *tokens)
    try:
        return Reading("ok", "", storable(content), *tokens, parse(content))
    except Malformed as error:
        return Reading("malformed" if "{" in content else "refused", str(error), storable(content), *tokens)


def storable(raw: str) -> str:
    """At most RAW_LIMIT bytes of a text, without what PostgreSQL cannot store."""
    clean = raw.replace("\x00", "").encode("utf-8", "replace")
    return clean[:RAW_LIMIT].decode("utf-8", "ignore")


def _tokens(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else 0
    return count if type(count) is int and 0 <= count < _MOST_COUNTED else 0
