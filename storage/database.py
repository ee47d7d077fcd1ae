"""The engine and the transaction, on SQLite and PostgreSQL alike; no queries here.

SQLite runs in WAL mode with synchronous=FULL; a transaction that writes begins IMMEDIATE, so two writers queue up
instead of failing half-way (SQLite documentation, "Write-Ahead Logging" and "Transactions").
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bot.core.errors import SettingError, StorageBusy
from storage import sqlite

Tx = AsyncSession
"""One transaction; every query function takes it first."""

_PATIENCE = 10.0  # seconds that a writer waits for the others on SQLite

_BUSY = re.compile(
    r"database is locked|database table is locked|disk is full|disk I/O error|readonly database|unable to open"
    r"|server closed the connection|connection (is closed|refused|failed|timeout)|could not connect"
    r"|terminating connection|No space left|deadlock detected|could not serialize|AdminShutdown|starting up",
    re.IGNORECASE,
)


class Database:
    """One database. Use `async with database.transaction() as tx:`; leaving the block commits."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database not in (None, ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = (
            {"pool_size": pool_size, "max_overflow": 0, "async_creator": self._connect}
            if self.is_sqlite
            else {"pool_size": pool_size, "max_overflow": 10, "pool_pre_ping": True, "pool_timeout": 10}
        )
        self.engine: AsyncEngine = create_async_engine(self.url, hide_parameters=True, **options)
        if self.is_sqlite:
            _configure_sqlite(self.engine)
        self._turn = asyncio.Lock()

    async def _connect(self) -> sqlite.Connection:
        return await sqlite.connect(str(self.url.database), patience=_PATIENCE)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        """On SQLite this process's writers come one after the other: its own lock is polled for, and not in turn."""
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            raise StorageBusy("数据库暂时不可用：前面还有人在写") from None
        try:
            yield
        finally:
            self._turn.release()

    @property
    def address(self) -> str:
        """The URL for other libraries, with its password: never to be shown."""
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction that may write. Raises StorageBusy when the database cannot take it now."""
        async with self._writing(), AsyncSession(self.engine, expire_on_commit=False, autoflush=True) as session:
            try:
                async with session.begin():
                    yield session
            except OperationalError as error:
                raise StorageBusy(f"数据库暂时不可用：{error.orig}") from error
            except PoolTimeout as error:
                raise StorageBusy("数据库暂时不可用：连接都在忙") from error
            except DBAPIError as error:
                if _BUSY.search(str(error)) or error.connection_invalidated:
                    raise StorageBusy(f"数据库暂时不可用：{error.orig}") from error
                raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A transaction that only reads; on SQLite it takes no write lock."""
        engine = self.engine.execution_options(jiehua_reading=True)
        async with AsyncSession(engine, expire_on_commit=False, autoflush=False) as session:
            try:
                yield session
            except OperationalError as error:
                raise StorageBusy(f"数据库暂时不可用：{error.orig}") from error
            except PoolTimeout as error:
                raise StorageBusy("数据库暂时不可用：连接都在忙") from error

    async def close(self) -> None:
        await self.engine.dispose()


def parse_url(text: str) -> URL:
    """`sqlite:///path` or `postgresql://user:password@host/name`, with the async driver filled in.

    Raises SettingError for anything else.
    """
    try:
        url = make_url(text)
    except Exception as error:
        raise SettingError("JIEHUA_DATABASE_URL 写法不对，例如 sqlite:///var/jiehua.db") from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    backend = url.get_backend_name()
    if backend not in drivers:
        raise SettingError(f"JIEHUA_DATABASE_URL 不支持 {backend}；用 sqlite:///… 或 postgresql://…")
    return url.set(drivername=drivers[backend])


def _configure_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("jiehua_reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
