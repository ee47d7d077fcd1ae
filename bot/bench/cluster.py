"""The processes of a run on this machine: the vendor, PostgreSQL, the bot's replicas; started, killed and ended by id.

Everything listens on 127.0.0.1 or a socket in the run's folder. A watchdog ends what a dead driver leaves behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.core.errors import JiehuaError

START_SECONDS = 120.0  # on a machine that does other things as well
STOP_SECONDS = 15.0
ROLE = "JIEHUA_ROLE"
"""The setting that parts web replicas from workers; where a bot does not know it yet, all its processes are equal."""


class RunFailed(JiehuaError):
    """A process of the run did not do what the run needs."""


class Watchdog:
    """The process that ends ours when we cannot any more; `seconds` from its start at the latest."""

    def __init__(self, seconds: float) -> None:
        command = [sys.executable, "-m", "bot.bench.watchdog", str(seconds)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def add(self, pid: int) -> None:
        self._tell(f"+{pid}\n")

    def drop(self, pid: int) -> None:
        self._tell(f"-{pid}\n")

    def close(self) -> None:
        """End it; what it still knows is killed."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()


class Process:
    """One program that may be started again and again; what it writes is appended to a file."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], out: Path, watchdog: Watchdog
    ) -> None:
        self.name, self.out = name, out
        self._command, self._environment, self._watchdog = list(command), dict(environment), watchdog
        self._process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode if self._process is not None else None

    @property
    def last_words(self) -> str:
        """The end of what it wrote; nothing of a person stands in the bot's log."""
        return self.out.read_text(encoding="utf-8", errors="replace")[-400:] if self.out.exists() else ""

    async def start(self) -> None:
        """Start it; raises RunFailed if it runs already."""
        if self.alive:
            raise RunFailed(f"{self.name} runs already")
        with self.out.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self._watchdog.add(self._process.pid)

    async def kill(self) -> None:
        """kill -9; nothing if it is dead."""
        await self._end(signal.SIGKILL, STOP_SECONDS)

    async def stop(self, seconds: float = STOP_SECONDS) -> float:
        """SIGTERM; returns how many seconds it took. One that does not end is killed, and RunFailed raised."""
        return await self._end(signal.SIGTERM, seconds)

    def limit_files(self, size: int = resource.RLIM_INFINITY) -> None:
        """From now on no file of its may grow over `size` bytes: writing fails as on a full disk (Python ignores the
        signal that would end it). Without a size there is room again. Linux only."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def freeze(self) -> None:
        """Hold the whole process, its event loop included, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    async def _end(self, number: signal.Signals, seconds: float) -> float:
        process, started = self._process, time.monotonic()
        if process is None:
            return 0.0
        self._signal(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await process.wait()
            raise RunFailed(
                f"{self.name} did not end within {seconds:g} s; its last words: {self.last_words}"
            ) from None
        finally:
            if process.returncode is not None:
                self._watchdog.drop(process.pid)
        return time.monotonic() - started


class Bot(Process):
    """One `jiehua serve`."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], out: Path, dog: Watchdog):
        super().__init__(name, command, environment, out, dog)
        self.role = environment[ROLE]
        self.address = f"http://127.0.0.1:{environment['JIEHUA_PORT']}"

    async def ready(self, http: aiohttp.ClientSession, seconds: float = START_SECONDS) -> None:
        """Come back when it can work. Raises RunFailed when it ended or takes too long."""
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with http.get(f"{self.address}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
        raise RunFailed(f"{self.name} is not ready, exit code {self.exit_code}; its last words: {self.last_words}")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def without_settings() -> dict[str, str]:
    """Our environment without any of the bot's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("JIEHUA_")}


class VendorProcess(Process):
    """The vendor, with what its control port can do."""

    api = control = ""

    async def open(self) -> None:
        """Start it and learn where it listens. Raises RunFailed."""
        await self.start()
        deadline = time.monotonic() + START_SECONDS
        while self.alive and time.monotonic() < deadline:
            said = self.out.read_text(encoding="utf-8").split()
            if "ready" in said[-3:]:
                self.api, self.control = said[-2:]
                return
            await asyncio.sleep(0.05)
        raise RunFailed("the vendor does not start")

    async def tell(self, http: aiohttp.ClientSession, what: str, **asked: Any) -> dict[str, Any]:
        """One request to the control port: trouble, pace or say."""
        timeout = aiohttp.ClientTimeout(total=60)
        async with http.post(f"{self.control}/control/{what}", json=asked, timeout=timeout) as answer:
            if answer.status != 200:
                raise RunFailed(f"the vendor refused {what}: {await answer.text()}")
            said: dict[str, Any] = await answer.json()
            return said


@asynccontextmanager
async def ended(processes: Sequence[Process]) -> AsyncIterator[None]:
    """Whatever happens inside, these are dead afterwards."""
    try:
        yield
    finally:
        for process in processes:
            process.thaw()
            with contextlib.suppress(RunFailed):
                await process.kill()
