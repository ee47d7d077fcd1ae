"""Access tokens shared by all replicas: read one, replace one unless somebody else already has."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import col, select

from storage.database import Database
from storage.models import Token
from storage.statements import put, table_of

_ENTRY = select(Token.value, Token.expires_at)
_SAME = col(Token.value) == bindparam("old")


class StoredTokens:
    """The token store of the platforms; each call is one transaction of its own. Raises StorageBusy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> tuple[str, datetime] | None:
        """The stored value and when it expires, even when that is past."""
        async with self._database.reading() as tx:
            row = (await tx.execute(_ENTRY.where(col(Token.name) == name))).first()
        return (row[0], row[1]) if row else None

    async def put(self, name: str, value: str, expires_at: datetime, *, instead_of: str) -> tuple[str, datetime]:
        """Store a value if what is stored is still `instead_of` (or nothing is); returns what is stored now."""
        async with self._database.transaction() as tx:
            values = {"name": name, "value": value, "expires_at": expires_at}
            statement = put(tx, table_of(Token), "name", where=_SAME).returning(col(Token.value))
            if (await tx.execute(statement, values | {"old": instead_of})).first() is not None:
                return value, expires_at
            row = (await tx.execute(_ENTRY.where(col(Token.name) == name))).one()
        return row[0], row[1]
