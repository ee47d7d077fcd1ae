"""Whether the process lives and whether it can work: /healthz and /readyz."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import StorageBusy
from bot.core.meters import Beats
from bot.core.pulse import Pulse
from storage import schema
from storage.database import Database

STALE = 60.0  # seconds without a round of background work after which it counts as stuck
_PATIENCE = 2.0  # seconds the database may take to answer


@dataclass
class Health:
    """What the two pages look at; `content` says whether there are lessons to put.

    `leaving` is set when the process was told to stop: it is not ready any more, so that nobody is sent here.
    """

    database: Database
    content: Callable[[], bool] = lambda: True
    beats: Beats = field(default_factory=Beats)
    pulse: Pulse = field(default_factory=Pulse)
    leaving: bool = False

    async def leave(self, seconds: float = 0.0) -> None:
        """Be not ready from now on, and give load balancers so long to see it."""
        self.leaving = True
        await asyncio.sleep(seconds)

    async def parts(self) -> dict[str, str]:
        """Each part and how it is: ok, or what is wrong."""
        late = sorted(name for name, age in self.beats.ages().items() if age > STALE)
        return {
            "stop": "stopping" if self.leaving else "ok",
            "database": await self._database(),
            "content": "ok" if self.content() else "no lessons",
            "work": f"stuck: {', '.join(late)}" if late else "ok",
        }

    async def _database(self) -> str:
        try:
            async with asyncio.timeout(_PATIENCE):
                revision = await schema.current(self.database)
        except (SQLAlchemyError, StorageBusy, OSError, TimeoutError):
            return "no database"
        return "ok" if revision == schema.newest() else "old schema"


def add_routes(app: web.Application, health: Health) -> None:
    async def alive(_request: web.Request) -> web.Response:
        """200 as long as the event loop keeps up."""
        stuck, lag = health.pulse.stuck, round(health.pulse.lag, 3)
        body = {"status": "stuck" if stuck else "ok", "loop_lag_seconds": lag}
        return web.json_response(body, status=503 if stuck else 200)

    async def ready(_request: web.Request) -> web.Response:
        """200 when every part can work; the body says which cannot."""
        parts = await health.parts()
        wrong = [state for state in parts.values() if state != "ok"]
        return web.json_response({"status": wrong[0] if wrong else "ok", "parts": parts}, status=503 if wrong else 200)

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
