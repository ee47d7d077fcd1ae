"""Sentences that have nothing to do with the work, to tell chit-chat from questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lessons.scoring.embed import Embedder, Vectors
from lessons.search import lexical, semantic
from lessons.search.lexical import TermIndex
from lessons.search.normalise import fold, query
from lessons.search.terms import terms, weight

NAME = "queries/smalltalk.txt"
_BUILT_IN = Path(__file__).parents[1] / "content"


@dataclass(frozen=True)
class SmallTalk:
    """How much a query is like the sentences of smalltalk.txt, by characters and by meaning."""

    sentences: frozenset[str]
    characters: TermIndex
    vectors: Vectors | None

    @classmethod
    def build(cls, held: Sequence[str], embedder: Embedder | None, cache: Path | None = None) -> SmallTalk:
        vectors = semantic.vectors_of(held, embedder, cache) if embedder is not None else None
        whole = frozenset(held) | frozenset(map(query, held))
        return cls(whole, lexical.build([[(1.0, terms(sentence))] for sentence in held]), vectors)

    def words(self, asked: str) -> float:
        """1 for a sentence of the list, else the greatest share of the query that one sentence carries."""
        if asked in self.sentences:
            return 1.0
        wanted = lexical.query_terms(terms(asked), weight)
        return float(self.characters.score(wanted).max(initial=0.0))

    def nearness(self, vector: Vectors) -> float:
        """The greatest cosine to a sentence of the list; -1 without an embedder."""
        return -1.0 if self.vectors is None else float(np.max(self.vectors @ vector, initial=-1.0))


def load(folder: Path = _BUILT_IN) -> tuple[str, ...]:
    """The folded sentences of a content folder's list, or of ours where it has none; # begins a remark."""
    file = next(home / NAME for home in (folder, _BUILT_IN) if (home / NAME).is_file())
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(dict.fromkeys(folded for line in lines if not line.startswith("#") and (folded := fold(line))))
