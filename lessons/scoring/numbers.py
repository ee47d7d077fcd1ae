"""Numbers in a text whichever way they are written: 2150, 2,150, 0.215万, 两千一百五, 二十来天; no meaning here."""

from __future__ import annotations

import re
from functools import lru_cache

_DIGIT = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0, "俩": 2, "仨": 3}
_UNIT = {"十": 10, "百": 100, "千": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
_ARABIC = re.compile(r"(?<!\d)(\d{1,12}(?:,\d{3}){0,3}(?:\.\d{1,6})?)([千万亿]?)(?::(\d\d))?")
_CHINESE = re.compile(
    r"(?<![\d.])[零〇一二两三四五六七八九十][零〇一二两三四五六七八九十百千万亿]*(?:点[零一二三四五六七八九]+)?"
)
_NOT_A_NUMBER = re.compile(
    r"万一|一下|一样|一起|一块儿|一直|一定|一点|一般|一些|统一|第一时间|一旦|一时|一句|十分|千万别|万分|百分之|三番五次"
)


@lru_cache(maxsize=4096)
def numbers(text: str) -> frozenset[str]:
    """The values in `text` as plain decimal strings; clock times as `17:30`. Single digits count too."""
    text = _NOT_A_NUMBER.sub("~", text)
    found = {_arabic(m) for m in _ARABIC.finditer(text)}
    found |= {value for m in _CHINESE.finditer(text) if (value := _chinese(m.group()))}
    return frozenset(found)


def _arabic(match: re.Match[str]) -> str:
    value, unit, minutes = match.groups()
    if minutes:
        return f"{int(float(value.replace(',', '')))}:{minutes}"
    return _plain(float(value.replace(",", "")) * {"千": 1000, "": 1, **_BIG}[unit])


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.4f}".rstrip("0")


def _chinese(word: str) -> str | None:
    """两千一百五 → 2150: a last digit right after a unit stands for tenths of that unit."""
    if "点" in word:
        whole, _, decimals = word.partition("点")
        head = _chinese(whole) or "0"
        return f"{head}.{''.join(str(_DIGIT[c]) for c in decimals if c in _DIGIT)}"
    if not any(c in _UNIT or c in _BIG for c in word):
        return "".join(str(_DIGIT[c]) for c in word).lstrip("0") or None
    total = section = digit = 0
    last_unit = 1
    for char in word:
        if char in _DIGIT:
            digit = _DIGIT[char]
            if char in "零〇":
                last_unit = 1
        elif char in _UNIT:
            last_unit = _UNIT[char]
            section += (digit or 1) * last_unit
            digit = 0
        else:
            last_unit = _BIG[char]
            total = (total + section + digit) * last_unit
            section = digit = 0
    tail = digit * (last_unit // 10) if digit and last_unit >= 100 else digit
    return str(total + section + tail)
