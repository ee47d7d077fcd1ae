"""When the next call of something with a limit may be made, by every replica together."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Double, case, cast, func, update
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Rate
from storage.statements import insert_new

LONGEST = 900.0
"""Seconds ahead that are believed; a clock may have been set back."""


def _now() -> ColumnElement[float]:
    """The database's clock, so that replicas need not agree on theirs; seconds since 1970."""
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


async def take(tx: Tx, name: str, gap: float, patience: float) -> tuple[bool, float]:
    """Take the next turn, `gap` seconds before the one after it, if it comes within `patience` seconds.

    Returns whether it was taken, and the seconds until it comes. PostgreSQL only: it is about replicas.
    """
    now = _now()
    start = _start(now)
    taken = (
        update(Rate)
        .where(col(Rate.name) == name, start <= now + patience)
        .values(next_at=start + gap)
        .returning(col(Rate.next_at) - gap - now)
    )
    found = (await tx.execute(taken, execution_options={"synchronize_session": False})).scalar()
    if found is not None:
        return True, max(0.0, float(found))
    ahead = await wait(tx, name)
    if ahead is not None and ahead > patience:
        return False, ahead
    await _begin(tx, name)  # nobody has used the name before, or somebody has begun with it this very moment
    return await take(tx, name, gap, patience)


async def wait(tx: Tx, name: str) -> float | None:
    """Seconds until the next turn, 0 when it is free; None for a name nobody has used."""
    now = _now()
    found = (await tx.execute(select(_start(now) - now).where(col(Rate.name) == name))).scalar()
    return None if found is None else max(0.0, float(found))


async def push(tx: Tx, name: str, seconds: float) -> None:
    """No turn before so many seconds have passed: the vendor said that we are too fast."""
    await _begin(tx, name)
    now = _now()
    query = update(Rate).where(col(Rate.name) == name).values(next_at=func.greatest(_start(now), now + seconds))
    await tx.execute(query, execution_options={"synchronize_session": False})


async def _begin(tx: Tx, name: str) -> None:
    await tx.execute(insert_new(tx, Rate).values(name=name, next_at=0.0))


def _start(now: ColumnElement[float]) -> ColumnElement[float]:
    """When the next turn begins: not in the past, and not further ahead than can be true."""
    return case((col(Rate.next_at) > now + LONGEST, now), else_=func.greatest(col(Rate.next_at), now))
