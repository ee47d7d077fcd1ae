"""Words typed with the wrong character of the same sound (熟回 for 赎回), put right from the catalogue's own words."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lessons.search.document import Document
from lessons.search.pinyin import syllables
from lessons.search.terms import terms

_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_SHORTEST, _LONGEST = 2, 8


@dataclass(frozen=True)
class Spelling:
    """Sounds of keywords, synonyms and neighbours in titles → how they are written; `pairs` are those in common use."""

    words: Mapping[tuple[str, ...], str]
    pairs: Container[str]

    @classmethod
    def build(cls, documents: Sequence[Document], synonyms: Iterable[str], pairs: Container[str]) -> Spelling:
        keywords = (keyword for document in documents for keyword in document.keywords)
        title_pairs = (pair for document in documents for pair in terms(document.title) if len(pair) == _SHORTEST)
        words: dict[tuple[str, ...], str] = {}
        for text in dict.fromkeys((*keywords, *synonyms, *title_pairs)):
            if _SHORTEST <= len(text) <= _LONGEST and _RUN.fullmatch(text):
                words.setdefault(tuple(syllables(text)), text)
        return cls(words, pairs)

    def corrected(self, query: str) -> str:
        """The query with such words put right; words that are common in the catalogue are left alone."""
        return _RUN.sub(lambda match: self._run(match.group()), query)

    def _run(self, run: str) -> str:
        sounds = tuple(syllables(run))
        if len(sounds) != len(run):
            return run
        written: list[str] = []
        place = 0
        while place < len(run):
            size = next((n for n in range(_LONGEST, _SHORTEST - 1, -1) if self._is_slip(run, sounds, place, n)), 0)
            written.append(self.words[sounds[place : place + size]] if size else run[place])
            place += size or 1
        return "".join(written)

    def _is_slip(self, run: str, sounds: tuple[str, ...], place: int, size: int) -> bool:
        meant = self.words.get(sounds[place : place + size])
        typed = run[place : place + size]
        if meant is None or len(typed) < size or meant == typed:
            return False
        alike = sum(a == b for a, b in zip(meant, typed, strict=True))
        in_use = all(typed[i : i + 2] in self.pairs for i in range(size - 1))
        return alike * 2 >= size and not in_use
