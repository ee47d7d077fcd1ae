"""What both vendors' group robots have in common: a secret address, twenty calls a minute, errcodes inside a 200."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from yarl import URL

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, Temporary, TooFast
from bot.platforms.base import Limits, Payload
from bot.platforms.http import JsonHttp

MINUTE = timedelta(seconds=60)
_PER_SECOND = 5.0  # nothing is said of it; the minute is what counts
CALLS = 20  # a minute for one robot (WC99110, DT-A0717)


@dataclass(frozen=True)
class Meaning:
    """What an errcode says. `blocks`: no call has a chance for that many seconds."""

    error: type[PlatformError]
    says: str
    advice: str = ""
    blocks: float | None = None


def limits(part_bytes: int) -> Limits:
    """One group, twenty calls a minute; the sender counts them over all replicas as calls to one person."""
    return Limits(part_bytes, 1, _PER_SECOND, person_per_minute=CALLS, person_per_hour=CALLS * 60)


class Pace:
    """At most `calls` a minute by the clock, and none while the vendor blocks us: the second guard, after the sender's
    own pace."""

    def __init__(self, clock: Clock, calls: int = CALLS) -> None:
        self._clock, self._calls = clock, calls
        self._made: deque[datetime] = deque()
        self._blocked_until: datetime | None = None

    def take(self) -> None:
        """Take room for one call. Raises TooFast with the seconds until there is."""
        now = self._clock.now()
        while self._made and self._made[0] <= now - MINUTE:
            self._made.popleft()
        free_at = self._blocked_until or now
        if len(self._made) >= self._calls:
            free_at = max(free_at, self._made[0] + MINUTE)
        if free_at > now:
            wait = (free_at - now).total_seconds()
            raise TooFast("群机器人一分钟只能发二十条", "paced", wait)
        self._made.append(now)

    def block(self, seconds: float) -> None:
        self._blocked_until = self._clock.now() + timedelta(seconds=seconds)


class Poster:
    """Makes the calls to one robot's address. The address is a secret and never shown."""

    def __init__(self, url: str, *, clock: Clock, codes: Mapping[int, Meaning], timeout: float = 10.0) -> None:
        address = URL(url)
        self._path, self._query = address.path, dict(address.query)
        self._http = JsonHttp(str(address.origin()), timeout=timeout)
        self._codes, self._pace = codes, Pace(clock)

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        await self._http.stop()

    async def post(self, payload: Payload, signed: Mapping[str, str] | None = None) -> None:
        """Make one call, within the pace; `signed` adds to its query.

        Raises Permanent, Temporary or Misconfigured when nothing was shown, Ambiguous when something may have been.
        """
        self._pace.take()
        await self._call(payload, signed or {})

    async def _call(self, payload: Payload, signed: Mapping[str, str]) -> None:
        reply = await self._http.post(self._path, {**self._query, **signed}, payload, changes=True)
        code = reply.data.get("errcode")
        if isinstance(code, bool) or not isinstance(code, int):
            raise Ambiguous(f"群机器人的答复里没有错误码（HTTP {reply.status}）", "garbage")
        if code == 0:
            return
        meaning = self._codes.get(code) or Meaning(Permanent, "群机器人返回了没有记录过的错误码")
        if meaning.blocks is not None:
            self._pace.block(meaning.blocks)
        text = f"{meaning.says}（{code}）"
        if meaning.error is Misconfigured:
            raise Misconfigured(text, str(code), meaning.blocks or 300.0, meaning.advice)
        if meaning.error in (Temporary, TooFast):
            raise meaning.error(text, str(code), meaning.blocks)
        raise Permanent(text, str(code))
