"""Whether the process lives and whether it can work: /healthz and /readyz."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import StorageBusy
from storage import schema
from storage.database import Database


def add_routes(app: web.Application, database: Database) -> None:
    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_request: web.Request) -> web.Response:
        """200 when the database answers and has the schema this program needs."""
        try:
            revision = await schema.current(database)
        except (SQLAlchemyError, StorageBusy, OSError):
            return web.json_response({"status": "no database"}, status=503)
        fits = revision == schema.newest()
        return web.json_response({"status": "ok" if fits else "old schema"}, status=200 if fits else 503)

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
