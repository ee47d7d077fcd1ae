"""How near a query is in meaning to each template, and to the lessons and templates of the same situation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.embed import Embedder, Vectors
from lessons.search import semantic
from lessons.search.document import Document
from lessons.search.lexical import Scores
from lessons.search.semantic import MeaningIndex


@dataclass(frozen=True)
class Seen:
    """One query's cosines: to every phrasing, to each template's nearest, and to the nearest of its situation."""

    vector: Vectors
    phrasings: Scores
    own: Scores
    shared: Scores


@dataclass(frozen=True)
class Likeness:
    templates: MeaningIndex
    lessons: MeaningIndex
    homes: NDArray[np.int32]
    embedder: Embedder

    @classmethod
    def build(
        cls,
        documents: Sequence[Document],
        lesson_phrasings: Sequence[Sequence[str]],
        homes: NDArray[np.int32],
        embedder: Embedder,
        cache: Path | None,
    ) -> Likeness:
        """`homes[t]` are the places of template t's situations in `lesson_phrasings`, filled up with its length."""
        templates = semantic.build([document.phrasings for document in documents], embedder, cache)
        return cls(templates, semantic.build(lesson_phrasings, embedder, cache), homes, embedder)

    def look(self, query: str) -> Seen:
        vector = semantic.unit(self.embedder.encode([query]))[0]
        phrasings, own = self.templates.nearness(vector)
        _, lessons = self.lessons.nearness(vector)
        situations = np.append(lessons, np.float32(-1))
        np.maximum.at(situations, self.homes[:, 0], own)
        shared: Scores = situations[self.homes].max(axis=1)
        return Seen(vector, phrasings, own, shared)

    def nearest(self, template: int, seen: Seen) -> str | None:
        """The phrasing of a template that is nearest to the query."""
        start, end = self.templates.starts[template : template + 2]
        if start == end:
            return None
        return self.templates.phrasings[int(start) + int(np.argmax(seen.phrasings[start:end]))]
