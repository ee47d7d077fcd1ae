"""Stream's side of the vendor: tickets, sockets, pushes with their acks, and every way a socket can die (DEVP)."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.dingtalk.vendor import Answer, Refusal, Vendor
from tests.fakes.handed import handed

BOT, CARD = "/v1.0/im/bot/messages/get", "/v1.0/card/instances/callback"
Frame = dict[str, Any]


@dataclass
class Ack:
    """An answer to a push: its code, data, and how long it took."""

    code: int
    data: Any
    seconds: float


@dataclass
class Pushed:
    """One push with every sending of it: the messageId each had, and the acks that counted."""

    topic: str
    data: Frame
    kind: str = "CALLBACK"
    message_ids: list[str] = field(default_factory=list)
    acks: list[Ack] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return bool(self.acks) and self.acks[-1].code == 200


@dataclass(eq=False)
class Connection:
    """One socket and what it subscribed to. `waiting` are pushes without an ack, by messageId."""

    socket: web.WebSocketResponse
    topics: set[tuple[str, str]]
    request: web.Request
    waiting: dict[str, asyncio.Future[Answer]] = field(default_factory=dict)
    reading: asyncio.Task[None] | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def abort(self) -> None:
        """The connection is cut (1006)."""
        if self.request.transport is not None:
            self.request.transport.abort()

    def freeze(self) -> None:
        """From now on nothing is read or answered, not even a ping, and the socket stays open."""
        if self.reading is not None:
            self.reading.cancel()


class Gateway:
    """Opens sockets and pushes. Seconds and counts are knobs (protocols.md H5)."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.open_delay = 0.0
        self.down_until: datetime | None = None  # connections/open fails until then
        self.ack_seconds = 3.0
        self.redeliver_after: float | None = None  # seconds; None: never, as the documents say for messages
        self.same_message_id = False
        self.strict_events = True  # an event's ack without a status does not count
        self.close_after = 10.0  # seconds between a disconnect frame and the end
        self.connections: list[Connection] = []
        self.opened: list[datetime] = []  # every call of connections/open
        self.errors: list[str] = []
        self.tickets: list[str] = []  # every one given out
        self.url = ""
        self._tickets: dict[str, tuple[datetime, set[tuple[str, str]]]] = {}
        self._numbers = count(1)

    # Opening

    async def open(self, body: Any) -> Answer:
        now = self.vendor.clock.now()
        self.opened.append(now)
        await asyncio.sleep(self.open_delay)
        if self.down_until is not None and now < self.down_until:
            raise Refusal("ServiceUnavailable", 503)
        if not isinstance(body, dict) or not {"clientId", "clientSecret", "subscriptions"} <= set(body):
            raise Refusal("invalidParameter")
        if (body["clientId"], body["clientSecret"]) != (self.vendor.client_id, self.vendor.secret):
            raise Refusal("invalidClientIdOrSecret", 401)
        topics = {(str(each.get("type")), str(each.get("topic"))) for each in body["subscriptions"]}
        if not topics or not topics <= {("EVENT", "*"), ("CALLBACK", BOT), ("CALLBACK", CARD)}:
            raise Refusal("invalidParameter.subscriptions")
        start = handed("ticket", secrets.token_hex(8))  # however the rest is encoded
        ticket = f"{start}+/={secrets.token_hex(4)}=="
        self.tickets.append(ticket)
        self._tickets[ticket] = now + timedelta(seconds=90), topics
        return {"endpoint": self.url, "ticket": ticket}

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One socket for one ticket, within its 90 seconds."""
        until, topics = self._tickets.pop(request.query.get("ticket", ""), (self.vendor.clock.now(), set()))
        if self.vendor.clock.now() >= until:
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, topics, request)
        connection.reading = asyncio.create_task(self._read(connection))
        self.connections.append(connection)
        done, _ = await asyncio.wait({connection.reading})
        if connection.reading in done and connection.reading.cancelled():
            await connection.gone.wait()
        self._forget(connection)
        return socket

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)

    async def _read(self, connection: Connection) -> None:
        while True:
            message = await connection.socket.receive()
            if message.type is not WSMsgType.TEXT:
                return
            try:
                self._acked(connection, json.loads(message.data))
            except (ValueError, KeyError, TypeError) as error:
                self.errors.append(f"an ack is wrong: {error!r}")

    def _acked(self, connection: Connection, frame: Any) -> None:
        """An ack counts on the socket of its push, with a string as data. Raises ValueError for a wrong one."""
        if set(frame) != {"code", "message", "headers", "data"} or not isinstance(frame["data"], str):
            raise ValueError(f"its parts are {sorted(frame)}")
        if set(frame["headers"]) != {"messageId", "contentType"}:
            raise ValueError(f"its headers are {sorted(frame['headers'])}")
        if frame["headers"]["contentType"] != "application/json":
            raise ValueError("its content type")
        waiting = connection.waiting.pop(frame["headers"]["messageId"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result({"code": int(frame["code"]), "data": json.loads(frame["data"])})

    # Pushing

    async def push(self, pushed: Pushed, lost: int = 0) -> Pushed:
        """Send until it is acked in time, as often as `redeliver_after` says; the first `lost` acks get lost."""
        while True:
            ack = await self._sent(pushed)
            if ack is not None and lost > 0:
                lost, ack = lost - 1, None
            if ack is not None:
                pushed.acks.append(ack)
                if ack.code == 200 and self._is_final(pushed, ack):
                    return pushed
            if self.redeliver_after is None or len(pushed.message_ids) >= 5:
                return pushed
            await asyncio.sleep(self.redeliver_after)

    def _is_final(self, pushed: Pushed, ack: Ack) -> bool:
        if pushed.kind != "EVENT":
            return True
        status = ack.data.get("status") if isinstance(ack.data, dict) else None
        return status == "SUCCESS" or (status is None and not self.strict_events)

    async def _sent(self, pushed: Pushed) -> Ack | None:
        """One sending to one connection picked at random; None without an ack in time."""
        wanted = ("EVENT", "*") if pushed.kind == "EVENT" else ("CALLBACK", pushed.topic)
        fitting = [each for each in self.connections if wanted in each.topics]
        new = f"{secrets.token_hex(8)}_{next(self._numbers)}"
        message_id = pushed.message_ids[0] if self.same_message_id and pushed.message_ids else new
        pushed.message_ids.append(message_id)
        if not fitting:
            return None
        headers: Frame = {"topic": pushed.topic, "messageId": message_id}
        if pushed.kind == "EVENT":
            headers |= {"eventType": "user_leave_org", "eventId": message_id, "eventCorpId": self.vendor.corp_id}
        return await self._exchange(random.choice(fitting), pushed.kind, headers, pushed.data)

    async def _exchange(self, connection: Connection, kind: str, headers: Frame, data: Frame) -> Ack | None:
        headers |= {"contentType": "application/json", "time": str(int(self.vendor.clock.now().timestamp() * 1000))}
        frame = {"specVersion": "1.0", "type": kind, "headers": headers, "data": json.dumps(data, ensure_ascii=False)}
        waiting = asyncio.get_running_loop().create_future()
        connection.waiting[headers["messageId"]] = waiting
        started = monotonic()
        try:
            await connection.socket.send_str(json.dumps(frame, ensure_ascii=False))
            async with asyncio.timeout(self.ack_seconds):
                answer = await waiting
        except (TimeoutError, ConnectionError):
            return None
        return Ack(answer["code"], answer["data"], monotonic() - started)

    # What happens to sockets

    async def ping(self, connection: Connection) -> bool:
        """Whether a SYSTEM ping comes back with its opaque."""
        opaque = secrets.token_hex(6)
        headers = {"topic": "ping", "messageId": secrets.token_hex(6)}
        ack = await self._exchange(connection, "SYSTEM", headers, {"opaque": opaque})
        return ack is not None and ack.code == 200 and ack.data == {"opaque": opaque}

    async def disconnect(self, connection: Connection) -> None:
        """Announce the end: no new push goes there, and after a while the socket is closed."""
        self._forget(connection)
        data = json.dumps({"reason": "connection is expired"})
        frame = {"type": "SYSTEM", "headers": {"topic": "disconnect", "contentType": "application/json"}, "data": data}
        await connection.socket.send_str(json.dumps(frame))
        await asyncio.sleep(self.close_after)
        connection.abort()

    async def close(self) -> None:
        for connection in list(self.connections):
            connection.gone.set()
            await connection.socket.close(code=1001)
