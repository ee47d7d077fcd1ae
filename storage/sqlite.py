"""SQLite's connections for the asyncio engine: short statements run where they are, whatever may take long in a thread.

aiosqlite gives each of the four steps of a statement to a thread and waits for it: a chat message, some thirty
statements of 20 µs, spent 13 ms of work on that alone. Here only what waits leaves the loop: COMMIT, BEGIN IMMEDIATE
while another process writes, what changes many rows, and a query that has not ended after a millisecond or two, which
is stopped and asked again in a thread.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

_STEPS = 20_000
"""Steps of SQLite's machine that a query may take in the loop: a millisecond or two."""
_VALUES = 200
"""Values of one INSERT that may be bound in the loop."""
_THREADS = ThreadPoolExecutor(10, thread_name_prefix="sqlite")


class Way(Enum):
    """Where a statement runs."""

    HERE = auto()
    WATCHED = auto()  # here, unless it takes long; only for what changes nothing
    UNLOCKED = auto()  # here, unless it would have to wait for another process
    APART = auto()


_WAYS: tuple[tuple[re.Pattern[str], Way], ...] = (
    (re.compile(r"SELECT\b"), Way.WATCHED),
    (re.compile(r"INSERT INTO \w+ \([^)]*\) VALUES \("), Way.HERE),
    (
        re.compile(
            r"(?:UPDATE \w+ SET|DELETE FROM \w+) .*WHERE \w+\.\w*id (?:= \?|IN \([?, ]+\))(?: AND .*)?$", re.DOTALL
        ),
        Way.HERE,
    ),
    (re.compile(r"BEGIN IMMEDIATE$"), Way.UNLOCKED),
    (re.compile(r"(?:BEGIN|ROLLBACK)$|SAVEPOINT |RELEASE |ROLLBACK TO "), Way.HERE),
)


@lru_cache(maxsize=1024)
def way_of(statement: str) -> Way:
    """Where a statement runs: by how it begins, APART unless it is known to be short."""
    return next((way for pattern, way in _WAYS if pattern.match(statement)), Way.APART)


class Connection:
    """One connection as SQLAlchemy's aiosqlite dialect wants it; used by one task at a time.

    When a task is cancelled while a thread works for it, the next use of the connection waits for that thread.
    """

    def __init__(self, raw: sqlite3.Connection, patience: int) -> None:
        self.patience = patience
        self._connection: sqlite3.Connection | None = raw  # SQLAlchemy looks whether it is still there
        self._unfinished: asyncio.Future[Any] | None = None

    @property
    def raw(self) -> sqlite3.Connection:
        """Raises ValueError when it was closed; SQLAlchemy knows these words."""
        if self._connection is None:
            raise ValueError("no active connection")
        return self._connection

    def cursor(self) -> Cursor:
        return Cursor(self)

    async def commit(self) -> None:
        if self.raw.in_transaction:
            await self.apart(self.raw.commit)

    async def rollback(self) -> None:
        await self.settled()
        self.raw.rollback()

    async def create_function(self, *args: Any, **options: Any) -> None:
        self.raw.create_function(*args, **options)

    async def close(self) -> None:
        await self.settled()
        raw, self._connection = self._connection, None
        if raw is not None:
            await self.apart(raw.close)

    def stop(self) -> None:
        """Close at once, without a loop; for connections that nobody gave back."""
        raw, self._connection = self._connection, None
        if raw is not None:
            raw.interrupt()
            raw.close()

    async def settled(self) -> None:
        """Wait for what a cancelled task left running."""
        while self._unfinished is not None and not self._unfinished.done():
            await asyncio.wait([self._unfinished])
        self._unfinished = None

    async def apart(self, work: Callable[[], T]) -> T:
        """Run in a thread."""
        await self.settled()
        future = asyncio.get_running_loop().run_in_executor(_THREADS, work)
        self._unfinished = future
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(future)


class Cursor:
    """One statement and its rows, fetched as it is executed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw = connection.raw.cursor()
        self._rows: list[Any] = []

    def __await__(self) -> Generator[Any, None, Cursor]:
        yield from ()
        return self

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Cursor:
        await self._connection.settled()
        way = way_of(statement)
        if way is Way.WATCHED:
            if not self._within(statement, parameters):
                await self._connection.apart(lambda: self._run(statement, parameters))
        elif way is Way.UNLOCKED:
            if not self._at_once(statement):
                await self._connection.apart(lambda: self._run(statement, parameters))
        elif way is Way.HERE and len(parameters) <= _VALUES:
            self._run(statement, parameters)
        else:
            await self._connection.apart(lambda: self._run(statement, parameters))
        return self

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Cursor:
        if way_of(statement) is Way.HERE and sum(map(len, rows)) <= _VALUES:
            self._raw.executemany(statement, rows)
        else:
            await self._connection.apart(lambda: self._raw.executemany(statement, rows))
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._raw.close()

    @property
    def description(self) -> Any:
        return self._raw.description

    @property
    def rowcount(self) -> int:
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._raw.lastrowid

    def _run(self, statement: str, parameters: Sequence[Any]) -> None:
        self._raw.execute(statement, parameters)
        self._rows = self._raw.fetchall() if self._raw.description else []

    def _at_once(self, statement: str) -> bool:
        """Run what takes a lock; False when somebody else holds it."""
        raw = self._connection.raw
        raw.execute("PRAGMA busy_timeout=0")
        try:
            self._run(statement, ())
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return False
        finally:
            raw.execute(f"PRAGMA busy_timeout={self._connection.patience}")
        return True

    def _within(self, statement: str, parameters: Sequence[Any]) -> bool:
        """Run a query for so many steps; False when it had not ended by then."""
        raw = self._connection.raw
        raw.set_progress_handler(lambda: 1, _STEPS)
        try:
            self._run(statement, parameters)
        except sqlite3.OperationalError as error:
            if str(error) != "interrupted":
                raise
            return False
        finally:
            raw.set_progress_handler(None, 0)
        return True


async def connect(path: str, *, patience: float) -> Connection:
    """A connection that leaves BEGIN to us, and waits `patience` seconds for other processes."""

    def opened() -> sqlite3.Connection:
        raw: sqlite3.Connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=patience
        )
        return raw

    raw = await asyncio.get_running_loop().run_in_executor(_THREADS, opened)
    return Connection(raw, round(patience * 1000))
