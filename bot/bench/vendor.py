"""A small, strict WeCom in a process of its own, which writes down every message it accepted: the truth that a run is
held against. `python -m bot.bench.vendor --port 0 --log FILE`; the app's secrets come as the bot's own variables.

The API is under /cgi-bin; /control, on a port of its own, makes trouble and makes people talk.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.bench.callers import Caller, Secrets
from bot.bench.fake_wecom import TROUBLES, Ledger, Trouble, Vendor
from bot.bench.hurried import HurriedClock


class Doors:
    """The API's listening port, which can be shut for a while."""

    def __init__(self, vendor: Vendor) -> None:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_get("/cgi-bin/gettoken", self._gettoken)
        app.router.add_post("/cgi-bin/message/send", vendor.send)
        self._vendor, self.port = vendor, 0
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._site: web.TCPSite | None = None
        self._opening: asyncio.Task[None] | None = None

    async def open(self, port: int = 0) -> None:
        if self._runner.server is None:
            await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", port or self.port)
        await self._site.start()
        self.port = int(self._runner.addresses[0][1])

    async def shut(self, seconds: float) -> None:
        """Refuse connections and break those that are open; `seconds` later everything is as before."""
        if self._site is None:
            return
        site, self._site = self._site, None
        await site.stop()
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            if connection.transport is not None:
                connection.transport.abort()
        self._opening = asyncio.create_task(self._reopen(seconds))

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.open()

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        await self._runner.cleanup()

    async def _gettoken(self, request: web.Request) -> web.Response:
        return web.json_response(self._vendor.gettoken(request.query))


class Control:
    """What the driver of a run may ask: trouble, the pace, somebody's words, and how many calls there were."""

    def __init__(self, vendor: Vendor, doors: Doors, caller: Caller) -> None:
        self._vendor, self._doors, self._caller = vendor, doors, caller
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        self.app = web.Application()
        self.app.router.add_post("/control/trouble", self.trouble)
        self.app.router.add_post("/control/pace", self.pace)
        self.app.router.add_post("/control/say", self.say)
        self.app.router.add_get("/control/counts", self.counts)

    async def close(self) -> None:
        await self._http.close()

    async def trouble(self, request: web.Request) -> web.Response:
        """{mode: none|down|5xx|garbage|busy|lost, seconds, calls, share}; `lost` accepts and breaks the connection."""
        asked = await request.json()
        if asked.get("mode") not in TROUBLES:
            return web.Response(status=400, text="unknown mode")
        seconds = float(asked.get("seconds", 60))
        if asked["mode"] == "down":
            await self._doors.shut(seconds)
        else:
            calls, share = int(asked.get("calls", 1_000_000)), float(asked.get("share", 1))
            self._vendor.trouble = Trouble(asked["mode"], time.monotonic() + seconds, calls, share)
        return web.json_response({})

    async def pace(self, request: web.Request) -> web.Response:
        """{latency, spread} in seconds."""
        asked = await request.json()
        self._vendor.latency, self._vendor.spread = float(asked.get("latency", 0)), float(asked.get("spread", 0))
        return web.json_response({})

    async def say(self, request: web.Request) -> web.Response:
        """{user, text, urls}: a text message of that person; comes back when the vendor's tries have ended."""
        asked = await request.json()
        said = await self._caller.say(self._http, asked["user"], asked["text"], asked["urls"])
        entry = {
            "user": asked["user"], "text": asked["text"], "msgid": said.msgid, "heard": said.heard,
            "tries": list(said.tries), "passive": said.passive, "problem": said.problem,
        }  # fmt: skip
        await self._vendor.ledger.write(kind="said", at=time.time(), **entry)
        return web.json_response(entry)

    async def counts(self, _request: web.Request) -> web.Response:
        return web.json_response(dict(self._vendor.counts))


def secrets_of(environment: Mapping[str, str]) -> Secrets:
    """The app's secrets from the bot's own variables."""
    names = ("CORP_ID", "AGENT_ID", "SECRET", "TOKEN", "AES_KEY")
    corp, agent, secret, token, key = (environment[f"JIEHUA_WECOM_{name}"] for name in names)
    return Secrets(corp, int(agent), secret, token, key)


async def _serve(options: argparse.Namespace) -> None:
    shared = secrets_of(os.environ)
    ledger = Ledger(options.log)
    vendor = Vendor(shared, ledger, options.seed)
    doors = Doors(vendor)
    control = Control(vendor, doors, Caller(shared, options.pause, clock=HurriedClock(options.rate, options.since)))
    runner = web.AppRunner(control.app, access_log=None, shutdown_timeout=0.1)
    try:
        await doors.open(options.port)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sys.stdout.write(f"ready http://127.0.0.1:{doors.port} http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        told, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, told.set)
        await told.wait()
    finally:
        await control.close()
        await runner.cleanup()
        await doors.close()
        ledger.close()


def main() -> None:
    """Serve until told to stop; says `ready API CONTROL` when it listens."""
    parser = argparse.ArgumentParser(description="a small WeCom for benchmarks and fault runs")
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 takes any")
    parser.add_argument("--log", type=Path, required=True, help="where accepted messages are written down")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=5.0, help="seconds before a callback is tried again")
    parser.add_argument("--rate", type=float, default=1.0, help="how much faster than real the clock of everybody runs")
    parser.add_argument("--since", type=datetime.fromisoformat, default=datetime.now(UTC), help="from which moment on")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
