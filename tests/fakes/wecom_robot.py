"""A strict fake of one WeCom group robot: its webhook, twenty messages a minute, type-specific limits (WC99110)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import deque
from datetime import datetime, timedelta
from typing import Any, Self

from aiohttp import web

from bot.core.clock import Clock
from tests.fakes.faults import Fault, Faults
from tests.fakes.faults import Kind as FaultKind
from tests.fakes.handed import handed

_LIMITS = {"text": 2048, "markdown": 4096}


class FakeWecomRobot:
    """One robot in one group. `posts` are (kind, words or picture) in order."""

    def __init__(self, clock: Clock, key: str = "0f1e2d3c-webhook-key") -> None:
        self.clock, self.key = clock, handed("key of a group robot", key)
        self.posts: list[tuple[str, str | bytes]] = []
        self.url = ""
        self._made: deque[datetime] = deque()
        self._faults = Faults()
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    async def up(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application(middlewares=[self._around], client_max_size=5 * 1024 * 1024)
        app.router.add_post("/cgi-bin/webhook/send", self._send)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}/cgi-bin/webhook/send?key={self.key}"

    async def down(self) -> None:
        """Nobody listens any more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def fault(self, kind: FaultKind, *, times: int = 1, after: bool = False, code: int = -1) -> None:
        """The next `times` calls go wrong; see Fault."""
        self._faults.add("webhook/send", Fault(kind, after=after, code=code), times)

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        return await self._faults.around(request, handler)

    async def _send(self, request: web.Request) -> web.Response:
        code = self._taken(request.query.get("key", ""), await request.read())
        return web.json_response({"errcode": code, "errmsg": "ok" if code == 0 else f"error, more info at ?e={code}"})

    def _taken(self, key: str, raw: bytes) -> int:
        """The errcode of one call."""
        if key != self.key:
            return 93000
        try:
            body = json.loads(raw.decode())
        except ValueError:
            return 40058
        kind = body.get("msgtype") if isinstance(body, dict) else None
        if kind not in (*_LIMITS, "image") or set(body) != {"msgtype", kind} or not isinstance(body[kind], dict):
            return 40008
        code, shown = _picture(body[kind]) if kind == "image" else _words(kind, body[kind])
        if code:
            return code
        now = self.clock.now()
        while self._made and self._made[0] <= now - timedelta(minutes=1):
            self._made.popleft()
        if len(self._made) >= 20:
            return 45009
        self._made.append(now)
        self.posts.append((kind, shown))
        return 0


def _words(kind: str, part: dict[str, Any]) -> tuple[int, str]:
    """Too long is refused, not cut (domain-admin #82)."""
    content = part.get("content")
    if set(part) != {"content"} or not isinstance(content, str):
        return 40058, ""
    if not content.strip():
        return 93017, ""
    return (40058 if len(content.encode()) > _LIMITS[kind] else 0), content


def _picture(part: dict[str, Any]) -> tuple[int, bytes]:
    """The md5 is of the raw bytes; at most 2 MB, JPG or PNG."""
    if set(part) != {"base64", "md5"}:
        return 40058, b""
    try:
        raw = base64.b64decode(part["base64"], validate=True)
    except binascii.Error:
        return 40058, b""
    if hashlib.md5(raw).hexdigest() != part["md5"] or not raw.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return 40058, raw
    return (93018 if len(raw) > 2 * 1024 * 1024 else 0), raw
