"""One reply to one lesson, taken apart once: text, clauses, signs, vectors; judged elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lessons.model import Lesson
from lessons.scoring.clauses import Clause, joined, sentences, split
from lessons.scoring.embed import WIDTH, Embedder, Vectors
from lessons.scoring.evidence import sign_matrix
from lessons.scoring.normalise import Plain, normalise
from lessons.scoring.situation import Situation, situation

#: Clauses of a reply that are looked at; nobody says more in one breath, and time must stay bounded.
_CLAUSES = 40


@dataclass(frozen=True)
class Parts:
    """Clauses or sentences: one row of signs and one vector each (zeros without an embedder)."""

    pieces: tuple[Clause, ...]
    signs: Vectors
    vectors: Vectors


@dataclass(frozen=True)
class Reading:
    """A reply by clauses and by sentences; `situation_vectors` has one row a text of the situation.

    `whole` is the direction the clauses point in together; a vector of the whole text would cost as much again.
    """

    lesson: Lesson
    plain: Plain
    by_clause: Parts
    by_sentence: Parts
    situation: Situation
    whole: Vectors
    situation_vectors: Vectors

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return self.by_clause.pieces


def read(lesson: Lesson, text: str, embedder: Embedder | None) -> Reading:
    """Take a reply apart; never fails, whatever the text."""
    plain = normalise(text)
    clauses = split(plain.text)[:_CLAUSES]
    scene = situation(lesson)
    vectors = _vectors(embedder, [clause.text for clause in clauses])
    whole = unit(vectors.mean(axis=0)) if len(vectors) else np.zeros(WIDTH, dtype=np.float32)
    by_clause = Parts(clauses, sign_matrix(clauses), vectors)
    by_sentence = _sentences(plain.text, by_clause)
    return Reading(lesson, plain, by_clause, by_sentence, scene, whole, _vectors(embedder, scene.texts))


def _sentences(plain: str, parts: Parts) -> Parts:
    """The meaning of a sentence is where its clauses point together; it shows every sign one of them shows."""
    runs = sentences(plain, parts.pieces)
    if not runs:
        return parts
    return Parts(
        pieces=tuple(joined(plain, parts.pieces[first:end]) for first, end in runs),
        signs=np.stack([parts.signs[first:end].max(axis=0) for first, end in runs]),
        vectors=np.stack([unit(parts.vectors[first:end].mean(axis=0)) for first, end in runs]),
    )


def _vectors(embedder: Embedder | None, texts: Sequence[str]) -> Vectors:
    if embedder is None or not texts:
        return np.zeros((len(texts), WIDTH), dtype=np.float32)
    return embedder.encode(texts)


def unit(vector: Vectors) -> Vectors:
    """The same direction at length one; nothing stays nothing."""
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm else vector


def pieces_of(text: str) -> list[str]:
    """The texts that `read` will want vectors of."""
    return [clause.text for clause in split(normalise(text).text)[:_CLAUSES]]
