"""Strings of first letters (sxf for 手续费) of runs of characters in a document, as sorted numbers for bisection."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lessons.search.document import Document
from lessons.search.lexical import Scores
from lessons.search.pinyin import initials

_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_SHORTEST, _LONGEST = 2, 8
_LONGEST_IN_SAYING = 6
_SHORTEST_IN_TITLE = 3
_SHORTEST_IN_SAYING = 4
_KEYWORD, _WORD, _SWAPPED, _KEYWORD_PART, _TITLE, _SAYING = 1.0, 0.9, 0.8, 0.7, 0.65, 0.5
#: What every further place with the same initials adds, and how many of them count.
_AGAIN, _COUNTED = 0.03, 4
#: A keyword of so many characters is two words, and people type them in either order.
_TWO_WORDS = 4
LONGEST_QUERY = 14
_LONG = 4
_PIECED, _COVERED = 0.75, 0.75


@dataclass(frozen=True)
class InitialsIndex:
    """Which documents hold a run of characters with given initials, and how prominently (0–1)."""

    size: int
    codes: NDArray[np.int64]
    documents: NDArray[np.int32]
    strengths: Scores

    def score(self, letters: str) -> Scores:
        """0–1 for each document: how much of the string its words cover, one run better than several."""
        if not _SHORTEST <= len(letters) <= LONGEST_QUERY:
            return np.zeros(self.size, dtype=np.float32)
        best = self._exact(letters)
        if len(letters) >= 2 * _SHORTEST and len(set(letters)) > 2:
            pieces = self._pieces(letters)
            best = np.maximum(best, np.where(pieces >= _COVERED, pieces * np.float32(_PIECED), 0))
            best = np.maximum(best, self._long_piece(letters) * np.float32(_PIECED))
        return best

    def _pieces(self, letters: str) -> Scores:
        """The greatest share of the letters that whole words of keywords cover, left to right."""
        best = [np.zeros(self.size, dtype=np.float32) for _ in range(len(letters) + 1)]
        for end in range(1, len(letters) + 1):
            best[end] = best[end - 1].copy()
            for start in range(end - _SHORTEST + 1):
                held = self._exact(letters[start:end])
                words = held >= (_WORD if end - start == _SHORTEST else _TITLE)
                if words.any():
                    covered = best[start] + held * np.float32(end - start)
                    np.maximum(best[end], covered, out=best[end], where=words)
        share: Scores = best[-1] / np.float32(len(letters))
        return share

    def _long_piece(self, letters: str) -> Scores:
        """The greatest share of the letters that one long run of characters covers, when it is more than half."""
        best = np.zeros(self.size, dtype=np.float32)
        for size in range(max(_LONG, len(letters) // 2 + 1), len(letters)):
            for start in range(len(letters) - size + 1):
                held = self._exact(letters[start : start + size])
                best = np.maximum(best, np.where(held >= _TITLE, held * np.float32(size / len(letters)), 0))
        return best

    def _exact(self, letters: str) -> Scores:
        found = np.zeros(self.size, dtype=np.float32)
        if not _SHORTEST <= len(letters) <= _LONGEST:
            return found
        code = _code(letters)
        here = slice(np.searchsorted(self.codes, code, "left"), np.searchsorted(self.codes, code, "right"))
        np.maximum.at(found, self.documents[here], self.strengths[here])
        return found


def build(documents: Sequence[Document]) -> InitialsIndex:
    codes: list[int] = []
    owners: list[int] = []
    strengths: list[float] = []
    for number, document in enumerate(documents):
        held: dict[int, float] = {}
        places: Counter[int] = Counter()
        for letters, _, strength in entries(document):
            code = _code(letters)
            held[code] = max(strength, held.get(code, 0.0))
            places[code] += 1
        codes.extend(held)
        strengths.extend(held[code] + _AGAIN * min(places[code] - 1, _COUNTED) for code in held)
        owners.extend([number] * len(held))
    order = np.argsort(np.array(codes, dtype=np.int64), kind="stable")
    return InitialsIndex(
        len(documents),
        np.array(codes, dtype=np.int64)[order],
        np.array(owners, dtype=np.int32)[order],
        np.array(strengths, dtype=np.float32)[order],
    )


def runs(text: str, shortest: int = _SHORTEST, longest: int = _LONGEST) -> Iterator[tuple[str, str]]:
    """Every run of Chinese characters of `text`, `shortest` to `longest` long, as (initials, characters)."""
    for run in _RUN.findall(text):
        letters = initials(run)
        for start in range(len(run) - shortest + 1):
            for end in range(start + shortest, min(len(run), start + longest) + 1):
                yield letters[start:end], run[start:end]


def entries(document: Document) -> Iterator[tuple[str, str, float]]:
    """What can be found: the initials, the words they are of, and how much they tell, the most telling first."""
    for keyword in document.keywords:
        whole = initials(keyword)
        if len(whole) >= _SHORTEST:
            yield whole[:_LONGEST], keyword, _KEYWORD
        if len(whole) == len(keyword) == _TWO_WORDS:
            yield whole[:2], keyword[:2], _WORD
            yield whole[2:], keyword[2:], _WORD
            yield whole[2:] + whole[:2], keyword, _SWAPPED
    for keyword in document.keywords:
        yield from ((letters, words, _KEYWORD_PART) for letters, words in runs(keyword))
    for title in (document.title, *document.methods):
        yield from ((letters, words, _TITLE) for letters, words in runs(title, _SHORTEST_IN_TITLE))
    for saying in document.sayings:
        found = runs(saying, _SHORTEST_IN_SAYING, _LONGEST_IN_SAYING)
        yield from ((letters, words, _SAYING) for letters, words in found)


def _code(letters: str) -> int:
    """The letters as one number; different strings give different numbers."""
    code = 0
    for letter in letters:
        code = code * 27 + (ord(letter) - 96)
    return code
