"""A value that every replica shares and one fetches: access tokens, ids of uploaded files. Knows no vendor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.clock import Clock
from bot.core.errors import Permanent, PlatformError, StorageBusy, Temporary
from bot.core.log import note

logger = logging.getLogger(__name__)

Entry = tuple[str, datetime]
"""A shared value and when it expires."""


class TokenStore(Protocol):
    """Where replicas share tokens; storage.tokens keeps them in the database."""

    async def get(self, name: str) -> Entry | None: ...

    async def put(self, name: str, value: str, expires_at: datetime, *, instead_of: str) -> Entry:
        """Store a value if what is stored is still `instead_of` ("" for nothing); returns what is stored now."""
        ...


class TokenCache:
    """A value that is fetched once and shared until shortly before it expires: an access token, an uploaded file's id.

    One fetch at a time in this process, and by a short lease in the store one at a time among the replicas. `fetch`
    returns the value and its lifetime in seconds. After a failed fetch nobody asks the vendor again for a while:
    repeating a wrong secret gets the address banned for an hour (WC90313). `landed` hears the code of each fetch that
    failed, and "" for one that did not.
    """

    EARLY = 300.0  # seconds before expiry at which a new one is fetched (the documents name no figure)
    LEASE = 15.0  # how long a replica may take to fetch before another tries
    POLL = 0.1

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[tuple[str, float]]],
        store: TokenStore,
        clock: Clock,
        landed: Callable[[str], None] = lambda _code: None,
    ) -> None:
        self._name, self._fetch, self._store, self._clock = name, fetch, store, clock
        self._told = landed
        self._entry: Entry | None = None
        self._renew_at = clock.now()
        self._failed = ""  # the last value the vendor refused
        self._flight: asyncio.Task[str] | None = None
        self._trouble: tuple[PlatformError, datetime] | None = None

    async def get(self) -> str:
        """A value that should work. Raises Permanent or Temporary."""
        value = self._live(self._entry)
        if value and self._clock.now() < self._renew_at:
            return value
        try:
            return await self._join()
        except PlatformError:
            value = self._live(self._entry)
            if value:  # early renewal failed; the old one is good for some minutes more
                return value
            raise

    async def renew(self, failed: str) -> str:
        """A value other than `failed`, if the vendor gives one: whoever finds it replaced already fetches nothing."""
        self._failed = failed
        if self._live(self._entry):
            return await self.get()
        joined = self._flight is not None
        value = await self._join()
        return await self._join() if joined and value == failed else value

    async def stop(self) -> None:
        """Give up a fetch under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    def _live(self, entry: Entry | None) -> str | None:
        if entry is None or entry[0] == self._failed or self._clock.now() >= entry[1]:
            return None
        return entry[0]

    async def _join(self) -> str:
        """The result of the one fetch under way; it goes on when a caller that waits for it is cancelled."""
        if self._trouble is not None and self._clock.now() < self._trouble[1]:
            raise self._trouble[0].with_traceback(None)
        if self._flight is None:
            self._flight = asyncio.create_task(self._obtain(), name=f"token {self._name}")
            self._flight.add_done_callback(self._landed)
        flight, caller = self._flight, asyncio.current_task()
        try:
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            if flight.cancelled() and caller is not None and not caller.cancelling():
                raise Temporary("正在停止", code="stopping") from None
            raise

    def _landed(self, flight: asyncio.Task[str]) -> None:
        self._flight = None
        error = None if flight.cancelled() else flight.exception()
        self._trouble = None
        if not flight.cancelled() and (error is None or isinstance(error, PlatformError)):
            self._told("" if error is None else error.code or type(error).__name__.lower())
        if isinstance(error, PlatformError):
            pause = getattr(error, "retry_after", None) or (self.EARLY if isinstance(error, Permanent) else 1.0)
            self._trouble = error, self._clock.now() + timedelta(seconds=pause)
            note(logger, "token.failed", "没有取到访问凭证", logging.WARNING, token=self._name, code=error.code)

    async def _obtain(self) -> str:
        owner, loop, leased = secrets.token_hex(8), asyncio.get_running_loop(), False
        deadline = loop.time() + self.LEASE
        try:
            stored = await self._store.get(self._name)
            while not self._lasts(stored) and not leased:
                leased = await self._lease(owner) or loop.time() >= deadline
                await asyncio.sleep(0 if leased else self.POLL)
                stored = await self._store.get(self._name)  # with the lease too: its last holder may have fetched
        except StorageBusy as error:
            raise Temporary(str(error), code="storage") from error
        try:
            if stored and self._lasts(stored):
                return self._keep(stored)
            value, lifetime = await self._fetch()
            expires_at = self._clock.now() + timedelta(seconds=lifetime)
            with contextlib.suppress(StorageBusy):  # then the token serves this process only
                await self._store.put(self._name, value, expires_at, instead_of=stored[0] if stored else "")
            return self._keep((value, expires_at))
        finally:
            if leased:
                with contextlib.suppress(StorageBusy):  # then the lease runs out by itself
                    await self._store.put(f"{self._name}:lease", owner, self._clock.now(), instead_of=owner)

    def _lasts(self, entry: Entry | None) -> bool:
        """Whether an entry works and need not be renewed yet."""
        early = timedelta(seconds=self.EARLY)
        return entry is not None and self._live(entry) is not None and self._clock.now() < entry[1] - early

    async def _lease(self, owner: str) -> bool:
        """Whether this replica may fetch now."""
        name, now = f"{self._name}:lease", self._clock.now()
        held = await self._store.get(name)
        if held and held[1] > now:
            return False
        until = now + timedelta(seconds=self.LEASE)
        winner, _until = await self._store.put(name, owner, until, instead_of=held[0] if held else "")
        return winner == owner

    def _keep(self, entry: Entry) -> str:
        """Remember an entry; a short-lived one is not fetched again within a minute."""
        self._entry = entry
        early = entry[1] - timedelta(seconds=self.EARLY)
        self._renew_at = max(early, self._clock.now() + timedelta(seconds=60))
        return entry[0]
