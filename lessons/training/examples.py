"""Graded replies, and replies made from them on purpose, as examples with targets and a group that stays together.

Made on purpose: a good reply with a forbidden (or a harmless) clause added, and a good reply given to the wrong
customer. Both parents of a made reply are in its group, so that leaving a group out leaves all of it out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from lessons.model import Criterion, Lesson, RedLine
from lessons.scoring.situation import situation
from lessons.scoring.speech_hits import is_about_life
from lessons.training.graded import Graded

SPEECH = Path(__file__).parent / "red_line_speech.yaml"
GROUPS = 15
#: The section of red_line_speech.yaml that is no red line but spoils a reply all the same.
COLD = "cold"
_MADE_WEIGHT = 0.4
_GOOD_BAND = 2
#: How many good replies a clause is added to: what only sounds like a breach is rarer and must not be punished.
_TIMES = {True: 1, False: 3}
_RULES = frozenset(RedLine)
_LINKS = ("", "另外，", "这样吧，", "我跟您说，", "还有，", "说实话，")


@dataclass(frozen=True)
class Example:
    """A reply with its targets. `bad_text` is the piece that crosses the red line, if any."""

    lesson: Lesson
    text: str
    group: int
    band: int
    levels: dict[Criterion, int | None]
    compliance: int
    red_line: str
    spans: dict[str, str]
    off_topic: bool = False
    made: bool = False
    weight: float = 1.0


@dataclass(frozen=True)
class Speech:
    """One clause that crosses `rule`, or (with `breach` false) only sounds like it."""

    rule: str
    text: str
    breach: bool
    group: int


def speech(groups: int = GROUPS) -> list[Speech]:
    """The clauses of red_line_speech.yaml, spread over the groups."""
    listed = yaml.safe_load(SPEECH.read_text(encoding="utf-8"))
    pieces = [(rule, text, kind == "breach") for rule in listed for kind in listed[rule] for text in listed[rule][kind]]
    return [Speech(rule, text, breach, index % groups) for index, (rule, text, breach) in enumerate(pieces)]


def by_situation(replies: Sequence[Graded]) -> Callable[[Graded], int]:
    """Situations sorted by id are dealt out to the groups in turn."""
    ids = sorted({reply.lesson.id for reply in replies})
    return lambda reply: ids.index(reply.lesson.id) % GROUPS


def examples(replies: Sequence[Graded], group_of: Callable[[Graded], int], groups: int = GROUPS) -> list[Example]:
    """The graded replies first, in order, then the made ones."""
    real = [_real(reply, group_of(reply)) for reply in replies]
    made = [
        example for group in range(groups) for example in _made([e for e in real if e.group == group], group, groups)
    ]
    return real + made


def _real(reply: Graded, group: int) -> Example:
    return Example(
        lesson=reply.lesson,
        text=reply.text,
        group=group,
        band=reply.band,
        levels=reply.levels,
        compliance=reply.compliance,
        red_line=reply.red_line,
        spans=reply.spans,
        off_topic=reply.kind == "off-topic",
    )


def _made(real: list[Example], group: int, groups: int) -> list[Example]:
    good = [e for e in real if e.band >= _GOOD_BAND and e.compliance == 2 and not e.red_line]
    pieces = [(s.rule, s.text, s.breach) for s in speech(groups) if s.group == group for _ in range(_TIMES[s.breach])]
    pieces += [(e.red_line, e.spans["redline"], True) for e in real if e.red_line in _RULES and "redline" in e.spans]
    numbered = ((_base(good, piece[0], index), piece, index) for index, piece in enumerate(pieces))
    added = [_with_clause(base, *piece, index) for base, piece, index in numbered if base is not None]
    return added + _swapped(good)


def _base(good: list[Example], rule: str, index: int) -> Example | None:
    """A good reply to add a clause to; talk of ending one's life only fits such a situation."""
    fitting = [e for e in good if is_about_life(situation(e.lesson)) == (rule == RedLine.IGNORE_SAFETY)]
    return fitting[(index * 7) % len(fitting)] if fitting else None


def _with_clause(base: Example, rule: str, clause: str, breach: bool, index: int) -> Example:
    clause = clause.strip("，。,. ")
    ended = base.text if base.text[-1] in "。！？!?～~" else base.text + "。"
    text = f"{ended}{_LINKS[index % len(_LINKS)]}{clause}。"
    if not breach:
        return replace(base, text=text, made=True, weight=_MADE_WEIGHT)
    expression = max(0, (base.levels[Criterion.EXPRESSION] or 0) - 1)
    levels = {**base.levels, Criterion.EXPRESSION: expression}
    if rule == COLD:
        spans = {**base.spans, COLD: clause}
        return replace(
            base, text=text, band=1, levels=levels, compliance=1, spans=spans, made=True, weight=_MADE_WEIGHT
        )
    spans = {**base.spans, "redline": clause}
    return replace(
        base, text=text, band=0, levels=levels, compliance=0, red_line=rule, spans=spans, made=True, weight=_MADE_WEIGHT
    )


def _swapped(good: list[Example]) -> list[Example]:
    """Every other good reply, given to the customer of another situation."""
    nothing: dict[Criterion, int | None] = dict.fromkeys(Criterion, 0)
    swapped = []
    for index, example in enumerate(good[::2]):
        others = [e for e in good if e.lesson.track != example.lesson.track]
        if others:
            wrong = others[(index * 11) % len(others)].lesson
            swapped.append(
                replace(
                    example,
                    lesson=wrong,
                    band=0,
                    levels=nothing,
                    compliance=2,
                    spans={},
                    off_topic=True,
                    made=True,
                    weight=_MADE_WEIGHT,
                )
            )
    return swapped
