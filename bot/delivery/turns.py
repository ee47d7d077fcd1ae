"""Whose turn it is to call a vendor: calls evenly spaced under its rate, every attempt counted, by all replicas."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.core.errors import StorageBusy
from storage import rates
from storage.database import Database, Tx

SPARE = 1.02
"""Calls are spaced a little wider than the vendor's rate, because the network squeezes them."""

_LONGEST = 5.0


class Turns(Protocol):
    """A vendor's turns. Seconds everywhere."""

    async def take(self, tx: Tx, name: str, gap: float, patience: float) -> tuple[bool, float]:
        """Take the next turn if it comes within `patience`; returns whether it was taken, and how long until then."""
        ...

    async def wait(self, tx: Tx, name: str) -> float:
        """How long until the next turn."""
        ...

    async def push(self, tx: Tx, name: str, seconds: float) -> None:
        """No turn before so long: the vendor takes no calls."""
        ...


@dataclass
class OwnTurns:
    """The turns of the only process there is; a clock that is set back does not move them."""

    now: Callable[[], float] = time.monotonic
    _next: dict[str, float] = field(default_factory=dict)

    async def take(self, tx: Tx, name: str, gap: float, patience: float) -> tuple[bool, float]:
        now = self.now()
        start = max(self._next.get(name, now), now)
        if start - now > patience:
            return False, start - now
        self._next[name] = start + gap
        return True, start - now

    async def wait(self, tx: Tx, name: str) -> float:
        return max(0.0, self._next.get(name, 0.0) - self.now())

    async def push(self, tx: Tx, name: str, seconds: float) -> None:
        self._next[name] = max(self._next.get(name, 0.0), self.now() + seconds)


class SharedTurns:
    """The turns of all replicas, by the clock of the database they share."""

    async def take(self, tx: Tx, name: str, gap: float, patience: float) -> tuple[bool, float]:
        return await rates.take(tx, name, gap, patience)

    async def wait(self, tx: Tx, name: str) -> float:
        return await rates.wait(tx, name) or 0.0

    async def push(self, tx: Tx, name: str, seconds: float) -> None:
        await rates.push(tx, name, seconds)


def another(database: Database, turns: Turns, name: str, gap: float) -> Callable[[], Awaitable[None]]:
    """For calls that an adapter repeats by itself: each waits for a turn of its own, so that every attempt counts."""

    async def turn() -> None:
        with contextlib.suppress(StorageBusy):  # the call must go on; the vendor says when it is one too many
            async with database.transaction() as tx:
                _, wait = await turns.take(tx, name, gap, _LONGEST)
            await asyncio.sleep(min(wait, _LONGEST))

    return turn


def turns_of(database: Database) -> Turns:
    """The turns that hold for everybody who works on a database."""
    return OwnTurns() if database.is_sqlite else SharedTurns()
