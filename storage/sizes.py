"""What tables and indexes weigh on the disk, and what the values in them would weigh alone; for benchmarks.

PostgreSQL: its own size functions (documentation, "System Administration Functions"); SQLite: the pages that `dbstat`
counts (SQLite documentation, "The DBSTAT Virtual Table").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Boolean, Date, DateTime, Float, Integer, LargeBinary, Text, Time, case, cast, func, text
from sqlmodel import SQLModel, select

from storage.database import Tx
from storage.statements import table_of

_FIXED: tuple[tuple[Any, int], ...] = (
    (Boolean, 1),
    (Integer, 4),
    (Date, 4),
    (Float, 8),
    (DateTime, 8),
    (Time, 8),
)
"""Bytes of a value by the type of its column, as PostgreSQL stores it; of anything else the bytes of its text."""

_POSTGRES = text(
    "SELECT pg_table_size(CAST(:name AS regclass)), c.relname, pg_relation_size(c.oid)"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = CAST(:name AS regclass)"
)
_SQLITE = text(
    "SELECT s.name, s.pgsize, s.name = :name FROM dbstat s WHERE s.aggregate = TRUE"
    " AND s.name IN (SELECT m.name FROM sqlite_master m WHERE m.tbl_name = :name)"
)


@dataclass(frozen=True)
class Size:
    """A table's bytes without its indexes (long values stored apart included), those of every index, and its rows."""

    table: int
    indexes: Mapping[str, int]
    rows: int

    @property
    def index(self) -> int:
        """Bytes of all indexes."""
        return sum(self.indexes.values())


async def weigh(tx: Tx, table: type[SQLModel]) -> Size:
    """One table as it stands on the disk."""
    rows = int(await tx.scalar(select(func.count()).select_from(table)) or 0)
    size, indexes = await _pages(tx, str(table.__tablename__))
    return Size(size, indexes, rows)


async def weigh_jobs(tx: Tx, schema: str) -> Size:
    """The queue's own table of jobs, which only PostgreSQL has."""
    rows = int(await tx.scalar(text(f"SELECT count(*) FROM {schema}.procrastinate_jobs")) or 0)  # noqa: S608
    size, indexes = await _pages(tx, f"{schema}.procrastinate_jobs")
    return Size(size, indexes, rows)


async def values(tx: Tx, table: type[SQLModel]) -> int:
    """Bytes of all values of a table: no headers, no padding, no free space, no index."""
    total = sum(_weight(tx, column) for column in table_of(table).columns)
    return int(await tx.scalar(select(func.coalesce(func.sum(total), 0))) or 0)


async def _pages(tx: Tx, name: str) -> tuple[int, dict[str, int]]:
    if tx.get_bind().dialect.name == "postgresql":
        rows = list(await tx.execute(_POSTGRES, {"name": name}))
        return int(rows[0][0]), {index: int(size) for _, index, size in rows}
    found = [(str(each), int(size), bool(own)) for each, size, own in await tx.execute(_SQLITE, {"name": name})]
    return sum(size for _, size, own in found if own), {each: size for each, size, own in found if not own}


def _weight(tx: Tx, column: Any) -> Any:
    """Bytes of one column's value in a row, 0 where there is none."""
    fixed = next((size for kind, size in _FIXED if isinstance(column.type, kind)), None)
    inner = getattr(column.type, "impl", None)
    fixed = fixed or next((size for kind, size in _FIXED if isinstance(inner, kind)), None)
    if fixed is not None:
        return case((column.is_not(None), fixed), else_=0)
    if tx.get_bind().dialect.name == "postgresql":
        plain = cast(column, Text) if isinstance(column.type, JSON) else column
        return func.coalesce(func.octet_length(plain), 0)
    return func.coalesce(func.length(cast(column, LargeBinary)), 0)
