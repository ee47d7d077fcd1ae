"""Asking the judge over the wire: one call a reply inside one time budget, one retry, a circuit breaker, a row each.

Nothing a vendor does raises here: `grade` answers None, and the caller keeps the offline score. Rules and questions
are lessons.judge's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import aiohttp

from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.log import note
from lessons.catalogue import digest
from lessons.judge.completion import BODY_LIMIT, Reading, passes, read, request_of
from lessons.judge.questions import PROMPT
from lessons.judge.verdict import add_up, is_void, scorer_id
from lessons.model import Lesson
from lessons.scoring.result import Score
from storage import judgements
from storage.database import Database
from storage.models import Judgement

AT_ONCE = 8
_PAUSE = 0.2  # seconds before the one retry when the vendor names none

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint; `url` is what stands before /chat/completions, `timeout` is in seconds."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout: float = 4.0


class Breaker:
    """Closed, open for a minute after FAILURES in a row, then half open for one probe. Late results are ignored."""

    FAILURES = 5
    PAUSE = timedelta(seconds=60)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._until: datetime | None = None
        self._probing = False
        self._round = 0

    def enter(self) -> int | None:
        """A number to hand back with the result, or None while nobody may call."""
        if self._until is not None:
            if self._probing or self._clock.now() < self._until:
                return None
            self._probing = True
        return self._round

    def leave(self, number: int, ok: bool | None) -> None:
        """How the call went; None when it was given up and says nothing."""
        if number != self._round:
            return
        probed, self._probing = self._probing, False
        if ok:
            self._failures, self._until = 0, None
        elif ok is False:
            self._failures += 1
            if probed or self._failures >= self.FAILURES:
                self._until = self._clock.now() + self.PAUSE
                self._round += 1


class Judge:
    """One endpoint. `start` inside the loop, `stop` at the end. Texts must be masked already.

    `grade` writes a row in a transaction of its own: never await it inside one.
    """

    def __init__(self, endpoint: Endpoint, database: Database, clock: Clock) -> None:
        self._endpoint, self._database, self._clock = endpoint, database, clock
        self._breaker = Breaker(clock)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self.version = scorer_id(endpoint.model)

    async def start(self) -> None:
        if self._session is None:
            headers = {"Authorization": f"Bearer {self._endpoint.key}"} if self._endpoint.key else {}
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, keepalive_timeout=15),
                timeout=aiohttp.ClientTimeout(total=None),  # the time budget of `_ask` covers everything
                headers={**headers, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # or a small body could unpack into a huge one
            )

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def grade(self, lesson: Lesson, text: str, offline: Score) -> Score | None:
        """The judge's score, or None where the offline one must do. A void reply is settled without a call."""
        if is_void(text, offline):
            return add_up(lesson, text, {}, offline, self.version)
        number = self._breaker.enter()
        if number is None:
            await self._keep(lesson, text, Reading(judgements.SKIPPED, "the circuit is open"), 0)
            return None
        began, ok = asyncio.get_running_loop().time(), None
        try:
            reading = await self._ask(request_of(self._endpoint.model, lesson, text))
            ok = reading.answers is not None
        finally:
            self._breaker.leave(number, ok)
        milliseconds = round((asyncio.get_running_loop().time() - began) * 1000)
        score = None if reading.answers is None else add_up(lesson, text, reading.answers, offline, self.version)
        if score is offline:
            score, reading = None, replace(reading, outcome="malformed", why="a control question was answered with yes")
        await self._keep(lesson, text, reading, milliseconds)
        return score

    async def _ask(self, body: bytes) -> Reading:
        """One question to the model inside the time budget, waiting for a turn included."""
        deadline = asyncio.get_running_loop().time() + self._endpoint.timeout
        try:
            async with asyncio.timeout_at(deadline), self._turns:
                return read(*await self._exchange(body, deadline))
        except TimeoutError:
            return Reading("timeout", "no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Reading("unreachable", type(error).__name__)

    async def _exchange(self, body: bytes, deadline: float) -> tuple[int, bytes]:
        """Status and body; tried once more when the first try failed in a way that may pass and there is time."""
        wait = _PAUSE
        try:
            status, raw, wait = await self._post(body)
            if not passes(status) or asyncio.get_running_loop().time() + wait >= deadline:
                return status, raw
        except (aiohttp.ClientError, OSError):
            pass  # a second try may find a working connection
        await asyncio.sleep(wait)
        status, raw, _ = await self._post(body)
        return status, raw

    async def _post(self, body: bytes) -> tuple[int, bytes, float]:
        """Status, at most BODY_LIMIT + 1 bytes of body, and the seconds to wait before trying again."""
        if self._session is None:
            raise aiohttp.ClientConnectionError("not started, or stopped")
        url, headers = f"{self._endpoint.url}/chat/completions", {"Content-Type": "application/json; charset=utf-8"}
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                raw += chunk
                if len(raw) > BODY_LIMIT:
                    break
            asked = response.headers.get("Retry-After", "")
            wait = float(asked) if asked.isascii() and asked.isdigit() else _PAUSE
            return response.status, bytes(raw[: BODY_LIMIT + 1]), wait

    async def _keep(self, lesson: Lesson, text: str, reading: Reading, milliseconds: int) -> None:
        """Log the call by ids and keep its row; a database that is busy costs the row, not the score."""
        reply = reply_hash(text)
        level = logging.INFO if reading.outcome in (judgements.OK, judgements.SKIPPED) else logging.WARNING
        ids = {"lesson": lesson.id, "reply": reply, "outcome": reading.outcome, "ms": milliseconds, "why": reading.why}
        note(log, "judge.call", "the judge was asked", level, **ids)
        row = Judgement(
            lesson_id=lesson.id,
            digest=digest(lesson),
            reply=reply,
            model=self._endpoint.model,
            prompt=PROMPT,
            outcome=reading.outcome,
            raw=reading.raw,
            milliseconds=milliseconds,
            tokens_in=reading.tokens_in,
            tokens_out=reading.tokens_out,
            at=self._clock.now(),
        )
        try:
            async with self._database.transaction() as tx:
                await judgements.add(tx, row)
        except StorageBusy:
            note(log, "judge.unkept", "the database was busy; this call has no row", logging.WARNING, reply=reply)


def reply_hash(text: str) -> str:
    """Names a masked reply without quoting it."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
