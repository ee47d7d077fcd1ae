"""The port for background work: what a job is, and what every queue offers; rows decide what there is to do.

A job that was put is run once, or never, or twice: a process may die with it. So a job only names rows, finds nothing
to do when they are done, and is put again by whoever finds rows that nobody works on.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.core.errors import StorageBusy
from bot.core.log import note

log = logging.getLogger(__name__)

Work = Callable[..., Awaitable[None]]
"""Carries out one kind of job; called with the job's arguments."""


@dataclass(frozen=True)
class Job:
    """Work for one of the tasks a queue was started with; `args` are plain JSON. Urgent ones go first."""

    task: str
    args: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False


class Jobs(Protocol):
    """A queue and its workers.

    `keeps`: what was put outlives this process; where not, a start begins with nothing to do.
    """

    keeps: bool

    async def start(self, tasks: Mapping[str, Work]) -> None:
        """Open the queue; where this process is to work, begin. Raises StorageBusy."""
        ...

    async def put(self, jobs: Sequence[Job]) -> None:
        """Queue jobs, all or none. Raises StorageBusy."""
        ...

    async def waiting(self) -> int:
        """How many jobs nobody has begun. Raises StorageBusy."""
        ...

    async def sweep(self) -> int:
        """Forget jobs whose worker is dead; returns how many. Raises StorageBusy."""
        ...

    async def stop(self, seconds: float = 5.0) -> None:
        """Begin nothing more, wait so long for what is under way, then break it off."""
        ...


async def carry_out(name: str, work: Work, args: Mapping[str, Any]) -> None:
    """Run one job; a failure is logged and ends there, because the rows stay and are found again."""
    try:
        await work(**args)
    except StorageBusy:
        note(log, "job.busy", "the database was busy; the work is found again", logging.WARNING, task=name)
    except Exception:
        log.exception("a job failed", extra={"action": "job.failed", "ids": {"task": name}})
