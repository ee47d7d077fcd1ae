"""A database that somebody else has taken: what every caller sees as StorageBusy, without waiting ten seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text

from storage.database import Database


@asynccontextmanager
async def taken(database: Database) -> AsyncIterator[None]:
    """Somebody else holds the inbox, and this database's transactions wait for only a moment."""

    def impatient(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=30" if database.is_sqlite else "SET lock_timeout = '30ms'")
        cursor.close()
        if not database.is_sqlite:
            connection.commit()

    await database.engine.dispose()
    event.listen(database.engine.sync_engine, "connect", impatient)
    other = Database(database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False))
    try:
        async with other.engine.begin() as connection:
            if not database.is_sqlite:  # on SQLite whoever has begun holds the only lock
                await connection.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
            yield
    finally:
        await other.close()
        event.remove(database.engine.sync_engine, "connect", impatient)
        await database.engine.dispose()
