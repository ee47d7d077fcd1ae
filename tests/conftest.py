"""What all tests share: databases of both kinds, the built-in content opened once, and a world to chat in."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from bot import app
from bot.config import Settings
from bot.core.clock import SHANGHAI, ManualClock
from bot.library import ContentLibrary
from handlers.context import Desk
from storage import schema
from storage.database import Database
from tests.chat import LESSON, Friend, World
from tests.log_watch import pytest_configure, pytest_runtest_setup, pytest_runtest_teardown, pytest_sessionfinish
from tests.postgres import Cluster, cluster

# The search of the whole run's log.
__all__ = ["pytest_configure", "pytest_runtest_setup", "pytest_runtest_teardown", "pytest_sessionfinish"]

MONDAY = datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A running PostgreSQL with a migrated template."""
    with cluster() as socket:
        server = Cluster(socket)
        server.execute("CREATE DATABASE migrated")

        async def migrate() -> None:
            database = Database(server.url("migrated"))
            await schema.upgrade(database)
            await database.close()

        asyncio.run(migrate())
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"

    async def migrate() -> None:
        database = Database(f"sqlite:///{path}")
        await schema.upgrade(database)
        await database.close()

    asyncio.run(migrate())
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database, once on each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").migrated())
    path = tmp_path / "test.db"
    shutil.copy(request.getfixturevalue("migrated_file"), path)
    return f"sqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def opened() -> tuple[ContentLibrary, Desk]:
    """The built-in content with scorer and index."""
    return app.open_desk(Settings())


@pytest.fixture
def clock() -> ManualClock:
    """Stands at Monday 2026-11-23, 08:30 in Shanghai."""
    return ManualClock(MONDAY)


@pytest.fixture
async def world(database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock) -> World:
    """A bot without a web server, with people to add and a clock to move."""
    return World.build(database, opened, clock)


@pytest.fixture
async def alice(world: World) -> Friend:
    """A learner with an open question."""
    person = await world.person("小林")
    await world.campaign(LESSON)
    await world.at("09:30")
    await person.reads()
    return person
