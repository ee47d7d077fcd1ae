"""Copies of a whole database: of SQLite while a bot writes to it, and what PostgreSQL is asked around its tools."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL

from bot.core.errors import JiehuaError
from storage.database import Database

_REVISION = re.compile(r"^COPY public\.alembic_version .*?\n(\S+)\n", re.MULTILINE)


class BadCopy(JiehuaError):
    """The file is no sound copy of a database of ours."""


def take(source: Path, target: Path) -> str:
    """Write one consistent state of the SQLite file `source` to `target`, readable by its owner only; returns its
    revision. Others may read and write meanwhile. Raises BadCopy when the copy is not sound, OSError for no room."""
    if not source.exists():
        raise BadCopy(f"没有这个库：{source}")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(_open(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(part),))
        revision = examine(part)
        _settle(part, target)
    except sqlite3.Error as error:
        raise BadCopy(f"没有备成：{error}") from error
    finally:
        part.unlink(missing_ok=True)
    return revision


def examine(file: Path) -> str:
    """The revision of a sound SQLite copy. Raises BadCopy."""
    try:
        with closing(_open(file, "ro")) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise BadCopy(f"{file} 打不开，或者不是 jiehua 的库：{error}") from error
    if verdict != "ok" or row is None:
        raise BadCopy(f"{file} 有损坏：{verdict}")
    return str(row[0])


def is_empty(file: Path) -> bool:
    """Whether a SQLite file holds nothing of ours yet. Raises BadCopy for a file of something else."""
    if not file.exists() or not file.stat().st_size:
        return True
    try:
        with closing(_open(file, "ro")) as connection:
            return connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone() is None
    except sqlite3.Error as error:
        raise BadCopy(f"{file} 打不开：{error}") from error


def put_back(copy: Path, target: Path, aside: Path) -> None:
    """Make `copy` the database `target`; what was there goes to `aside`, with its journal. Nobody may be using it."""
    part = target.with_name(f"{target.name}.restoring")
    part.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"")
    part.chmod(0o600)
    with copy.open("rb") as source, part.open("wb") as sink:
        while block := source.read(1 << 20):
            sink.write(block)
    for tail in ("", "-wal", "-shm"):
        old = target.with_name(target.name + tail)
        if old.exists():
            old.rename(aside.with_name(aside.name + tail))
    _settle(part, target)


def revision_in(script: str) -> str | None:
    """The revision in what pg_restore writes out of the table alembic_version."""
    found = _REVISION.search(script)
    return found.group(1) if found else None


def address(database: Database) -> str:
    """A PostgreSQL database's address for libpq, without the password, which goes through the environment."""
    url = database.url
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string()


async def others(database: Database) -> int:
    """How many other sessions are connected to a PostgreSQL database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    async with database.engine.connect() as connection:
        return int((await connection.execute(text(query))).scalar_one())


async def wipe(database: Database) -> None:
    """Empty a PostgreSQL database of everything that is ours."""
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))


def _open(file: Path, mode: str = "rw") -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection


def _settle(part: Path, target: Path) -> None:
    """Give a finished file its name, on the disk and not only in memory."""
    for path in (part, part.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    part.replace(target)
