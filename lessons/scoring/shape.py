"""The outer shape of a reply: size, rhythm, repetition, lists, foreign script; no meaning here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.normalise import is_chinese
from lessons.scoring.reading import Reading

NAMES = (
    "length",
    "clauses",
    "clause-length",
    "shortest-clause",
    "questions",
    "ends-with-question",
    "negated-share",
    "reported-share",
    "conditional-share",
    "list-marks",
    "function-words",
    "repeated",
    "chinese-share",
    "emoji",
    "you",
    "polite-you",
    "me",
    "we",
    "exclamations",
    "unpunctuated",
    "brackets",
)
_FUNCTION = frozenset("的了吗呢吧啊您你我他她咱就都也还不没是在把给跟让被和这那有要能会可先再到去来说看想")
_LISTS = frozenset("、/|+;:【】#*")


def _is_emoji(char: str) -> bool:
    return "\u2600" <= char <= "\u27bf" or char >= "\U0001f000"


def shape(reading: Reading) -> NDArray[np.float32]:
    """The values of `NAMES`."""
    text, clauses = reading.plain.text, reading.clauses
    size, count = max(1, len(text)), max(1, len(clauses))
    chinese = sum(map(is_chinese, text))
    lengths = [len(clause.text) for clause in clauses] or [0]
    values = [
        np.log1p(size),
        np.log1p(len(clauses)),
        np.log1p(sum(lengths) / count),
        min(lengths),
        sum(clause.question for clause in clauses) / count,
        float(bool(clauses) and clauses[-1].question),
        sum(clause.negated for clause in clauses) / count,
        sum(clause.reported for clause in clauses) / count,
        sum(clause.conditional for clause in clauses) / count,
        10 * sum(char in _LISTS for char in text) / size,
        sum(char in _FUNCTION for char in text) / max(1, chinese),
        1 - len(set(pairwise(text))) / max(1, size - 1),
        chinese / size,
        min(5, sum(map(_is_emoji, text))),
        10 * text.count("你") / size,
        10 * text.count("您") / size,
        10 * text.count("我") / size,
        10 * text.count("咱") / size,
        min(4, text.count("!")),
        float((count <= 2 and size > 30) or max(lengths) >= 24),
        text.count("【") + text.count("("),
    ]
    return np.array(values, dtype=np.float32)
