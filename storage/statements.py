"""Statements that are the same on both databases, and what their limits ask for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from storage.database import Tx

_DIALECTS: dict[str, Any] = {"postgresql": postgresql, "sqlite": sqlite}


def insert_new(tx: Tx, table: Any) -> Any:
    """An INSERT that leaves rows alone whose unique key is taken; the same on both databases."""
    return _insert_new(tx.get_bind().dialect.name, table)


@lru_cache(maxsize=128)
def _insert_new(dialect: str, table: Any) -> Any:
    return _DIALECTS[dialect].insert(table).on_conflict_do_nothing()


def put(tx: Tx, table: Any, *key: str, where: Any = None) -> Any:
    """An INSERT that replaces the row with the same `key`, if `where` holds for it; the same on both databases."""
    return _put(tx.get_bind().dialect.name, table, key, where)


@lru_cache(maxsize=128)
def _put(dialect: str, table: Any, key: tuple[str, ...], where: Any) -> Any:
    statement = _DIALECTS[dialect].insert(table)
    others = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=key, set_=others, where=where)


def table_of(rows: type[SQLModel]) -> Any:
    """The table itself: for bulk inserts, which then take no detour over objects."""
    return rows.__table__  # type: ignore[attr-defined]


def chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """Lists of at most `size`, because both databases bound the parameters of one statement."""
    block: list[Any] = []
    for value in values:
        block.append(value)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block
