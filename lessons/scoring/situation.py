"""What a reply may build on: a lesson's customer, facts and limits as short texts; alike for full and bare lessons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lessons.model import Authority, Customer, Lesson
from lessons.scoring.normalise import normalise
from lessons.scoring.numbers import numbers
from lessons.scoring.things import pairs

_CANNOT_HEAD = re.compile(r"(?:^|[。;\n])\s*(?:(?:不可|权限外|不可做|禁止|不允许)[::]|不可(?=[^::]{2,}))")
_CAN_HEAD = re.compile(r"(?:^|[。;\n])\s*(?:可做|权限内|权限|可承诺|应急流程)[::]")
_ITEM = re.compile(r"[;。\n]+")
_FORBIDDEN_ITEM = re.compile(r"[;。\n、]+")
_COMMON = frozenset({"1", "2", "3", "12378", "12345"})


@dataclass(frozen=True)
class Situation:
    """Normalised texts of a lesson; `can` and `cannot` are read out of the context where the lesson has no lists."""

    says: str
    background: str
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    facts: str
    numbers: frozenset[str]
    name: str

    @property
    def things(self) -> frozenset[str]:
        """The pairs of characters in what is said, known and permitted."""
        return frozenset().union(*map(pairs, (self.says, self.background, self.facts, *self.can)))

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that is compared by meaning, each short."""
        return (self.says, self.background, *self.can, *self.cannot)


def situation(lesson: Lesson) -> Situation:
    """The situation of a lesson, whether its limits are lists or sentences in the context."""
    return _situation(lesson.customer, lesson.context, lesson.facts, lesson.authority)


@lru_cache(maxsize=2048)
def _situation(customer: Customer, told: str, known: tuple[str, ...], authority: Authority) -> Situation:
    context = normalise(told).text
    background, can, cannot = _read_context(context)
    if authority.can:
        can = tuple(normalise(text).text for text in authority.can)
    if authority.cannot:
        cannot = tuple(normalise(limit.text).text for limit in authority.cannot)
    facts = "。".join(normalise(fact).text for fact in known)
    says = normalise(customer.says).text
    everything = "。".join((says, context, facts, *can))
    return Situation(
        says=says,
        background=background or context,
        can=can,
        cannot=cannot,
        facts=facts,
        numbers=numbers(everything) - _COMMON,
        name=normalise(customer.name).text,
    )


def _read_context(context: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Split 「…可做:甲;乙。不可:丙、丁」 into background, permitted steps and forbidden ones."""
    can_at, cannot_at = _CAN_HEAD.search(context), _CANNOT_HEAD.search(context)
    ends = [*sorted(m.start() for m in (can_at, cannot_at) if m), len(context)]

    def section(head: re.Match[str] | None) -> str:
        if head is None:
            return ""
        return context[head.end() : next(end for end in ends if end > head.start())]

    return (
        context[: ends[0]],
        _items(section(can_at), _ITEM),
        _items(section(cannot_at), _FORBIDDEN_ITEM),
    )


def _items(text: str, separator: re.Pattern[str]) -> tuple[str, ...]:
    return tuple(item for part in separator.split(text) if len(item := part.strip(" ,、")) >= 2)
