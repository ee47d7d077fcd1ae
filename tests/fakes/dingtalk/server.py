"""The fake itself: the new API and the old one on two ports of 127.0.0.1, and the words tests use."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from bot.core.clock import Clock, ManualClock
from tests.fakes.dingtalk.cards import Cards
from tests.fakes.dingtalk.chats import Chats
from tests.fakes.dingtalk.gateway import BOT, CARD, Gateway, Pushed
from tests.fakes.dingtalk.pushes import HttpPushes
from tests.fakes.dingtalk.robots import CustomRobot
from tests.fakes.dingtalk.vendor import Answer, Refusal, Request, Shown, Vendor
from tests.fakes.faults import Faults
from tests.fakes.handed import handed
from tests.fakes.onlooker import Onlooker

_OLD = ("/robot/", "/topapi/", "/auth/")  # what lives on the old API's host


class FakeDingTalk(Onlooker[Shown, Request]):
    """One organisation with one internal app and its robot. `vendor`, `chats`, `gateway`, … hold the knobs.

    Give the bot and the fake the same clock; `advance` moves it.
    """

    def __init__(self, members: Iterable[str] = ("Alice", "bob"), *, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or ManualClock(datetime.now(UTC))
        self.secret, self.client_id = handed("secret", "fake-ding-secret-0f1e2d3c"), "dingfakeclient01"
        self.vendor = Vendor(self.clock, self.client_id, self.secret, list(members))
        self.chats, self.cards = Chats(self.vendor), Cards(self.vendor)
        self.gateway, self.http = Gateway(self.vendor), HttpPushes(self.vendor)
        self.robot = CustomRobot(self.clock)
        self.more: dict[str, Callable[[web.Request, Any], Answer]] = {}  # further routes; each checks its own token
        self.api_url = self.old_url = ""
        self.faults = Faults("/")
        self.calls: list[Request] = []
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._around])
        app.router.add_get("/connect", self.gateway.connect)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        for _ in range(2):
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.api_url, self.old_url = (f"http://127.0.0.1:{address[1]}" for address in self._runner.addresses)
        self.gateway.url = self.api_url.replace("http", "ws") + "/connect"
        self.chats.base_url = self.old_url
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def environment(self, **more: str) -> dict[str, str]:
        """The bot's settings for this fake."""
        values = {"CLIENT_ID": self.client_id, "CLIENT_SECRET": self.secret, "API": self.api_url}
        return {f"JIEHUA_DINGTALK_{name}": value for name, value in (values | {"OLD_API": self.old_url} | more).items()}

    @property
    def robot_url(self) -> str:
        """The custom robot's address."""
        return f"{self.old_url}/robot/send?access_token={self.robot.token}"

    # What people do

    async def says(self, user: str, text: str, *, lost: int = 0, **parts: Any) -> Pushed:
        """`user` types something and Stream pushes it. The first `lost` acks get lost."""
        return await self.push(self.chats.message(user, "text", text={"content": text}, **parts), lost=lost)

    async def push(self, data: dict[str, Any], *, lost: int = 0) -> Pushed:
        """Stream pushes a robot message; over the month's quota it goes without its text."""
        self.vendor.pushes += 1
        if self.vendor.pushes > self.vendor.push_quota:
            data = self.chats.over_quota(data)
        return await self.gateway.push(Pushed(BOT, data), lost)

    async def event(self, data: dict[str, Any]) -> Pushed:
        return await self.gateway.push(Pushed("*", data, "EVENT"))

    async def taps(self, user: str, number: int, track: str = "") -> Pushed:
        """`user` taps a button of a card, by default of the newest they got."""
        track = track or [shown.track for shown in self.delivered(user) if shown.track][-1]
        pushed = await self.gateway.push(Pushed(CARD, self.cards.callback(track, user, number)))
        if pushed.acks:
            self.cards.answered(track, user, pushed.acks[-1].data)
        return pushed

    async def listening(self, count: int = 1, timeout: float = 5.0) -> None:
        """Wait until so many connections stand."""
        deadline = time.monotonic() + timeout
        while True:
            if len(self.gateway.connections) >= count:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.gateway.connections)} of {count} connections stand")
            await asyncio.sleep(0.01)

    # What people see

    def delivered(self, user: str) -> list[Shown]:
        """Everything the person sees from the bot, in order. Ids are compared exactly."""
        return [shown for shown in self.vendor.shown if shown.user == user]

    def words_of(self, shown: Shown) -> str:
        return shown.text + shown.title

    @property
    def errors(self) -> list[str]:
        """What the bot did wrong that nobody told it."""
        return self.gateway.errors

    # The API

    @web.middleware
    async def _around(self, request: web.Request, handler: Any) -> web.StreamResponse:
        return await self.faults.around(request, handler)

    async def _serve(self, request: web.Request) -> web.Response:
        raw, route = await request.read(), request.path.lstrip("/")
        body = _json(raw, request)
        here = self.old_url if request.path.startswith(_OLD) else self.api_url
        try:
            if f"http://{request.host}" != here:
                raise Refusal("InvalidAction.NotFound", 404)
            answer = await self._answer(request, route, body, raw)
        except Refusal as refusal:
            self.calls.append(Request(route, refusal.status, refusal.code, body, raw))
            if not refusal.answer:
                return web.Response(status=refusal.status, text="<html>punish</html>", content_type="text/html")
            return web.json_response(refusal.answer, status=refusal.status)
        self.calls.append(Request(route, 200, str(answer.get("errcode", "")), body, raw))
        return web.json_response(answer)

    async def _answer(self, request: web.Request, route: str, body: Any, raw: bytes) -> Answer:
        """Unknown routes and methods do not exist; the token stands in the header and nowhere else."""
        if route in self.more:
            return self.more[route](request, body)
        match request.method, route.removeprefix("v1.0/"):
            case "POST", "robot/sendBySession" if route.startswith("robot/"):
                return self.chats.say(request.query.get("session"), body, len(raw))
            case "POST", "robot/send" if route.startswith("robot/"):
                return self.robot.send(request.query, body, len(raw), request.remote or "")
        self.vendor.admit(route.removeprefix("v1.0/"))
        match request.method, route:
            case "POST", "v1.0/oauth2/accessToken":
                return self.vendor.access_token(body)
            case "POST", "v1.0/gateway/connections/open":
                return await self.gateway.open(body)
        self.vendor.check_token(request.headers.get("x-acs-dingtalk-access-token"))
        match request.method, route:
            case "POST", "v1.0/robot/oToMessages/batchSend":
                return self.vendor.batch_send(body)
            case "POST", "v1.0/card/instances/createAndDeliver":
                return self.cards.create(body)
            case "PUT", "v1.0/card/instances":
                return self.cards.update(body)
        raise Refusal("InvalidAction.NotFound", 404)


def _json(raw: bytes, request: web.Request) -> Any:
    """The body, if it is JSON in UTF-8 and says so."""
    if request.content_type != "application/json":
        return None
    try:
        return json.loads(raw.decode())
    except ValueError:
        return None
