"""The trainers' table of words with the same meaning, read from synonyms.yaml and applied to queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from bot.core.errors import ContentError, Fault
from lessons import yaml_file
from lessons.model import Part, Text
from lessons.search.normalise import fold
from lessons.search.pinyin import initials, syllables

Group = Annotated[tuple[Text, ...], Field(min_length=2)]


class SynonymFile(Part):
    """`groups`: lists of words; within a list every word may stand for every other."""

    groups: tuple[Group, ...]


_SHAPE: TypeAdapter[SynonymFile] = TypeAdapter(SynonymFile)


@dataclass(frozen=True)
class Span:
    """A word of the query, where it stands, and the words that may stand for it."""

    start: int
    end: int
    word: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class Synonyms:
    """Folded words → the folded words of the same meaning."""

    groups: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, groups: Iterable[Iterable[str]]) -> Synonyms:
        folded = (tuple(dict.fromkeys(word for text in group if (word := fold(text)))) for group in groups)
        return cls(tuple(group for group in folded if len(group) > 1))

    def spans(self, query: str) -> list[Span]:
        """The known words of a folded query, the longest at each place, without overlaps."""
        if not self.groups:
            return []
        return [
            Span(match.start(), match.end(), match.group(), self.others(match.group()))
            for match in self._pattern.finditer(query)
        ]

    def others(self, word: str) -> tuple[str, ...]:
        return self._others.get(word, ())

    def spoken(self, sound: str) -> tuple[str, ...]:
        """The words with these syllables (joined by blanks) or these initials."""
        return self._by_sound.get(sound, ())

    @cached_property
    def _by_sound(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for word in self.words:
            for sound in {" ".join(syllables(word)), initials(word)} - {""}:
                found[sound] = (*found.get(sound, ()), word)
        return found

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(self._others)

    @cached_property
    def _others(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for group in self.groups:
            for word in group:
                rest = (*found.get(word, ()), *(other for other in group if other != word))
                found[word] = tuple(dict.fromkeys(rest))
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The longest word first; a number or Latin word only where it stands alone."""
        longest_first = sorted(self.words, key=lambda word: (-len(word), word))
        return re.compile("|".join(_alone(word) if word.isascii() else re.escape(word) for word in longest_first))


def _alone(word: str) -> str:
    return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"


def load(path: Path) -> Synonyms:
    """The table in `path`. Raises ContentError with every fault."""
    synonyms, faults = examine(path)
    if faults:
        raise ContentError(faults)
    return synonyms


def examine(path: Path) -> tuple[Synonyms, list[Fault]]:
    """Like `load`, but returns what could be read together with the faults; a missing file is an empty table."""
    if not path.exists():
        return Synonyms(), []
    file, lines, faults = yaml_file.read(path, _SHAPE)
    if file is None:
        return Synonyms(), faults
    faults = [*faults, *_doubtful(file, lines)]
    return Synonyms.of(file.groups), sorted(faults)


def _doubtful(file: SynonymFile, lines: yaml_file.Lines) -> Iterable[Fault]:
    for number, group in enumerate(file.groups):
        seen: set[str] = set()
        for place, text in enumerate(group):
            word = fold(text)
            at = ("groups", number, place)
            if len(word) < 2:
                yield lines.fault(at, f"「{text}」太短，同义词至少两个字，否则会误伤别的词")
            elif word in seen:
                yield lines.fault(at, f"「{text}」在这一组里写了两次，只留一个")
            seen.add(word)
