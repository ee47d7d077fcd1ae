"""Calls to the judge: keep one, list the latest, sum up a time span."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Judgement

OK = "ok"
#: Not asked at all, because the circuit was open; counted, but it took no time worth measuring.
SKIPPED = "skipped"


@dataclass(frozen=True)
class Summary:
    """What became of the calls of a time span; times are of the calls that were made, in milliseconds."""

    outcomes: dict[str, int] = field(default_factory=dict)
    median_ms: int = 0
    p95_ms: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def asked(self) -> int:
        """Every reply that was meant for the judge."""
        return sum(self.outcomes.values())

    @property
    def fallen_back(self) -> int:
        """How many of them the offline scorer scored in the end."""
        return self.asked - self.outcomes.get(OK, 0)


async def add(tx: Tx, row: Judgement) -> Judgement:
    tx.add(row)
    await tx.flush()
    return row


async def recent(tx: Tx, limit: int = 100) -> list[Judgement]:
    """The latest calls, the newest first."""
    return list((await tx.scalars(select(Judgement).order_by(col(Judgement.id).desc()).limit(limit))).all())


async def summary(tx: Tx, since: datetime) -> Summary:
    """The calls since a moment; percentiles by nearest rank, so that both databases agree."""
    counted = select(
        col(Judgement.outcome),
        func.count(),
        func.coalesce(func.sum(Judgement.tokens_in), 0),
        func.coalesce(func.sum(Judgement.tokens_out), 0),
    ).where(col(Judgement.at) >= since)
    rows = (await tx.execute(counted.group_by(col(Judgement.outcome)))).all()
    outcomes = {row[0]: int(row[1]) for row in rows}
    made = sum(count for outcome, count in outcomes.items() if outcome != SKIPPED)
    return Summary(
        outcomes=outcomes,
        median_ms=await _ranked(tx, since, made, 50),
        p95_ms=await _ranked(tx, since, made, 95),
        tokens_in=sum(int(row[2]) for row in rows),
        tokens_out=sum(int(row[3]) for row in rows),
    )


async def _ranked(tx: Tx, since: datetime, made: int, percent: int) -> int:
    """The milliseconds that `percent` of the calls did not exceed."""
    if not made:
        return 0
    rank = -(-made * percent // 100)
    query = select(Judgement.milliseconds).where(col(Judgement.at) >= since, Judgement.outcome != SKIPPED)
    found = await tx.scalars(query.order_by(col(Judgement.milliseconds)).offset(rank - 1).limit(1))
    return found.one_or_none() or 0
