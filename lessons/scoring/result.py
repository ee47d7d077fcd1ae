"""What a score is: band, points, verdicts with quotes, red lines and flags; no judging here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lessons.model import Criterion, RedLine

BAND_NAMES = ("重来", "起步", "合格", "良好", "优秀")


class Mark(StrEnum):
    """The verdict on one criterion."""

    HIT = "hit"
    PARTIAL = "partial"
    MISS = "miss"
    NOT_NEEDED = "n/a"


MARK_NAMES = {Mark.HIT: "做到了", Mark.PARTIAL: "有一点", Mark.MISS: "还没有", Mark.NOT_NEEDED: "不需要"}


class Flag(StrEnum):
    """Why a text is no real answer, or deserves a second look."""

    EMPTY = "empty"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    STUFFING = "stuffing"
    COPIED = "copied"
    OFF_TOPIC = "off-topic"
    GRADER = "grader"
    NO_CHINESE = "no-chinese"


class Tier(StrEnum):
    """How sure a red line is: confirmed caps the score, suspected only asks a human to look."""

    CONFIRMED = "confirmed"
    SUSPECTED = "suspected"


@dataclass(frozen=True)
class Verdict:
    """One criterion's mark, with the learner's own words that earned it (None when nothing did)."""

    mark: Mark
    quote: str | None = None
    confidence: float = 1.0


@dataclass(frozen=True)
class Breach:
    """One red line with the words that cross it, quoted verbatim."""

    rule: RedLine
    tier: Tier
    quote: str


@dataclass(frozen=True)
class Score:
    """The whole judgement of one reply.

    `band` is 0–4, `points` 0–100 in steps of 5; both follow from the levels behind the verdicts, red lines and flags.
    """

    lesson: str
    band: int
    points: int
    criteria: dict[Criterion, Verdict]
    red_lines: tuple[Breach, ...]
    flags: tuple[Flag, ...]
    scorer: str

    @property
    def confirmed(self) -> tuple[Breach, ...]:
        return tuple(breach for breach in self.red_lines if breach.tier is Tier.CONFIRMED)

    def to_dict(self) -> dict[str, Any]:
        """The shape of `jiehua score --json`; a public contract."""
        return {
            "lesson": self.lesson,
            "band": self.band,
            "points": self.points,
            "criteria": {
                str(criterion): {"verdict": str(verdict.mark), "quote": verdict.quote}
                for criterion, verdict in self.criteria.items()
            },
            "red_lines": [{"rule": str(b.rule), "tier": str(b.tier), "quote": b.quote} for b in self.red_lines],
            "flags": [str(flag) for flag in self.flags],
            "scorer": self.scorer,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Score:
        """The inverse of `to_dict`; confidence is not kept."""
        return cls(
            lesson=data["lesson"],
            band=data["band"],
            points=data["points"],
            criteria={
                Criterion(name): Verdict(Mark(verdict["verdict"]), verdict["quote"])
                for name, verdict in data["criteria"].items()
            },
            red_lines=tuple(Breach(RedLine(b["rule"]), Tier(b["tier"]), b["quote"]) for b in data["red_lines"]),
            flags=tuple(Flag(flag) for flag in data["flags"]),
            scorer=data["scorer"],
        )
