"""Small facts and pictures the program must remember."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Picture, Setting


async def get(tx: Tx, name: str) -> str | None:
    row = await tx.get(Setting, name)
    return row.value if row else None


async def put(tx: Tx, name: str, value: str) -> None:
    row = await tx.get(Setting, name)
    if row is None:
        tx.add(Setting(name=name, value=value))
    else:
        row.value = value
    await tx.flush()


async def lock(tx: Tx) -> None:
    """Hold the only key to setting up until the transaction ends; on SQLite the transaction holds it already."""
    if tx.get_bind().dialect.name == "postgresql":
        await tx.execute(text("SELECT pg_advisory_xact_lock(7242)"))


async def put_picture(tx: Tx, name: str, png: bytes, now: datetime) -> int:
    """Keep a picture under a name and return its id; a later one of the same name replaces it."""
    row = (await tx.scalars(select(Picture).where(col(Picture.name) == name))).first()
    if row is None:
        row = Picture(name=name, png=png, created_at=now)
        tx.add(row)
    else:
        row.png = png
    await tx.flush()
    return int(row.id or 0)


async def picture(tx: Tx, picture_id: int) -> bytes | None:
    row = await tx.get(Picture, picture_id)
    return row.png if row else None
