"""All indexes over one list of documents, and what each channel makes of a query; adding up is `route`'s business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lessons.search import initials, lexical, phrases
from lessons.search.document import Document
from lessons.search.initials import InitialsIndex
from lessons.search.lexical import Scores, TermIndex
from lessons.search.phrases import PhraseIndex, characters
from lessons.search.pinyin import loose_spelling, spellings, syllables
from lessons.search.synonyms import Synonyms
from lessons.search.terms import terms, weight

_SYNONYM = 0.85
_SPOKEN = frozenset({"title", "keywords", "sayings", "methods"})
_SYLLABLE_ALONE = 0.15
#: Characters beyond which a query is a pasted text; no keyword makes up much of it, with or without synonyms.
_PASTED = 40


@dataclass(frozen=True)
class Channels:
    """The indexes over one list of documents; every method gives one number from 0 to 1 a document."""

    characters: TermIndex
    sounds: TermIndex
    phrases: PhraseIndex
    spoken_phrases: PhraseIndex
    initials: InitialsIndex

    def words(self, query: str, synonyms: Synonyms) -> Scores:
        """Characters and neighbours in common; a synonym in the template counts almost like the word itself."""
        total = self.characters.score(_weighted(query))
        whole = self.characters.mass(_weighted(query))
        for span in synonyms.spans(query):
            own = _weighted(span.word)
            share = self.characters.mass(own) / whole if whole else 0.0
            held = self.characters.score(own)
            best = held
            for other in span.others:
                best = np.maximum(best, self.characters.score(_weighted(other)) * np.float32(_SYNONYM))
            total = total + (best - held) * np.float32(share)
        return np.minimum(total, 1.0)

    def wholes(self, query: str, synonyms: Synonyms) -> Scores:
        """Keywords, titles and method names that stand in the query word for word or through a synonym."""
        best = self.phrases.score(characters(query))
        if len(query) > _PASTED:
            return best
        for span in synonyms.spans(query):
            for other in span.others:
                changed = query[: span.start] + other + query[span.end :]
                best = np.maximum(best, self.phrases.score(characters(changed)) * np.float32(_SYNONYM))
        return best

    def homophones(self, query: str) -> Scores:
        """Neighbouring syllables in common with a Chinese query, whatever the characters."""
        return self.sounds.score(_sounds(syllables(query)))

    def homophone_wholes(self, query: str) -> Scores:
        """Keywords, titles and method names that sound like a part of a Chinese query."""
        return self.spoken_phrases.score(tuple(syllables(query)))

    def spelled(self, letters: str) -> Scores:
        """Syllables in common with typed pinyin, in the best of its readings."""
        return self._best(self.sounds.score(_sounds(spelling)) for spelling in spellings(letters))

    def spelled_wholes(self, letters: str, synonyms: Synonyms) -> Scores:
        """Keywords, titles and method names typed in pinyin, or whose synonyms are."""
        readings = list(spellings(letters))
        meant = [word for spelling in readings for word in synonyms.spoken(" ".join(spelling))]
        return self._best(
            [
                *(self.spoken_phrases.score(tuple(spelling)) for spelling in readings),
                *(self.wholes(word, synonyms) for word in meant),
            ]
        )

    def _best(self, scores: Iterable[Scores]) -> Scores:
        best = np.zeros(self.sounds.size, dtype=np.float32)
        for each in scores:
            best = np.maximum(best, each)
        return best

    def abbreviated(self, letters: str, synonyms: Synonyms) -> Scores:
        """First letters in common with typed initials, or with pinyin that breaks off (tuif, shouxf)."""
        best = self.initials.score(letters)
        for word in synonyms.spoken(letters):
            meant = np.maximum(self.wholes(word, synonyms), self.words(word, synonyms))
            best = np.maximum(best, meant * np.float32(_SYNONYM))
        pieces = loose_spelling(letters)
        if pieces is not None and 1 < len(pieces) < len(letters) and any(len(piece) == 1 for piece in pieces):
            first_letters = self.initials.score("".join(piece[0] for piece in pieces))
            heard = self.sounds.score({piece: 1.0 for piece in pieces if len(piece) > 1})
            best = np.maximum(best, np.where(heard > 0.3, first_letters * np.float32(0.9), 0))
        return best


def build(documents: Sequence[Document], weights: Mapping[str, float]) -> Channels:
    """`weights` names the fields title, keywords, sayings, methods, when and text."""
    written = lexical.build([(weights[name], terms(text)) for name, text in _fields(doc)] for doc in documents)
    sounds = lexical.build(
        [(weights[name], _heard(text)) for name, text in _fields(doc) if name in _SPOKEN] for doc in documents
    )
    return Channels(
        written,
        sounds,
        phrases.build(documents, characters),
        phrases.build(documents, _syllables),
        initials.build(documents),
    )


def _fields(document: Document) -> Iterable[tuple[str, str]]:
    yield "title", document.title
    yield "keywords", " ".join(document.keywords)
    yield "sayings", " ".join(document.sayings)
    yield "methods", " ".join(document.methods)
    yield "when", document.when
    yield "text", document.text


def _syllables(text: str) -> tuple[str, ...]:
    return tuple(syllables(text))


def _weighted(text: str) -> dict[str, float]:
    return lexical.query_terms(terms(text), weight)


def _heard(text: str) -> list[str]:
    """Syllables and neighbouring syllables, never across the gap between two phrases."""
    found: list[str] = []
    for run in text.split():
        spoken = syllables(run)
        found.extend(spoken)
        found.extend(f"{first} {second}" for first, second in pairwise(spoken))
    return found


def _sounds(spoken: Sequence[str]) -> dict[str, float]:
    """Syllables alone say little, neighbours much; a single syllable is all there is."""
    weights = {syllable: _SYLLABLE_ALONE if len(spoken) > 1 else 1.0 for syllable in spoken}
    weights.update({f"{first} {second}": 1.0 for first, second in pairwise(spoken)})
    return weights
