"""A reply as typed → plain comparable text that remembers where each character came from; no judging here."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

#: Characters of a reply that are looked at. A spoken reply of three minutes has about 700; the rest is only noticed.
LONGEST = 1500

_SAME = str.maketrans(
    {"…": "~", "～": "~", "“": '"', "”": '"', "「": '"', "」": '"', "『": '"', "』": '"', "‘": '"', "’": '"'}
)
_MARKS = re.compile(r"[\W_]+")
_VARIANT_SELECTORS = range(0xFE00, 0xFE10)


@dataclass(frozen=True)
class Plain:
    """Normalised text and, for each of its characters, the index of the original character it came from."""

    text: str
    original: str
    origin: tuple[int, ...]
    cut: bool = False

    def quote(self, start: int, end: int) -> str:
        """The learner's own characters behind `text[start:end]`, verbatim and without outer blanks or commas."""
        if not self.origin or start >= end:
            return ""
        first = self.origin[start]
        last = self.origin[min(end, len(self.origin)) - 1]
        return self.original[first : last + 1].strip(" \t\r\n,，、;；")


def bare(text: str) -> str:
    """Letters, digits and characters alone, in one width and case: equal for replies that say the same word by word,
    whatever their blanks and marks."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", text)).lower()


def normalise(text: str) -> Plain:
    """NFKC, lower case, one kind of quotation mark; drops what nobody can see (zero width, control, lone surrogates).

    Works character by character so that every normalised character keeps its origin.
    """
    characters: list[str] = []
    origin: list[int] = []
    for index, raw in enumerate(text):
        for char in _plain_characters(raw):
            if char == " " and (not characters or characters[-1] == " "):
                continue
            characters.append(char)
            origin.append(index)
        if len(characters) >= LONGEST:
            break
    cut = bool(origin) and origin[-1] + 1 < len(text.rstrip())
    return Plain("".join(characters), text, tuple(origin), cut)


@lru_cache(maxsize=8192)
def _plain_characters(raw: str) -> str:
    if raw in "\n\r":
        return "\n"
    category = unicodedata.category(raw)
    if category in {"Cc", "Cf", "Cs", "Co"} or ord(raw) in _VARIANT_SELECTORS:
        return " " if raw == "\t" else ""
    folded = unicodedata.normalize("NFKC", raw.translate(_SAME)).lower().translate(_SAME)
    return " " if folded.isspace() else folded


def is_chinese(char: str) -> bool:
    """Whether a character is a Chinese character of the common blocks."""
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf"
