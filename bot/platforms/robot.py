"""What both vendors' group robots have in common: a secret address, twenty calls a minute, errcodes inside a 200."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from yarl import URL

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, Temporary
from bot.platforms.base import Payload
from bot.platforms.http import JsonHttp

MINUTE = timedelta(seconds=60)
CALLS = 20  # a minute for one robot (WC99110, DT-A0717)


@dataclass(frozen=True)
class Meaning:
    """What an errcode says. `blocks`: no call has a chance for that many seconds."""

    error: type[PlatformError]
    says: str
    advice: str = ""
    blocks: float | None = None


class Pace:
    """At most `calls` a minute by the clock, and none while the vendor blocks us."""

    def __init__(self, clock: Clock, calls: int = CALLS) -> None:
        self._clock, self._calls = clock, calls
        self._made: deque[datetime] = deque()
        self._blocked_until = clock.now()

    def take(self, calls: int) -> None:
        """Take room for so many calls at once. Raises Temporary with the seconds until there is, or Permanent."""
        now = self._clock.now()
        if calls > self._calls:
            raise Permanent(f"内容太长，要发 {calls} 次，一分钟只能 {self._calls} 次", "too-long")
        while self._made and self._made[0] <= now - MINUTE:
            self._made.popleft()
        free_at = self._blocked_until
        if len(self._made) + calls > self._calls:
            free_at = max(free_at, self._made[len(self._made) + calls - self._calls - 1] + MINUTE)
        if free_at > now:
            wait = (free_at - now).total_seconds()
            raise Temporary("群机器人一分钟只能发二十条", "paced", wait)
        self._made.extend([now] * calls)

    def block(self, seconds: float) -> None:
        self._blocked_until = self._clock.now() + timedelta(seconds=seconds)


class Poster:
    """Posts to one robot's address, one message after the other. The address is a secret and never shown."""

    def __init__(self, url: str, *, clock: Clock, codes: Mapping[int, Meaning], timeout: float = 10.0) -> None:
        address = URL(url)
        self._path, self._query = address.path, dict(address.query)
        self._http = JsonHttp(str(address.origin()), timeout=timeout)
        self._codes, self._pace, self._turn = codes, Pace(clock), asyncio.Lock()

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        await self._http.stop()

    async def post(self, payloads: Sequence[Payload], signed: Callable[[], Mapping[str, str]] = dict) -> None:
        """Make one call for each payload, all or none of them within the pace; `signed` adds to each call's query.

        Raises Permanent, Temporary or Misconfigured when nothing was shown, Ambiguous when something may have been.
        """
        async with self._turn:
            self._pace.take(len(payloads))
            for number, payload in enumerate(payloads):
                try:
                    await self._call(payload, signed())
                except PlatformError as error:
                    if number == 0 or isinstance(error, Ambiguous):
                        raise
                    text = f"发出 {number} 段后停了：{error}"
                    raise Ambiguous(text, error.code) from None

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
        if meaning.error is Temporary:
            raise Temporary(text, str(code), meaning.blocks)
        raise Permanent(text, str(code))
