"""Brings a database to the current schema, and says which schema it has."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from storage.database import Database


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def newest() -> str:
    """The revision this program needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


async def upgrade(database: Database) -> None:
    """Run every migration the database has not seen; nothing happens when it is current."""

    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # one replica migrates, the others wait and find nothing to do
            connection.execute(text("SELECT pg_advisory_xact_lock(7240)"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.engine.begin() as connection:
        await connection.run_sync(run)


async def current(database: Database) -> str | None:
    """The database's revision, None for an empty database."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
