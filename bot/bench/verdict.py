"""Holds what a database says against what a vendor accepted: missed, twice, lost, doubled, unknown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from bot.bench.fake_wecom import digest_of
from bot.platforms.wecom.render import render
from storage.deliveries import UNKNOWN
from storage.evidence import Evidence
from storage.inbox import DONE
from storage.models import Delivery

Shown = tuple[str, str]
"""A recipient, and the digest of what they were shown."""


@dataclass(frozen=True)
class Verdict:
    """Counts of one run. A message here is one call's worth for one person: a long one is several."""

    owed: int = 0  # messages that the rows say were sent
    shown: int = 0  # messages that the vendor showed
    missed: int = 0  # said to be sent, or still owed, and never shown
    twice: int = 0  # shown more often than the rows can explain
    unknown: int = 0  # rows that wait for an operator
    failed: int = 0  # rows given up or refused
    duplicates: int = 0  # repeats that the vendor recognised and did not show
    said: int = 0  # what people said
    unheard: int = 0  # given up by the vendor, and never answered with 200
    lost: int = 0  # answered with 200, and not stored, or not answered to the person, or no attempt of it
    doubled: int = 0  # an attempt or an answer too many
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def sound(self) -> bool:
        return not (self.missed or self.twice or self.lost or self.doubled or self.failed or self.problems)

    def __add__(self, other: Verdict) -> Verdict:
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return Verdict(**sums)


def judge(evidence: Evidence, ledger: Sequence[Mapping[str, Any]], pushes: int, replies: Mapping[str, str]) -> Verdict:
    """`pushes`: how many rows were owed from the start; `replies`: what people said as answers, by MsgId."""
    return _sent(evidence, ledger, pushes) + _said(evidence, ledger, replies)


def _sent(evidence: Evidence, ledger: Sequence[Mapping[str, Any]], pushes: int) -> Verdict:
    """Every delivery row against every call."""
    digests = {key: [digest_of(call) for call in render(message)] for key, message in evidence.contents.items()}
    sure: Counter[Shown] = Counter()
    perhaps: Counter[Shown] = Counter()
    for row in evidence.deliveries:
        certain, uncertain = _expected(row, digests[row.content])
        sure.update((row.recipient, digest) for digest in certain)
        perhaps.update((row.recipient, digest) for digest in uncertain)
    calls = [entry for entry in ledger if entry["kind"] == "call"]
    seen = _seen(entry for entry in calls if entry["outcome"] == "accepted")
    again = _seen(entry for entry in calls if entry["outcome"] == "duplicate")
    planted = sum(row.key.startswith("bench:") for row in evidence.deliveries)
    return Verdict(
        owed=sure.total(),
        shown=seen.total(),
        missed=(sure - seen).total() + pushes - planted,
        twice=(seen - sure - perhaps).total(),
        unknown=sum(row.status == UNKNOWN for row in evidence.deliveries),
        failed=sum(row.status == "failed" for row in evidence.deliveries),
        duplicates=again.total(),
    )


def _expected(row: Delivery, digests: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """(what must have been shown, what may have been): of a message still owed all must."""
    match row.status:
        case "sent" | "due" | "sending":
            return digests, ()
        case "unknown":
            return digests[: row.parts_sent], digests[row.parts_sent : row.parts_sent + 1]
        case _:
            return digests[: row.parts_sent], ()


def _seen(calls: Iterable[Mapping[str, Any]]) -> Counter[Shown]:
    return Counter((person, str(call["digest"])) for call in calls for person in call["to"])


def _said(evidence: Evidence, ledger: Sequence[Mapping[str, Any]], replies: Mapping[str, str]) -> Verdict:
    """Every saying against the inbox, its answer and, for a reply, its attempts."""
    sayings = [entry for entry in ledger if entry["kind"] == "said"]
    stored = {row.key.rpartition(":")[2]: row for row in evidence.inbox}
    answers = Counter(row.key.split(":")[1] for row in evidence.deliveries if row.key.startswith("answer:"))
    tries = Counter(attempt.text for attempt in evidence.attempts)
    lost, doubled, problems = 0, 0, []
    for entry in sayings:
        row, heard = stored.get(entry["msgid"]), bool(entry["heard"])
        words = row is not None and row.carried != "[]"
        answered = row is not None and row.status == DONE and (words or answers[str(row.id)] > 0)
        seen = not words or entry["passive"] is not None
        lost += heard and not (answered and seen)
        doubled += bool(entry["passive"] is not None and not words)
        if entry["problem"]:
            problems.append(f"{entry['msgid']}: {entry['problem']}")
        if entry["msgid"] in replies:
            count = tries[replies[entry["msgid"]]]
            lost += heard and answered and count == 0
            doubled += max(0, count - 1)
    return Verdict(
        said=len(sayings),
        unheard=sum(not entry["heard"] for entry in sayings),
        lost=lost,
        doubled=doubled,
        problems=tuple(problems),
    )
