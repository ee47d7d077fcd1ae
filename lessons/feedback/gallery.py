"""The feedback gallery: fixed replies of all tracks and bands, each with the feedback it gets, as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bot.core.messages import Message, Style
from lessons import catalogue
from lessons.catalogue import Catalogue
from lessons.feedback.review import opening_of, review
from lessons.model import TRACK_NAMES, Lesson
from lessons.scoring.result import BAND_NAMES, Score

REPLIES = catalogue.BUILT_IN / "gallery.jsonl"
COMMAND = "jiehua lessons gallery"

_MARKS = {Style.GOOD: "✓ ", Style.WARN: "⚠ "}


class Scorer(Protocol):
    def score(self, lesson: Lesson, text: str) -> Score: ...


def replies(path: Path = REPLIES) -> list[tuple[str, str]]:
    """(lesson id, text) in file order."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [(row["lesson"], row["text"]) for row in rows]


def gallery(found: Catalogue, scorer: Scorer, rows: Sequence[tuple[str, str]]) -> str:
    """The whole page. The same content and scorer give the same page."""
    parts = [
        "# 点评长什么样\n",
        f"{len(rows)} 条写死的回答，各得到什么点评。由 `{COMMAND}` 生成，不要手改；"
        "回答在 `lessons/content/gallery.jsonl`，没有一条拿来训练过。\n",
    ]
    last = -1
    bands = [0] * len(BAND_NAMES)
    for lesson_id, text in rows:
        lesson = found.lessons[lesson_id]
        assert isinstance(lesson, Lesson)
        score = scorer.score(lesson, text)
        bands[score.band] += 1
        last = opening_of(score, text, last)
        parts.append(_entry(lesson, text, review(lesson, score, text, last, found.rules)))
    counts = "、".join(f"{name} {count}" for name, count in zip(BAND_NAMES, bands, strict=True))
    parts.insert(2, f"各档：{counts}。\n")
    return "\n".join(parts)


def _entry(lesson: Lesson, text: str, message: Message) -> str:
    lines = [
        f"## {lesson.title}（{TRACK_NAMES[lesson.track]}）\n",
        f"> **{lesson.customer.name}**：{lesson.customer.says}\n",
        f"**学员**：{_flat(text)}\n",
        f"**{message.title}**\n",
    ]
    for line in message.lines:
        words = _flat(line.text)
        if line.style is Style.QUOTE:
            lines.append(f"> {words}\n")
        elif line.style is Style.STRONG:
            lines.append(f"**{words}**\n")
        elif line.style is Style.HINT:
            lines.append(f"*{words}*\n")
        else:
            lines.append(f"{_MARKS.get(line.style, '')}{words}\n")
    return "\n".join(lines)


def _flat(text: str) -> str:
    return " ".join(text.split())
