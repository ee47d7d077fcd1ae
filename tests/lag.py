"""How long an event loop was held up, and whether that was our doing or the machine's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_TICK = 0.005


@dataclass
class Lag:
    """Seconds. `longest` leaves out what a plain thread of the same process was late by at the same time: a call that
    blocks the loop does not hold up the thread, and a busy machine holds up both."""

    late: list[tuple[float, float]] = field(default_factory=list)  # of the loop: when it should have run, when it did
    noise: list[tuple[float, float]] = field(default_factory=list)  # of the thread

    @property
    def longest(self) -> float:
        return max(map(self._ours, self.late), default=0.0)

    def _ours(self, gap: tuple[float, float]) -> float:
        """The longest stretch of a gap during which the thread did run when it should have."""
        begin, end = gap
        stretches, at = [], begin
        for due, ran in self.noise:
            if ran <= at or due >= end:
                continue
            stretches.append(due - at)
            at = ran
        return max([*stretches, end - at, 0.0])


@asynccontextmanager
async def measured() -> AsyncIterator[Lag]:
    """The lag of the running loop while the block lasts."""
    lag, over = Lag(), threading.Event()

    def listen() -> None:
        while not over.is_set():
            due = time.monotonic() + _TICK
            time.sleep(_TICK)
            if (ran := time.monotonic()) - due > _TICK:
                lag.noise.append((due, ran))

    async def watch() -> None:
        while True:
            due = time.monotonic() + _TICK
            await asyncio.sleep(_TICK)
            lag.late.append((due, time.monotonic()))

    thread = threading.Thread(target=listen, name="noise", daemon=True)
    thread.start()
    watching = asyncio.create_task(watch())
    try:
        yield lag
    finally:
        watching.cancel()
        over.set()
        thread.join(5)
