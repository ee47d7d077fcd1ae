"""How late the event loop is: a small sampler that is started again should it ever break."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

EVERY = 0.5  # seconds between samples
BOUND = 1.0  # seconds of mean lag over the last samples from which on the process counts as stuck
_SAMPLES = 10


class Pulse:
    """Sleeps a little again and again and notes how much later it woke up than it should have."""

    def __init__(self, seen: Callable[[float], None] = lambda _lag: None) -> None:
        self._seen = seen
        self._lags: deque[float] = deque(maxlen=_SAMPLES)
        self._task: asyncio.Task[None] | None = None

    @property
    def lag(self) -> float:
        """Mean seconds over the last samples; one pause of two seconds does not make it large, ten in a row do."""
        return sum(self._lags) / _SAMPLES

    @property
    def stuck(self) -> bool:
        return self.lag > BOUND

    def note(self, lag: float) -> None:
        """One sample, in seconds."""
        self._lags.append(max(0.0, lag))
        self._seen(self.lag)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="pulse")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(EVERY)
            try:
                self.note(loop.time() - before - EVERY)
            except Exception:
                log.exception("a sample of the loop failed", extra={"action": "pulse.failed", "ids": {}})
