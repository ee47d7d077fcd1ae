"""Programs as processes of their own: started with nothing but their own settings, waited for, ended by their id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import bot
from bot.core.errors import JiehuaError

_READY_SECONDS, _END_SECONDS = 60.0, 15.0
_LINE = 64 * 2**20
_PORT = re.compile(r"ready http://[^:\s]+:(\d+)")


class DidNotStart(JiehuaError):
    """A program ended or kept silent instead of saying that it is ready."""


@dataclass(frozen=True)
class Running:
    """A program that runs, with its standard input and output."""

    process: asyncio.subprocess.Process
    name: str

    @property
    def pid(self) -> int:
        return self.process.pid

    async def line(self, seconds: float = _READY_SECONDS) -> str:
        """Its next line. Raises DidNotStart when it ends or keeps silent."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                raw = await self.process.stdout.readline()
        except TimeoutError:
            raw = b""
        if not raw:
            raise DidNotStart(f"{self.name} 没有按时应声")
        return raw.decode()

    async def port(self) -> int:
        """The port it says it listens on."""
        found = _PORT.match(await self.line())
        if found is None:
            raise DidNotStart(f"{self.name} 没有说它在听哪个端口")
        return int(found[1])

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")


@asynccontextmanager
async def running(*arguments: str, settings: Mapping[str, str] | None = None) -> AsyncIterator[Running]:
    """`python arguments…` with exactly these JIEHUA_ settings; ended on leaving, by force if need be."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JIEHUA_")}
    root = str(Path(bot.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**kept, **(settings or {}), "PYTHONPATH": paths}, limit=_LINE,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Running(process, " ".join(arguments))
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
