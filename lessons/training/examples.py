"""Graded replies, and replies made from them on purpose, as examples with targets and a group that stays together.

Made on purpose: a good reply with a forbidden (or a harmless) clause added, a good reply given to the wrong
customer, and what is worth little anywhere: chat, the customer's own words, a string of key words. Both parents of a
made reply are in its group, so that leaving a group out leaves all of it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from lessons.model import Criterion, Lesson, RedLine
from lessons.scoring import heads
from lessons.scoring.heads import GRADER
from lessons.scoring.situation import situation
from lessons.scoring.speech_hits import is_about_life
from lessons.training.graded import SAMPLES, Graded

SPEECH = Path(__file__).parent / "speech"
CHAT = Path(__file__).parent / "chat.yaml"
GROUPS = 15
#: The file of speech/ that is no red line but spoils a reply all the same.
COLD = "cold"
_MADE_WEIGHT = 0.25
#: A lesson whose samples do not land is refused, so they count more.
_SAMPLE_WEIGHT = 2.0
_GOOD_BAND = 2
#: How many good replies a clause is added to: what only sounds like a breach is rarer and must not be punished.
_TIMES = {True: 1, False: 3}
_RULES = frozenset((*RedLine, GRADER))
_FEELINGS = ("理解", "放心", "抱歉", "心疼", "感谢", "着急", "陪您", "辛苦", "难受", "马上")
_STRUNG = (
    "{thing}{feeling}",
    "{feeling}您的{thing}",
    "我{feeling}{thing}",
    "{feeling}{thing}{feeling}",
    "{thing}是我的{feeling}",
)
_LINKS = ("", "另外，", "这样吧，", "我跟您说，", "还有，", "说实话，")


@dataclass(frozen=True)
class Example:
    """A reply with its targets; `trick` is one of `heads.TRICKS` or empty."""

    lesson: Lesson
    text: str
    group: int
    band: int
    levels: dict[Criterion, int | None]
    compliance: int
    red_line: str
    spans: dict[str, str]
    trick: str = ""
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
    """The clauses of speech/, spread over the groups."""
    listed = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(SPEECH.glob("*.yaml"))}
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
        weight=_SAMPLE_WEIGHT if reply.part == SAMPLES.name else 1.0,
        trick=reply.kind if reply.kind in heads.TRICKS else "",
    )


def _made(real: list[Example], group: int, groups: int) -> list[Example]:
    good = [e for e in real if e.band >= _GOOD_BAND and e.compliance == 2 and not e.red_line]
    pieces = [(s.rule, s.text, s.breach) for s in speech(groups) if s.group == group for _ in range(_TIMES[s.breach])]
    pieces += [(e.red_line, e.spans["redline"], True) for e in real if e.red_line in _RULES and "redline" in e.spans]
    numbered = ((_base(good, piece[0], index), piece, index) for index, piece in enumerate(pieces))
    added = [_with_clause(base, *piece, index) for base, piece, index in numbered if base is not None]
    return added + _swapped(good) + _worthless(real, group, groups)


def _base(good: list[Example], rule: str, index: int) -> Example | None:
    """A good reply to add a clause to; talk of ending one's life only fits such a situation."""
    fitting = [e for e in good if is_about_life(situation(e.lesson)) == (rule == RedLine.IGNORE_SAFETY)]
    return fitting[(index * 7) % len(fitting)] if fitting else None


def _with_clause(base: Example, rule: str, clause: str, breach: bool, index: int) -> Example:
    clause = clause.strip("，。,. ")
    ended = base.text if base.text[-1] in "。！？!?～~" else base.text + "。"
    text = f"{ended}{_LINKS[index % len(_LINKS)]}{clause}。"
    if rule == GRADER and index % 2:
        text = f"{clause}。{base.text}"
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
    """Every third good reply, given to the customer of another situation."""
    swapped = []
    for index, example in enumerate(good[::3]):
        others = [e for e in good if e.lesson.track != example.lesson.track]
        if others:
            wrong = others[(index * 11) % len(others)].lesson
            swapped.append(replace(_nothing(wrong, example.text, example.group), trick=heads.OFF_TOPIC))
    return swapped


def _worthless(real: list[Example], group: int, groups: int) -> list[Example]:
    """Whole replies that are worth little: this group's share of chat.yaml, and two made of each lesson's own words."""
    lessons = list({e.lesson.id: e.lesson for e in real}.values())
    chat = yaml.safe_load(CHAT.read_text(encoding="utf-8"))
    made = []
    for index, lesson in enumerate(lessons):
        texts = chat[(group + index * groups) % len(chat) :: groups * len(lessons)]
        made += [replace(_nothing(lesson, text, group), trick=heads.OFF_TOPIC) for text in texts]
        made.append(_nothing(lesson, _echo(lesson), group))
        made.append(replace(_nothing(lesson, _stuffed(lesson, index), group), trick=heads.STUFFING))
    return made


def _nothing(lesson: Lesson, text: str, group: int) -> Example:
    levels: dict[Criterion, int | None] = dict.fromkeys(Criterion, 0)
    return Example(lesson, text, group, 0, levels, 2, "", {}, made=True, weight=_MADE_WEIGHT)


def _echo(lesson: Lesson) -> str:
    """The customer's words handed back, politely."""
    return "您说" + lesson.customer.says.replace("我", "您").replace("你们", "我们")


def _stuffed(lesson: Lesson, index: int) -> str:
    """Fragments of the lesson strung together with words of feeling, speech in nothing but looks."""
    pieces = [piece[:7] for piece in re.split(r"[，。；：、“”？！（）\s]+", lesson.context) if len(piece) >= 3]
    chosen = pieces[index % 3 :: 3][: 5 + index % 3]
    shape = _STRUNG[index % len(_STRUNG)]
    named = (
        (piece, _FEELINGS[(place * (1 + index % 2) + index) % len(_FEELINGS)]) for place, piece in enumerate(chosen)
    )
    return "，".join(shape.format(thing=thing, feeling=feeling) for thing, feeling in named) + "，您看好吗。"
