"""What of a score can be disputed, and the score after an appeal was upheld; no storage and no words of the chat."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from lessons.model import CRITERION_NAMES, RED_LINE_NAMES, Criterion, RedLine
from lessons.scoring.gates import VOID
from lessons.scoring.normalise import bare
from lessons.scoring.result import MARK_NAMES, Flag, Mark, Score, Tier, Verdict

#: Flags that are a judgement and no plain fact, with what they are called in an appeal.
FLAG_NAMES = {Flag.OFF_TOPIC: "说的不是这件事", Flag.STUFFING: "把要点词排在一起", Flag.GRADER: "写给评分的话"}

_TIER_NAMES = {Tier.CONFIRMED: "按红线算", Tier.SUSPECTED: "只是存疑，没有按红线算"}
_NUMBERED = re.compile(r"(\d{1,2})[\s.、，,：:]*(.*)", re.DOTALL)
_NAMED = re.compile(r"([^\s，,：:]+)[\s，,：:]*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Item:
    """One thing a score says. `subject` is its stored name: a criterion, a red line or a flag; `fair` when there is
    nothing to dispute about it."""

    subject: str
    name: str
    verdict: str
    quote: str | None
    fair: bool = False


def items(score: Score) -> list[Item]:
    """Everything a score says, in the order of the feedback; nothing for a reply that was not judged at all."""
    void = VOID & set(score.flags)
    if void - set(FLAG_NAMES):
        return []
    judged = {} if void else score.criteria
    return [
        *(
            Item(c, CRITERION_NAMES[c], MARK_NAMES[v.mark], _words(c, v), fair=v.mark in {Mark.HIT, Mark.NOT_NEEDED})
            for c, v in judged.items()
        ),
        *(Item(b.rule, name_of(b.rule), _TIER_NAMES[b.tier], b.quote) for b in score.red_lines),
        *(Item(flag, name_of(flag), "不算作答", None) for flag in score.flags if flag in FLAG_NAMES),
    ]


def _words(criterion: Criterion, verdict: Verdict) -> str | None:
    """The quote as the feedback shows it: expression is earned by the whole."""
    return None if criterion is Criterion.EXPRESSION and verdict.mark is not Mark.MISS else verdict.quote


def disputable(score: Score) -> bool:
    """Whether anything in a score can be appealed against."""
    return any(not item.fair for item in items(score))


def name_of(subject: str) -> str:
    """What a stored subject is called."""
    if subject in set(Criterion):
        return CRITERION_NAMES[Criterion(subject)]
    return f"红线·{RED_LINE_NAMES[RedLine(subject)]}" if subject in set(RedLine) else FLAG_NAMES[Flag(subject)]


def meant(found: Sequence[Item], words: str) -> tuple[Item, str] | None:
    """The item that words begin with, by number or by (part of) its name, and the rest of the words; None when no
    item, or more than one, is meant."""
    numbered = _NUMBERED.fullmatch(words)
    if numbered is not None:
        number = int(numbered[1])
        return (found[number - 1], numbered[2].strip()) if 1 <= number <= len(found) else None
    named = _NAMED.fullmatch(words)
    if named is None:
        return None
    near = [item for item in found if named[1] in item.name]
    return (near[0], named[2].strip()) if len(near) == 1 else None


def reply_key(text: str) -> str:
    """Equal for replies that say the same word by word; 16 characters."""
    return hashlib.sha256(bare(text).encode("utf-8", "replace")).hexdigest()[:16]


def settled(before: Score, after: Score, granted: Collection[str]) -> Score:
    """`before` with what was granted: its verdicts but for those, band and points of `after`, and never lower.

    `after` is the score recomputed with `granted`; once a flag is lifted its verdicts are taken, for then the reply was
    never judged before. The scorer stays the one that judged.
    """
    base = after if any(flag in granted for flag in before.flags) else before
    criteria = {c: Verdict(Mark.HIT, v.quote) if c in granted else v for c, v in base.criteria.items()}
    band, points = max((before.band, before.points), (after.band, after.points))
    return replace(
        before,
        band=band,
        points=points,
        criteria=criteria,
        red_lines=tuple(breach for breach in base.red_lines if breach.rule not in granted),
        flags=tuple(flag for flag in before.flags if flag not in granted),
    )
