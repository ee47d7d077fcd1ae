"""Chinese → syllables and initials, and typed letters → the syllables they may stand for; no searching here.

Syllables are kept without tone and with the sounds that typists mix up made equal (zh = z, ing = in, …).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from lessons.search import readings

#: Readings that the general dictionary gets wrong in a bank; longest first.
_READINGS = {
    "重定价": "chong ding jia",
    "还不起": "huan bu qi",
    "还不上": "huan bu shang",
    "还不了": "huan bu liao",
    "还本金": "huan ben jin",
    "还利息": "huan li xi",
    "还一部分": "huan yi bu fen",
    "先息后本": "xian xi hou ben",
    "银行": "yin hang",
    "我行": "wo hang",
    "你行": "ni hang",
    "你们行": "ni men hang",
    "本行": "ben hang",
    "他行": "ta hang",
    "跨行": "kua hang",
    "行里": "hang li",
    "行长": "hang zhang",
    "同行": "tong hang",
    "还款": "huan kuan",
    "还贷": "huan dai",
    "还息": "huan xi",
    "还本": "huan ben",
    "还清": "huan qing",
    "还钱": "huan qian",
    "还债": "huan zhai",
    "应还": "ying huan",
    "未还": "wei huan",
    "不还": "bu huan",
    "要还": "yao huan",
    "归还": "gui huan",
    "偿还": "chang huan",
    "晚还": "wan huan",
    "调佣": "tiao yong",
    "调低": "tiao di",
    "下调": "xia tiao",
    "调监控": "diao jian kong",
    "重组": "chong zu",
    "没收": "mo shou",
    "差额": "cha e",
    "强卖": "qiang mai",
}
_LONGEST_PHRASE = 8
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_RUN = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]+")

_INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
_MIXED_UP = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"), ("ue", "ve"))


def syllables(text: str) -> list[str]:
    """The syllables of the Chinese characters of folded text; Latin words that spell pinyin are spelled out too."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if not run.isascii():
            found.extend(_read(run))
        elif spelled := next(spellings(run), None):
            found.extend(spelled)
    return found


def initials(text: str) -> str:
    """The first letters of the syllables of the Chinese characters of folded text: 手续费 → sxf."""
    return "".join(syllable[0] for run in _CHINESE.findall(text) for syllable in _read(run) if syllable)


def spellings(letters: str, limit: int = 4) -> Iterator[list[str]]:
    """The ways to cut letters into whole syllables, the fewest syllables first: fangan → fang an, fan gan."""
    if not letters.isascii() or not letters.isalpha() or len(letters) > 60:
        return
    ways = _cuts(letters)
    for cut in sorted(ways, key=lambda way: (len(way), way))[:limit]:
        yield [_alike(syllable) for syllable in cut]


def loose_spelling(letters: str) -> list[str] | None:
    """Letters as syllables and bare initials mixed, longest syllable first: tuif → tui f. None for anything else."""
    found: list[str] = []
    place = 0
    while place < len(letters):
        piece = next(
            (letters[place : place + n] for n in range(6, 0, -1) if _is_piece(letters[place : place + n])), None
        )
        if piece is None:
            return None
        found.append(_alike(piece))
        place += len(piece)
    return found


def _is_piece(piece: str) -> bool:
    return piece in readings.load().syllables or piece in _INITIALS


@lru_cache(maxsize=256)
def _cuts(letters: str) -> list[tuple[str, ...]]:
    known = readings.load().syllables
    ways: list[list[tuple[str, ...]]] = [[()], *([] for _ in letters)]
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - 6), end):
            if letters[start:end] in known:
                ways[end].extend((*way, letters[start:end]) for way in ways[start])
        ways[end] = sorted(ways[end], key=len)[:8]
    return ways[-1]


@lru_cache(maxsize=65536)
def _read(run: str) -> tuple[str, ...]:
    """The syllables of a run of Chinese characters, one a character; the longest known phrase decides."""
    phrases = _phrases()
    found: list[str] = []
    place = 0
    while place < len(run):
        for end in range(min(len(run), place + _LONGEST_PHRASE), place + 1, -1):
            spoken = phrases.get(run[place:end])
            if spoken is not None:
                break
        else:
            end, spoken = place + 1, (_alone(run[place]),)
        found.extend(spoken)
        place = end
    return tuple(found)


@lru_cache(maxsize=1)
def _phrases() -> dict[str, tuple[str, ...]]:
    """Phrases whose characters read otherwise than alone: the general table, with our readings on top."""
    own = {phrase: tuple(spoken.split()) for phrase, spoken in _READINGS.items()}
    return {phrase: tuple(map(_alike, spoken)) for phrase, spoken in (readings.load().phrases | own).items()}


@lru_cache(maxsize=8192)
def _alone(char: str) -> str:
    return _alike(readings.load().characters.get(char, char))


@lru_cache(maxsize=4096)
def _alike(syllable: str) -> str:
    for other, same in _MIXED_UP:
        if syllable.startswith(other) and other in ("zh", "ch", "sh"):
            syllable = same + syllable[2:]
        elif syllable.endswith(other) and other not in ("zh", "ch", "sh"):
            syllable = syllable[: -len(other)] + same
    return syllable
