"""The queue of one process, in its memory, and the lock that refuses a second process on one SQLite file."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from bot.core.errors import JiehuaError
from bot.jobs.base import Job, Work, carry_out


class AlreadyRunning(JiehuaError):
    """Another process already works on this SQLite file."""


def only_process(database_file: Path) -> FileLock:
    """Hold the lock beside a SQLite file until the process ends or releases it. Raises AlreadyRunning."""
    lock = FileLock(f"{database_file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise AlreadyRunning(
            f"另一个 jiehua 进程正在使用 {database_file}；SQLite 只允许一个进程。"
            "先停掉它，或换成 PostgreSQL 再开多个副本。"
        ) from error
    return lock


class LocalJobs:
    """`workers` jobs at a time in this process. What waits when the process ends is forgotten."""

    keeps = False

    def __init__(self, workers: int = 8) -> None:
        self._workers = workers
        self._tasks: Mapping[str, Work] = {}
        self._queue: asyncio.PriorityQueue[tuple[int, int, Job]] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self._running: list[asyncio.Task[None]] = []
        self._busy: set[asyncio.Task[None]] = set()

    async def start(self, tasks: Mapping[str, Work]) -> None:
        self._tasks = tasks
        self._running = [asyncio.create_task(self._work(), name=f"job worker {n}") for n in range(self._workers)]

    async def put(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._queue.put_nowait((0 if job.urgent else 1, next(self._order), job))

    async def waiting(self) -> int:
        return self._queue.qsize()

    async def sweep(self) -> int:
        return 0  # the worker is this process

    async def stop(self, seconds: float = 5.0) -> None:
        running, self._running = self._running, []
        for worker in running:
            if worker not in self._busy:
                worker.cancel()
        if running:
            _done, late = await asyncio.wait(running, timeout=seconds)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _work(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        while me in self._running:
            _, _, job = await self._queue.get()
            self._busy.add(me)
            try:
                await carry_out(job.task, self._tasks[job.task], job.args)
            finally:
                self._busy.discard(me)
