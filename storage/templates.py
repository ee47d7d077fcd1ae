"""What people did with templates: favourites and searches."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Favourite, Lookup


async def log_lookup(tx: Tx, person_id: int, words: str, hits: int, now: datetime) -> int:
    """Record a search (masked words) and return its id."""
    row = Lookup(person_id=person_id, words=words[:200], hits=hits, created_at=now)
    tx.add(row)
    await tx.flush()
    return int(row.id or 0)


async def log_pick(tx: Tx, lookup_id: int, template_id: str) -> None:
    row = await tx.get(Lookup, lookup_id)
    if row is not None:
        row.picked = template_id
        await tx.flush()


async def misses(tx: Tx, since: datetime, limit: int = 20) -> list[tuple[str, int]]:
    """The words that found nothing, the most frequent first."""
    query = (
        select(Lookup.words, func.count().label("times"))
        .where(Lookup.hits == 0, col(Lookup.created_at) >= since)
        .group_by(col(Lookup.words))
        .order_by(func.count().desc(), col(Lookup.words))
        .limit(limit)
    )
    return [(words, times) for words, times in (await tx.execute(query))]


async def favourites(tx: Tx, person_id: int) -> list[str]:
    """The template ids a person keeps, the latest first."""
    query = select(Favourite.template_id).where(Favourite.person_id == person_id).order_by(col(Favourite.id).desc())
    return list((await tx.scalars(query)).all())


async def toggle_favourite(tx: Tx, person_id: int, template_id: str, now: datetime) -> bool:
    """Keep a template, or let it go when it was kept; True when it is kept now."""
    query = select(Favourite).where(Favourite.person_id == person_id, Favourite.template_id == template_id)
    row = (await tx.scalars(query)).first()
    if row is None:
        tx.add(Favourite(person_id=person_id, template_id=template_id, created_at=now))
    else:
        await tx.delete(row)
    await tx.flush()
    return row is None
