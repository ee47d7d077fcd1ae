"""db backup · restore: a copy of the whole database while the bot runs, and the way back."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import shutil
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from bot import config
from bot.core.clock import SystemClock
from bot.core.errors import JiehuaError
from bot.jobs.local import only_process
from storage import backup, schema
from storage.database import Database


class Refused(JiehuaError):
    """A copy or a restore that would do harm; says what to do instead."""


def add_to(db: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    copy = db.add_parser("backup", help="把整个库备到一个文件，机器人不用停")
    copy.add_argument("file", type=Path, metavar="FILE")
    copy.set_defaults(run=_backup)
    back = db.add_parser("restore", help="用备份换掉现在的库，原来的另存")
    back.add_argument("file", type=Path, metavar="FILE")
    back.add_argument("--force", action="store_true", help="现在的库里有东西也换，原来的另存在旁边")
    back.set_defaults(run=_restore)


async def _backup(options: argparse.Namespace) -> int:
    database = Database(config.read().database_url)
    target: Path = options.file
    if target.exists():
        raise Refused(f"{target} 已经有了；换一个文件名，免得盖掉旧的备份")
    try:
        if database.is_sqlite:
            revision = await asyncio.to_thread(backup.take, Path(str(database.url.database)), target)
        else:
            revision = await _dump(database, target)
    except OSError as error:
        raise Refused(f"{target} 写不进去：{error.strerror}") from error
    finally:
        await database.close()
    print(f"已备份到 {target}：{_megabytes(target)}，结构版本 {revision}，完整性已核对。")
    print("里面有姓名和成绩，按机密文件保管；内容文件夹和设置文件另外备一份。")
    return 0


async def _restore(options: argparse.Namespace) -> int:
    source: Path = options.file
    if not source.exists():
        raise Refused(f"没有这个文件：{source}")
    database = Database(config.read().database_url)
    stamp = f"before-{SystemClock().now():%Y%m%d-%H%M%S}"
    try:
        if database.is_sqlite:
            revision, aside = await asyncio.to_thread(_swap, database, source, stamp, options.force)
        else:
            revision, aside = await _reload(database, source, stamp, options.force)
    finally:
        await database.close()
    print(f"已恢复：{source}，结构版本 {revision}。")
    if aside is not None:
        print(f"原来的库另存在 {aside}，确认没问题再删。")
    if revision != schema.newest():
        print("结构比程序旧，先运行 jiehua db upgrade（jiehua serve 启动时也会自动升）。")
    return 0


def _known(revision: str | None) -> str:
    """The revision, if this program can bring it up to date. Raises Refused."""
    if revision is None or not schema.knows(revision):
        shown = revision or "读不出来"
        raise Refused(f"备份的结构版本 {shown} 比这个程序新，或者不是 jiehua 的；换成备份时的程序再恢复")
    return revision


def _swap(database: Database, source: Path, stamp: str, force: bool) -> tuple[str, Path | None]:
    target = Path(str(database.url.database))
    target.parent.mkdir(parents=True, exist_ok=True)
    with only_process(target):
        revision = _known(backup.examine(source))
        empty = backup.is_empty(target)
        if not empty and not force:
            raise Refused(f"{target} 里已经有东西；确实要换掉它，加 --force（原来的会另存）")
        aside = target.with_name(f"{target.name}.{stamp}")
        backup.put_back(source, target, aside)
    return revision, None if empty else aside


# --- PostgreSQL, by its own tools


async def _tool(database: Database, *command: str) -> str:
    """Run one of PostgreSQL's tools; returns what it wrote. Raises Refused with the command when it is not here."""
    program = shutil.which(command[0])
    if program is None:
        wanted = shlex.join(command).replace(".part", "")
        advice = f"装好 postgresql-client 再来，或在数据库机器上运行：\n  {wanted}"
        raise Refused(f"这台机器上没有 {command[0]}。{advice}")
    password = {"PGPASSWORD": database.url.password} if database.url.password else {}
    process = await asyncio.create_subprocess_exec(
        program, *command[1:], stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **password},
    )  # fmt: skip
    out, err = await process.communicate()
    if process.returncode:
        raise Refused(f"{command[0]} 没有做成：{err.decode('utf-8', 'replace').strip()}")
    return out.decode("utf-8", "replace")


async def _dump(database: Database, target: Path) -> str:
    part = target.with_name(f"{target.name}.part")
    command = ("pg_dump", "--format=custom", f"--file={part}", f"--dbname={backup.address(database)}")
    part.unlink(missing_ok=True)
    try:
        await _tool(database, *command)
        part.chmod(0o600)
        revision = await _revision_of(database, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return revision


async def _revision_of(database: Database, file: Path) -> str:
    command = ("pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file))
    return _known(backup.revision_in(await _tool(database, *command)))


async def _reload(database: Database, source: Path, stamp: str, force: bool) -> tuple[str, Path | None]:
    revision, aside = await _revision_of(database, source), None
    try:
        users, present = await backup.others(database), await schema.current(database)
    except (SQLAlchemyError, OSError) as error:
        raise Refused("连不上数据库；看 JIEHUA_DATABASE_URL，库要先建好") from error
    if users:
        raise Refused(f"还有 {users} 个连接在用这个库；先停掉所有 jiehua 进程再恢复")
    if present is not None:
        if not force:
            raise Refused("库里已经有东西；确实要换掉它，加 --force（原来的会另存）")
        aside = source.with_name(f"{database.url.database}.{stamp}.dump")
        await _dump(database, aside)
        await backup.wipe(database)
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--schema=public")
    await _tool(database, "pg_restore", *options, f"--dbname={backup.address(database)}", str(source))
    return revision, aside


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 1_048_576:.1f} MB"
