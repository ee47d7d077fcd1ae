"""The queue of any number of replicas: procrastinate on PostgreSQL; the only module that knows it.

Recovery never depends on what the queue believes: whoever finds rows that nobody works on puts a job again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import procrastinate
import psycopg
import psycopg_pool
from procrastinate import exceptions
from procrastinate.jobs import Status

from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.jobs.base import Job, Work, carry_out

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # our own lines say what happened, without arguments

SCHEMA = "jobs"
"""The database schema of procrastinate's tables; ours are in the public one."""

_URGENT, _REST = "urgent", "rest"
"""The queues: for what people wait for, and for everything else."""

_FIRST = 10
_POLL = 1.0  # seconds; a notification usually comes at once
_BEAT = 5.0
_DEAD = 300.0
_PRUNED = 86_400.0
_GRACE = 5.0  # seconds for what is under way when the process stops
_AGAIN = 1.0
_CONNECTED = 10.0


class PostgresJobs:
    """Puts jobs for all replicas; carries out `workers` at a time, of the urgent ones only if so wanted."""

    keeps = True

    def __init__(self, address: str, workers: int = 8, *, urgent_only: bool = False) -> None:
        self._workers, self._queues = workers, [_URGENT] if urgent_only else [_URGENT, _REST]
        self._connector = procrastinate.PsycopgConnector(
            conninfo=address,
            kwargs={"options": f"-c search_path={SCHEMA}"},
            min_size=1,
            max_size=workers + 4,
            timeout=_CONNECTED,
            reconnect_timeout=5.0,
        )
        self._app = procrastinate.App(connector=self._connector)
        self._worker: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self, tasks: Mapping[str, Work]) -> None:
        with _storage():
            await self._app.open_async()
        for name, work in tasks.items():
            self._app.task(name=name, queue=_REST)(_runner(name, work))
        if self._workers:
            self._worker = asyncio.create_task(self._supervise(), name="job worker")

    async def put(self, jobs: Sequence[Job]) -> None:
        with _storage():
            ordered = sorted(jobs, key=lambda job: (not job.urgent, job.task))
            for (task, urgent), group in groupby(ordered, key=lambda job: (job.task, job.urgent)):
                deferrer = self._app.configure_task(
                    task, allow_unknown=False, queue=_URGENT if urgent else _REST, priority=_FIRST if urgent else 0
                )
                await deferrer.batch_defer_async(*(dict(job.args) for job in group))

    async def waiting(self) -> int:
        with _storage():
            return sum(queue["todo"] for queue in await self._app.job_manager.list_queues_async())

    async def sweep(self) -> int:
        """Remove what dead workers left as being done; the rows behind it are found by themselves. Returns how many.

        procrastinate looks for such jobs only when asked (#1408), and never finds those whose worker was pruned
        (#1518): that is why workers are pruned a day later than jobs are swept.
        """
        manager = self._app.job_manager
        with _storage():
            left = list(await manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD))
            for job in left:
                await manager.finish_job(job, Status.FAILED, delete_job=True)
        return len(left)

    async def stop(self, seconds: float = 5.0) -> None:
        self._stopping = True
        if self._worker is not None:
            self._worker.cancel()  # procrastinate's way to ask for an end: it waits for what is under way
            await asyncio.wait([self._worker], timeout=seconds + 0.5)
            self._worker = None
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._app.close_async(), 1.0)

    async def _supervise(self) -> None:
        """A worker, and a new one whenever it ends: it does when the database goes away."""
        while not self._stopping:
            try:
                await self._app.run_worker_async(
                    queues=self._queues,
                    concurrency=self._workers,
                    fetch_job_polling_interval=_POLL,
                    update_heartbeat_interval=_BEAT,
                    stalled_worker_timeout=_PRUNED,
                    shutdown_graceful_timeout=_GRACE,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            except asyncio.CancelledError:
                raise
            except Exception as error:
                note(log, "job.worker", "the worker ended; a new one begins", logging.WARNING, why=type(error).__name__)
            await asyncio.sleep(_AGAIN)


def _runner(name: str, work: Work) -> Any:
    async def run(**args: Any) -> None:
        await carry_out(name, work, args)

    return run


@contextlib.contextmanager
def _storage() -> Iterator[None]:
    try:
        yield
    except (exceptions.ConnectorException, psycopg.OperationalError, psycopg_pool.PoolTimeout) as error:
        raise StorageBusy(f"任务队列暂时不可用：{type(error).__name__}") from error
