"""GET /metrics for Prometheus: this program's meters and a look at the database, for neighbours or with a token."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.core.meters import Beats, Meters
from storage import metrics as rows
from storage.database import Database
from storage.metrics import Figures

PATH = "/metrics"
FRESH = 5.0  # seconds for which one look at the database serves every scrape
PATIENCE = 2.0  # seconds a look may take; a scrape without it still answers
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Board:
    """Everything a scrape shows. `tokens`: access tokens by platform; `parked`: how many messages wait in memory."""

    meters: Meters
    beats: Beats
    database: Database
    clock: Clock
    tokens: Mapping[str, str]
    parked: Callable[[], int]
    build: Mapping[str, str]
    _figures: Figures | None = None
    _looked: float | None = None
    _look: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.meters.registry.register(self)

    async def text(self) -> bytes:
        """The scrape's answer, with figures of the database no older than FRESH seconds."""
        async with self._look:
            now = self.meters.monotonic()
            if self._looked is None or now - self._looked >= FRESH:
                self._figures, self._looked = await self._see(), now
        return generate_latest(self.meters.registry)

    async def _see(self) -> Figures | None:
        """A look at the database; None when it does not answer in time."""
        try:
            async with asyncio.timeout(PATIENCE), self.database.reading() as tx:
                await rows.hurry(tx, round(PATIENCE * 1000))
                return await rows.look(tx, self.clock.now(), list(self.tokens.values()))
        except (TimeoutError, StorageBusy, SQLAlchemyError, OSError) as error:
            note(log, "metrics.blind", "no look at the database", logging.WARNING, error=type(error).__name__)
            return None

    def collect(self) -> Iterator[Metric]:
        """What is not counted as it happens; called by the registry, never waits."""
        yield InfoMetricFamily("jiehua_build", "What is running.", value=dict(self.build))
        yield _one("jiehua_inbox_parked", "Messages kept in memory because the database was away.", self.parked())
        yield _many("jiehua_work_age_seconds", "Since each work was gone through.", "work", self.beats.ages())
        yield _one("jiehua_database_up", "Whether the database answered in time.", self._figures is not None)
        if self._figures is not None:
            yield from self._seen(self._figures)

    def _seen(self, figures: Figures) -> Iterator[Metric]:
        waiting = {name: queue.waiting for name, queue in figures.queues.items()}
        late = {name: queue.late for name, queue in figures.queues.items()}
        nothing = dict.fromkeys(self.tokens, 0)
        left = {name: figures.tokens[key] for name, key in self.tokens.items() if key in figures.tokens}
        yield _many("jiehua_queue_depth", "Deliveries that should be on their way.", "platform", nothing | waiting)
        yield _many("jiehua_queue_late_seconds", "How late the oldest of them is.", "platform", nothing | late)
        yield _many("jiehua_deliveries", "Deliveries due in the last 24 hours.", "status", figures.states)
        yield _many("jiehua_unknown", "Deliveries waiting for a decision.", "platform", nothing | figures.unknown)
        yield _one("jiehua_inbox_unfinished", "Messages not handled after 20 seconds.", figures.unfinished)
        yield _one("jiehua_inbox_failed", "Messages of 24 hours that could not be handled.", figures.failed)
        yield _many("jiehua_token_left_seconds", "Until the access token expires.", "platform", left)


def _one(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _many(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def add_routes(app: web.Application, board: Board, token: str) -> None:
    """Serve the metrics and time the callbacks. With a token everybody needs it; without one only neighbours may ask,
    and nobody who comes through a proxy, because then the neighbour is the proxy."""

    async def scrape(request: web.Request) -> web.Response:
        if not allowed(request, token):
            return web.Response(status=403, text="不对外开放")
        return web.Response(body=await board.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app.router.add_get(PATH, scrape)
    app.middlewares.append(timing(board.meters))


def allowed(request: web.Request, token: str) -> bool:
    """Whether somebody may read the metrics."""
    if token:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_loopback or address.is_private


def timing(meters: Meters) -> Middleware:
    """A middleware that times what vendors push to /callback/…; other pages pass untouched."""

    @web.middleware
    async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else ""
        if not path.startswith("/callback/"):
            return await handler(request)
        began, status = meters.monotonic(), 500
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            meters.callback(path.rpartition("/")[2], status, meters.monotonic() - began)

    return timed
