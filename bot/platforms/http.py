"""Calling a vendor's JSON API over HTTP; knows no vendor. Access tokens live in tokens.py.

What a failed call means is decided here, once: not sent at all → Temporary; sent, but no answer that can be believed →
Ambiguous for a call that changes something, Temporary for one that only asks.
Addresses carry secrets, so no exception of the HTTP library is chained to ours and no address is logged.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.core.errors import Ambiguous, PlatformError, Temporary
from bot.platforms.base import DEAF, Ear

ANSWER_LIMIT = 8 * 1024 * 1024  # bytes; the members of one big department are some of them
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_LARGE = 512 * 1024  # bytes; a larger body is written in pieces, so that it does not hold up the loop
_BLOCKED_PAUSE = 60.0  # seconds before trying again when something between us and the vendor refused a call
_LONGEST_PAUSE = 3600.0  # seconds; whatever asks for longer is not believed
_OVERSLEPT = 0.01  # seconds by which a sleep may be longer than asked without anything being wrong

Body = bytes | aiohttp.MultipartWriter


@dataclass(frozen=True)
class Reply:
    """A JSON object that a vendor answered."""

    status: int
    data: dict[str, Any] = field(repr=False)


def canonical(body: Mapping[str, Any]) -> bytes:
    """`body` as JSON in raw UTF-8, the same bytes for equal bodies. WeCom's 40033 complains about \\uXXXX."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _none(_reply: Reply) -> str:
    return ""


@dataclass
class Spacing:
    """Lets calls out one by one, `gap` seconds apart. Turns at a vendor are planned ahead; without this, all calls
    whose turn came while the process stood still or waited for a token would leave in the same moment."""

    gap: float
    _last: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def wait(self) -> None:
        """Come back when the next call may leave."""
        async with self._lock:
            start = max(time.monotonic(), self._last + self.gap)
            await asyncio.sleep(start - time.monotonic())
            late = time.monotonic() - start
            self._last = start if late < _OVERSLEPT else start + late


class JsonHttp:
    """One vendor host. Redirects are never followed; a certificate is always checked.

    `ear` hears of every call that was not accepted; `code_of` says by which code the vendor refused, "" for none;
    `calls_per_second` spaces the calls that change something.
    """

    def __init__(
        self,
        base: str,
        *,
        timeout: float = 10.0,
        connections: int = 50,
        calls_per_second: float = math.inf,
        ear: Ear = DEAF,
        code_of: Callable[[Reply], str] = _none,
    ) -> None:
        self._spacing = Spacing(1 / calls_per_second)
        self._ear, self._code_of = ear, code_of
        self._base = base.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=timeout / 2)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_mark_written)
            # Idle connections are dropped before a vendor does it: a POST on a dead one would be Ambiguous.
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=15)
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, connector=connector, trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar()
            )

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(self, path: str, query: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask for something. Raises Temporary."""
        return await self._call("GET", path, query, None, False, headers)

    async def post(
        self,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any],
        *,
        changes: bool,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Reply:
        """Send a JSON object; `changes` says that carrying it out twice would matter. Raises Temporary or Ambiguous."""
        return await self._call(method, path, query, canonical(body), changes, headers)

    async def upload(self, path: str, query: Mapping[str, str], form: aiohttp.MultipartWriter) -> Reply:
        """Send a file; sending it twice is harmless. Raises Temporary."""
        return await self._call("POST", path, query, form, False)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        data: Body | None,
        changes: bool,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer; whether it was a refusal is told to the ear, here where every call passes."""
        if changes:
            await self._spacing.wait()
        try:
            reply = await self._asked(method, path, query, data, changes, headers)
        except PlatformError as error:
            self._ear.declined(error.code)
            raise
        code = self._code_of(reply)
        if code:
            self._ear.declined(code)
        return reply

    async def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        data: Body | None,
        changes: bool,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        if self._session is None:
            raise RuntimeError("start() comes before the first call")
        written = SimpleNamespace(headers=False)
        unsure = Ambiguous if changes else Temporary
        try:
            async with self._session.request(
                method,
                f"{self._base}{path}",
                params=dict(query),
                data=io.BytesIO(data) if isinstance(data, bytes) and len(data) > _LARGE else data,
                headers={**(_JSON if isinstance(data, bytes) else {}), **(headers or {})},
                allow_redirects=False,
                trace_request_ctx=written,
            ) as response:
                raw = await _read(response)
                status, wait = response.status, _retry_after(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = type(error).__name__
            if not written.headers:
                raise Temporary(f"连不上平台接口（{kind}）", code="unreachable") from None
            raise unsure(f"平台接口没有答复（{kind}）", code="no-answer") from None
        return _understood(status, raw, wait, unsure)


async def _mark_written(_session: Any, context: Any, _params: Any) -> None:
    context.trace_request_ctx.headers = True


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; at most one byte more than ANSWER_LIMIT of it."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        raw += chunk
        if len(raw) > ANSWER_LIMIT:
            break
    return bytes(raw[: ANSWER_LIMIT + 1])


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() else None


def _understood(status: int, raw: bytes, wait: float | None, unsure: type[PlatformError]) -> Reply:
    """The answer as a JSON object below status 500; everything else raises."""
    data: Any = None
    if len(raw) <= ANSWER_LIMIT:
        try:
            data = json.loads(raw)
        except (ValueError, RecursionError):
            data = None
    if status < 500 and isinstance(data, dict):
        return Reply(status, data)
    if 400 <= status < 500:  # a proxy or gateway turned the call away: it was not carried out
        raise Temporary(f"平台接口之前有东西拦下了请求（HTTP {status}）", f"http-{status}", wait or _BLOCKED_PAUSE)
    if unsure is Temporary:
        raise Temporary(f"平台接口的答复读不懂（HTTP {status}）", f"http-{status}", wait)
    raise unsure(f"平台接口的答复读不懂（HTTP {status}）", f"http-{status}")
