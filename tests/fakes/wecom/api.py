"""WeCom's API over HTTP: trusted addresses, tokens in the query, one handler a route."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.faults import Faults
from tests.fakes.wecom.menu import checked_menu
from tests.fakes.wecom.tokens import Answer, Refusal, Token
from tests.fakes.wecom.vendor import Request, Vendor

Handler = Callable[[Token, web.Request, bytes], Awaitable[Answer]]


class VendorApi:
    """Every request is recorded with the errcode it got, those spoilt by a fault before they were carried out excepted.

    `trusted_ips` None trusts every address; `trust` adds one that works after a minute, as in the console.
    """

    def __init__(self, vendor: Vendor, trusted_ips: set[str] | None) -> None:
        self.vendor, self.trusted_ips = vendor, trusted_ips
        self.faults = Faults()
        self.requests: list[Request] = []
        self._asking = 0
        self._trusted_from: dict[str, datetime] = {}
        self._routes: dict[str, tuple[str, Handler]] = {
            "message/send": ("POST", self._send),
            "message/recall": ("POST", self._recall),
            "message/update_template_card": ("POST", self._update),
            "menu/create": ("POST", self._set_menu),
            "menu/get": ("GET", self._menu),
        }

    def add(self, path: str, method: str, handler: Handler) -> None:
        """Serve another route; a wrong method is answered as the vendor answers it."""
        self._routes[path] = method, handler

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._around], client_max_size=30 * 1024 * 1024)
        app.router.add_get("/cgi-bin/gettoken", self._gettoken)
        app.router.add_post("/cgi-bin/media/upload", self._upload)
        app.router.add_route("*", "/cgi-bin/{path:.+}", self._routed)
        return app

    def trust(self, address: str, after: float = 60.0) -> None:
        """An operator adds an address to 企业可信IP; it works `after` seconds later."""
        self._trusted_from[address] = self.vendor.clock.now() + timedelta(seconds=after)

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        asks = request.path == "/cgi-bin/gettoken"
        self._asking += asks
        try:
            return await self.faults.around(request, handler)
        finally:
            self._asking -= asks

    def _answer(self, request: web.Request, answer: Answer, body: Any = None, raw: bytes = b"") -> web.Response:
        route = request.path.removeprefix("/cgi-bin/")
        self.requests.append(Request(route, answer["errcode"], body, raw))
        return web.json_response(answer)

    def _admitted(self, request: web.Request) -> Token:
        """The token of a request from a trusted address. Raises Refusal."""
        address, now = request.remote or "", self.vendor.clock.now()
        if self.trusted_ips is not None and address not in self.trusted_ips:
            since = self._trusted_from.get(address)
            if since is None or now < since:
                hint = f"not allow to access from your ip, hint: [1], from ip: {address}, more info at ?e=60020"
                raise Refusal(60020, hint)
        return self.vendor.check_token(request.query.get("access_token"))

    async def _routed(self, request: web.Request) -> web.Response:
        method, handler = self._routes.get(request.match_info["path"], ("", None))
        if handler is None:
            return web.Response(status=404, text="<html>404 Not Found</html>", content_type="text/html")
        raw = await request.read()
        try:
            token = self._admitted(request)
            if request.method != method:
                raise Refusal(40058, "Warning: wrong json format.")
            answer = await handler(token, request, raw)
        except Refusal as refusal:
            answer = refusal.answer
        return self._answer(request, answer, _json(raw), raw)

    async def _gettoken(self, request: web.Request) -> web.Response:
        query = request.query
        try:
            answer = self.vendor.gettoken(query.get("corpid", ""), query.get("corpsecret", ""), self._asking)
        except Refusal as refusal:
            answer = refusal.answer
        return self._answer(request, answer)

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            self._admitted(request)
            form = await request.post()
            part = form.get("media")
            if not isinstance(part, web.FileField):
                raise Refusal(40035)
            answer = self.vendor.upload(request.query.get("type", ""), part.filename, part.file.read())
        except Refusal as refusal:
            answer = refusal.answer
        return self._answer(request, answer)

    async def _send(self, token: Token, _request: web.Request, raw: bytes) -> Answer:
        return self.vendor.send(raw, token)

    async def _recall(self, token: Token, _request: web.Request, raw: bytes) -> Answer:
        return self.vendor.recall(_json(raw), token)

    async def _update(self, token: Token, _request: web.Request, raw: bytes) -> Answer:
        body = _json(raw)
        if not isinstance(body, dict) or not isinstance(body.get("button"), dict):
            raise Refusal(40058, "Warning: wrong json format.")
        if body.get("agentid") != self.vendor.agent_of(token):
            raise Refusal(301002)
        return self.vendor.cards.update(body)

    async def _set_menu(self, token: Token, request: web.Request, raw: bytes) -> Answer:
        self._check_agent(token, request)
        self.vendor.menu = checked_menu(_json(raw))
        return {"errcode": 0, "errmsg": "ok"}

    async def _menu(self, token: Token, request: web.Request, _raw: bytes) -> Answer:
        self._check_agent(token, request)
        if self.vendor.menu is None:
            raise Refusal(46003)
        return {"errcode": 0, "errmsg": "ok", **self.vendor.menu}

    def _check_agent(self, token: Token, request: web.Request) -> None:
        if request.query.get("agentid") != str(self.vendor.agent_of(token)):
            raise Refusal(301002)
        if not self.vendor.cards.callback:
            raise Refusal(43012)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
