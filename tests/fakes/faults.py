"""Faults that a fake vendor's route can be told to have, the same for every vendor."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

Kind = Literal["latency", "status", "html", "reset", "truncated", "cut", "errcode", "json"]


@dataclass(frozen=True)
class Fault:
    """latency: answer after `seconds` · status: an error page · html: a login page with 200 · reset: the connection
    dies · truncated: half a JSON text · cut: fewer bytes than announced · errcode: `code` inside a 200 · json: `text`,
    with `status` when that is below 500. `after`: the call is carried out first, only its answer is spoilt."""

    kind: Kind
    seconds: float = 0.0
    status: int = 502
    code: int = -1
    text: str = "{}"
    after: bool = False


class Faults:
    """Faults waiting per route, used up one a request. A route is the path without `prefix`."""

    def __init__(self, prefix: str = "/cgi-bin/") -> None:
        self._prefix = prefix
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, route: str, fault: Fault, times: int) -> None:
        self._waiting[route].extend([fault] * times)

    async def around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """`handler`'s answer, spoilt if a fault waits for this route."""
        waiting = self._waiting[request.path.removeprefix(self._prefix)]
        if not waiting:
            return await handler(request)
        fault = waiting.popleft()
        await request.read()
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
            return await handler(request)
        if fault.after:
            await handler(request)
        return await _spoilt(request, fault)


async def _spoilt(request: web.Request, fault: Fault) -> web.StreamResponse:
    match fault.kind:
        case "status":
            return web.Response(status=fault.status, text="<html>Bad Gateway</html>", content_type="text/html")
        case "html":
            return web.Response(text="<html>请先登录</html>", content_type="text/html")
        case "errcode":
            return web.json_response({"errcode": fault.code, "errmsg": "system error, hint: [1]"})
        case "json":
            status = fault.status if fault.status < 500 else 200
            return web.Response(text=fault.text, status=status, content_type="application/json")
        case "truncated":
            return web.Response(text='{"errcode":0,"errmsg":"o', content_type="application/json")
        case "cut":
            response = web.StreamResponse(headers={"Content-Length": "500"})
            await response.prepare(request)
            await response.write(b'{"errcode":0,')
            _abort(request)
            return response
        case _:
            _abort(request)
            return web.Response()


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
