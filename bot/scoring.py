"""The scorer as the bot uses it: the lessons' scorer that remembers what it scored last."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from handlers.context import Scorer
from lessons.model import Lesson
from lessons.scoring.result import Score


class RememberingScorer:
    """Scores each (lesson, text) once. A score is a pure function of both, so remembering changes nothing."""

    def __init__(self, inner: Scorer, most: int = 2048) -> None:
        self._inner = inner
        self._score = lru_cache(maxsize=most)(inner.score)

    def score(self, lesson: Lesson, text: str) -> Score:
        return self._score(lesson, text)

    def score_many(self, pairs: Iterable[tuple[Lesson, str]]) -> list[Score]:
        return self._inner.score_many(pairs)
