"""Brings a database to the current schema, and says which schema it has."""

from __future__ import annotations

from functools import cache
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


@cache
def newest() -> str:
    """The revision this program needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def knows(revision: str) -> bool:
    """Whether this program can bring a database of that revision up to date."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


async def upgrade(database: Database, revision: str = "head") -> None:
    """Run every migration the database has not seen, up to a revision; nothing happens when it is current."""

    def run(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # one replica migrates, the others wait and find nothing to do
            connection.execute(text("SELECT pg_advisory_xact_lock(7240)"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.engine.begin() as connection:
        await connection.run_sync(run)


async def current(database: Database) -> str | None:
    """The database's revision, None for an empty database."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
