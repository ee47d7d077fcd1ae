"""How Chinese characters are read: a small table made once from pypinyin, whose own tables take 60 MB of memory.

`python -c "from lessons.search import readings; readings.renew()"` makes the table anew; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).parents[1] / "content" / "queries" / "readings.txt"
_LONGEST_PHRASE = 8
_NO_SYLLABLES = frozenset({"m", "n", "ng", "hm", "hng", "r", "g", "cei", "den", "eng", "pia", "dia"})


@dataclass(frozen=True)
class Readings:
    """All syllables, the usual reading of each character, and phrases in which characters read otherwise."""

    syllables: frozenset[str]
    characters: dict[str, str]
    phrases: dict[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def load() -> Readings:
    parts: dict[str, list[list[str]]] = {"syllables": [], "characters": [], "phrases": []}
    part = "syllables"
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            part = line.strip("[]")
        elif not line.startswith("#"):
            parts[part].append(line.split())
    return Readings(
        frozenset(syllable for line in parts["syllables"] for syllable in line),
        {character: syllable for syllable, together in parts["characters"] for character in together},
        {phrase: tuple(spoken) for phrase, *spoken in parts["phrases"]},
    )


def renew() -> None:
    """Write the table anew; needs pypinyin."""
    FILE.write_text(table(), encoding="utf-8")


def table() -> str:
    """The text of the table, from pypinyin: the characters of GB 2312 and the phrases that need more than those."""
    kept = set(_characters())
    alone = {char: spoken[0] for char, spoken in _spoken_alone().items() if char in kept}
    together: dict[str, str] = {}
    for char, syllable in alone.items():
        together[syllable] = together.get(syllable, "") + char
    known = {syllable for spoken in _spoken_alone().values() for syllable in spoken if syllable.isascii()}
    lines = [
        "# 由 lessons/search/readings.py 从 pypinyin（MIT）生成，不要手改",
        "[syllables]",
        *_wrapped(syllable for syllable in known - _NO_SYLLABLES if syllable.isalpha()),
        "[characters]",
        *(f"{syllable} {characters}" for syllable, characters in sorted(together.items())),
        "[phrases]",
        *(f"{phrase} {' '.join(spoken)}" for phrase, spoken in sorted(_spoken_otherwise(alone))),
    ]
    return "\n".join(lines) + "\n"


def _spoken_alone() -> dict[str, list[str]]:
    """Every character pypinyin knows with all its syllables, the usual one first."""
    from pypinyin.constants import PINYIN_DICT

    return {chr(code): [_plain(reading) for reading in spoken.split(",")] for code, spoken in PINYIN_DICT.items()}


def _spoken_otherwise(alone: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Phrases of known characters that do not read as their characters do alone."""
    from pypinyin.constants import PHRASES_DICT

    for phrase, parts in PHRASES_DICT.items():
        spoken = [_plain(part[0]) for part in parts]
        usable = len(phrase) == len(spoken) <= _LONGEST_PHRASE and all(char in alone for char in phrase)
        if usable and spoken != [alone[char] for char in phrase]:
            yield phrase, spoken


@lru_cache(maxsize=4096)
def _plain(reading: str) -> str:
    from pypinyin.contrib.tone_convert import to_normal

    return to_normal(reading, v_to_u=False)


def _characters() -> Iterator[str]:
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                yield bytes((high, low)).decode("gb2312")
            except UnicodeDecodeError:
                continue


def _wrapped(words: Iterable[str]) -> list[str]:
    held = sorted(words)
    return [" ".join(held[start : start + 20]) for start in range(0, len(held), 20)]
