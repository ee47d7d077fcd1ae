"""A supervised loop: what must be looked at again and again, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from bot.core.errors import StorageBusy
from bot.core.log import note

log = logging.getLogger(__name__)


class Loop:
    """Runs `work` again and again: at once when woken, otherwise every `seconds`; a failure never ends it.

    `work` returns how much it did; as long as that is not nothing it is called again without waiting.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[int]], seconds: float) -> None:
        self._name, self._work, self._seconds = name, work, seconds
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def wake(self) -> None:
        self._wanted.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End the loop after the work in hand, at most ten seconds later."""
        if self._task is None:
            return
        task, self._task = self._task, None
        self._stopping = True
        self.wake()
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await asyncio.wait_for(asyncio.shield(task), 10)
            except TimeoutError:
                task.cancel()

    async def _run(self) -> None:
        while not self._stopping:
            self._wanted.clear()
            try:
                done = await self._work()
            except StorageBusy:
                done = 0
            except Exception:
                log.exception("background work failed", extra={"action": "loop.failed", "ids": {"loop": self._name}})
                done = 0
            if not done and not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), self._seconds)
        note(log, "loop.ended", "background work ended", loop=self._name)
