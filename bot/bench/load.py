"""The outside world of the callback benchmarks, in a process of its own: it pushes sealed messages over HTTP and takes
what the bot sends by itself. Driven by JSON lines: a `Job` in, an `Outcome` out.

Requests are sealed before the clock starts and answers opened after it stops: the machine's two cores are for the bot.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import secrets
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.bench.callers import Sealer, Secrets

SHARED = Secrets("ww0bench0corp0", 1000002, "bench-secret", "benchtoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
"""The invented app of the callback benchmarks."""

PATH = "/callback/wecom"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ids = itertools.count(time.time_ns() // 1_000)


@dataclass(frozen=True)
class Job:
    """Push `says` (user, words) to a port of this machine: as fast as `connections` are answered for at most `seconds`,
    or at `rate` a second, however slow the answers."""

    port: int
    says: list[tuple[str, str]]
    seconds: float
    connections: int = 16
    rate: float = 0.0


@dataclass
class Outcome:
    """`latencies` in milliseconds: at a fixed rate from when a message was due to be pushed. `wrong` answers could not
    be opened; `shortest` is the least number of characters that an answer carried."""

    pushed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    carried: int = 0
    wrong: int = 0
    shortest: int = 0


class _Connection:
    """One keep-alive connection that speaks just enough HTTP: a client library would cost as much as the echo."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, request: bytes) -> tuple[int, bytes]:
        """(status, body); 0 when the connection broke."""
        try:
            if self._reader is None or self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            return int(head[9:12]), await self._reader.readexactly(int(length[1]) if length else 0)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self.close()
            return 0, b""

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class Pusher:
    """Does one job."""

    def __init__(self, job: Job) -> None:
        self._job, self._sealer = job, Sealer(SHARED)
        self._requests = iter([self._request(user, words) for user, words in job.says])
        self._bodies: list[bytes] = []
        self._statuses: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._pushed = 0

    async def run(self) -> Outcome:
        job = self._job
        lines = [_Connection(job.port) for _ in range(job.connections)]
        began = time.perf_counter()
        await asyncio.gather(*(self._paced(line, began) if job.rate else self._steady(line, began) for line in lines))
        seconds = time.perf_counter() - began
        for line in lines:
            line.close()
        sizes = [self._opened(body) for body in self._bodies]
        good = [size for size in sizes if size >= 0]
        carried = sum(size > 0 for size in good)
        return Outcome(
            self._pushed, seconds, self._latencies, dict(self._statuses), carried, len(sizes) - len(good),
            min(good, default=0),
        )  # fmt: skip

    async def _steady(self, line: _Connection, began: float) -> None:
        while (now := time.perf_counter()) - began < self._job.seconds:
            request = next(self._requests, None)
            if request is None:
                return
            await self._push(line, request, now)

    async def _paced(self, line: _Connection, began: float) -> None:
        while True:
            due = began + self._pushed / self._job.rate
            request = next(self._requests, None) if due - began < self._job.seconds else None
            if request is None:
                return
            self._pushed += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._push(line, request, due, counted=True)

    async def _push(self, line: _Connection, request: bytes, since: float, *, counted: bool = False) -> None:
        self._pushed += not counted
        status, body = await line.post(request)
        self._latencies.append((time.perf_counter() - since) * 1000)
        self._statuses[str(status)] += 1
        if status == 200:
            self._bodies.append(body)

    def _request(self, user: str, words: str) -> bytes:
        now = str(int(time.time()))
        sealed, nonce = self._sealer.seal(_message(user, words, now)), secrets.token_hex(5)
        query = urlencode({"msg_signature": self._sealer.sign(now, nonce, sealed), "timestamp": now, "nonce": nonce})
        body = (
            f"<xml><ToUserName><![CDATA[{SHARED.corp_id}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<AgentID><![CDATA[{SHARED.agent_id}]]></AgentID></xml>"
        )
        head = (
            f"POST {PATH}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}"
        )
        return f"{head}\r\n\r\n{body}".encode()

    def _opened(self, body: bytes) -> int:
        """How many characters an answer carries; -1 when the vendor could not open it."""
        if not body:
            return 0
        found = {name: re.search(f"<{name}>(.*?)</{name}>".encode(), body) for name in ("Encrypt", "MsgSignature")}
        sealed, signature = (_inside(match[1]) if match else "" for match in found.values())
        stamp = re.search(rb"<TimeStamp>(.*?)</TimeStamp>", body)
        nonce = re.search(rb"<Nonce>(.*?)</Nonce>", body)
        signed = self._sealer.sign(_inside(stamp[1]), _inside(nonce[1]), sealed) if stamp and nonce else None
        try:
            plain = self._sealer.open(sealed) if signature == signed else ""
        except ValueError:
            return -1
        content = re.search(r"<Content>(.*)</Content>", plain, re.DOTALL)
        return len(content[1]) if content else -1


def _message(user: str, words: str, now: str) -> str:
    safe = words.replace("]]>", "]]]]><![CDATA[>")
    return (
        f"<xml><ToUserName><![CDATA[{SHARED.corp_id}]]></ToUserName><FromUserName><![CDATA[{user}]]></FromUserName>"
        f"<CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{safe}]]></Content>"
        f"<MsgId>{next(_ids)}</MsgId><AgentID>{SHARED.agent_id}</AgentID></xml>"
    )


def _inside(value: bytes) -> str:
    return value.decode().removeprefix("<![CDATA[").removesuffix("]]>")


async def _api() -> int:
    """The vendor's API, which takes everything; returns its port."""
    app = web.Application()

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"errcode": 0, "errmsg": "ok", "access_token": "bench", "expires_in": 7200})

    async def send(_request: web.Request) -> web.Response:
        return web.json_response({"errcode": 0, "errmsg": "ok", "msgid": secrets.token_hex(8)})

    app.router.add_get("/cgi-bin/gettoken", token)
    app.router.add_post("/cgi-bin/message/send", send)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def _serve() -> None:
    _say({"port": await _api()})
    while line := await asyncio.to_thread(sys.stdin.readline):
        _say(asdict(await Pusher(Job(**json.loads(line))).run()))


if __name__ == "__main__":
    asyncio.run(_serve())
