"""Where a reply sounds like crossing a red line, and whether it is meant; whether it counts is decided in red_lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lessons.model import RedLine
from lessons.scoring.clauses import Clause
from lessons.scoring.numbers import numbers
from lessons.scoring.red_line_speech import LAWFUL, NOT_MEANT, SURE
from lessons.scoring.situation import Situation
from lessons.scoring.things import pairs

_SENTENCE = re.compile(r"[^。!?\n]+[。!?\n]*")
_SAFETY = re.compile(
    r"自杀|轻生|寻死|不想活|活不下去|活着没|跳楼|楼顶|跳下去|下去吧|农药|安眠药|"
    r"割腕|死给|我死了|死了算|了断|收尸|拿命|窗户"
)
_GIVES = re.compile(r"退|免|减|赔|返|补")
_SAME_THINGS = 2


@dataclass(frozen=True)
class Hit:
    """`plain[start:end]` sounds like `rule`; `outright` unless the sentence also speaks of a lawful way."""

    rule: RedLine
    start: int
    end: int
    outright: bool


_COMPILED: dict[RedLine, tuple[re.Pattern[str], ...]] = {
    rule: tuple(re.compile(pattern) for pattern in patterns) for rule, patterns in SURE.items()
}


def is_about_life(scene: Situation) -> bool:
    """Whether the customer of this lesson speaks of ending their life."""
    return bool(_SAFETY.search(scene.says) or _SAFETY.search(scene.background))


def speech_hits(plain: str, clauses: tuple[Clause, ...], scene: Situation) -> list[Hit]:
    """The first meant hit of each rule in each sentence, in text order."""
    life = is_about_life(scene)
    hits = []
    for sentence in _SENTENCE.finditer(plain):
        for rule, patterns in _COMPILED.items():
            if rule is RedLine.IGNORE_SAFETY and not life:
                continue
            hit = next(_meant(rule, patterns, sentence, clauses, scene), None)
            if hit is not None:
                hits.append(hit)
    return hits


def _meant(
    rule: RedLine,
    patterns: tuple[re.Pattern[str], ...],
    sentence: re.Match[str],
    clauses: tuple[Clause, ...],
    scene: Situation,
) -> Iterator[Hit]:
    text, offset = sentence.group(), sentence.start()
    for pattern in patterns:
        for match in pattern.finditer(text):
            start, end = offset + match.start(), offset + match.end()
            if end > start and not _only_told(text, match.start(), start, clauses):
                allowed = rule is RedLine.OVERPROMISE and _is_permitted(match.group(), scene)
                yield Hit(rule, start, end, outright=not allowed and not LAWFUL[rule].search(text))


def _is_permitted(promise: str, scene: Situation) -> bool:
    """The lesson itself allows giving this back: the same number, or the same things, in a permitted step."""
    return any(
        _GIVES.search(step) and (numbers(promise) & numbers(step) or len(pairs(promise) & pairs(step)) >= _SAME_THINGS)
        for step in scene.can
    )


def _only_told(sentence: str, at: int, start: int, clauses: tuple[Clause, ...]) -> bool:
    """Refused, warned against, quoted or attributed to somebody else."""
    if NOT_MEANT.search(sentence[:at]):
        return True
    clause = next((c for c in clauses if c.start <= start < c.end), None)
    return clause is not None and (clause.reported or clause.quoted)
