"""Drill runs: the one a person is in, and what was finished."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Tx
from storage.models import DrillRun

OPEN, DONE = "open", "done"


async def add(tx: Tx, run: DrillRun) -> DrillRun:
    tx.add(run)
    await tx.flush()
    return run


async def get(tx: Tx, run_id: int) -> DrillRun | None:
    return await tx.get(DrillRun, run_id)


async def left_open(tx: Tx, person_id: int, since: datetime) -> DrillRun | None:
    """The run a person last left, unless it is older than `since`."""
    query = (
        select(DrillRun)
        .where(DrillRun.person_id == person_id, DrillRun.status == OPEN, col(DrillRun.touched_at) >= since)
        .order_by(col(DrillRun.touched_at).desc(), col(DrillRun.id).desc())
    )
    return (await tx.scalars(query.limit(1))).first()


async def best(tx: Tx, person_id: int) -> dict[str, tuple[int, int]]:
    """(times finished, best points) by drill."""
    query = (
        select(col(DrillRun.drill_id), func.count(), func.max(DrillRun.points))
        .where(DrillRun.person_id == person_id, DrillRun.status == DONE)
        .group_by(col(DrillRun.drill_id))
    )
    return {drill: (count, int(points or 0)) for drill, count, points in await tx.execute(query)}
