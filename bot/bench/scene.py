"""One run's scene: a planted organisation, the vendor, the database, and the bot's processes; all gone afterwards."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import string
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.bench.cluster import ROLE, Bot, VendorProcess, Watchdog, ended, free_port
from bot.bench.cluster import without_settings as bare
from bot.bench.hurried import HurriedClock
from bot.bench.postgres import Postgres, served
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Identity, Person

ROLES = {"sqlite": ("all",), "postgres": ("web", "web", "worker")}
"""What runs: one process on SQLite, two web replicas and a worker on PostgreSQL."""
CALLBACK = "/callback/wecom"


@dataclass(frozen=True)
class Setting:
    """How a scene is set. `database` is sqlite, postgres (one of our own) or the URL of an empty PostgreSQL database.

    `rate`: how much faster than real the bot's clock runs. `roles`: the processes, those of ROLES by default.
    `pause`: seconds before the vendor pushes a callback again.
    """

    database: str = "sqlite"
    rate: float = 1.0
    roles: tuple[str, ...] = ()
    pause: float = 5.0
    seed: int = 1
    most_seconds: float = 900.0
    extra: dict[str, str] = field(default_factory=dict)  # further settings of the bot

    @property
    def kind(self) -> str:
        return "sqlite" if self.database == "sqlite" else "postgres"


@dataclass(frozen=True)
class Scene:
    """What a run has to do with."""

    folder: Path
    http: aiohttp.ClientSession
    vendor: VendorProcess
    postgres: Postgres | None
    bots: Sequence[Bot]
    database: Database
    clock: HurriedClock
    account: Mapping[str, str] = field(repr=False)  # the app's secrets, as the bot's settings

    @property
    def callbacks(self) -> list[str]:
        """The callback URLs that the vendor takes in turn."""
        return [bot.address + CALLBACK for bot in self.bots if bot.role != "worker"]

    async def start(self) -> None:
        """Start every bot and wait until all are ready. Raises RunFailed."""
        for bot in self.bots:
            await bot.start()
        for bot in self.bots:
            await bot.ready(self.http)

    def ledger(self) -> list[dict[str, Any]]:
        """What the vendor has written down so far."""
        lines = (self.folder / "vendor.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    async def plant(self, names: Sequence[str], owed: Sequence[tuple[str, Owed]]) -> None:
        """People who may be written to at any hour, known to WeCom by these lower-case names; and what is owed to
        each name, whoever's id stands in it."""
        now = self.clock.now()
        async with self.database.transaction() as tx:
            home = await people.add_department(tx, "演练部", None)
            ids: dict[str, int] = {}
            for name in names:
                person = Person(name=name, department_id=home.id or 0, created_at=now)
                person.shift_start, person.shift_end = time(0, 0), time(23, 59)
                tx.add(person)
                await tx.flush()
                ids[name] = person.id or 0
                tx.add(Identity(platform="wecom", external_id=name, person_id=ids[name]))
            await tx.flush()
            rows = [Owed(row.key, ids[name], row.kind, row.message, row.due_at) for name, row in owed]
            await deliveries.enqueue(tx, rows, now)


@asynccontextmanager
async def scene(setting: Setting) -> AsyncIterator[Scene]:
    """Everything but the bots runs; the database is empty until the first of them migrates it. Raises RunFailed."""
    watchdog, folder = Watchdog(setting.most_seconds), Path(tempfile.mkdtemp(prefix="jiehua-run-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    try:
        async with contextlib.AsyncExitStack() as stack:
            postgres, url = await served(setting.database, folder, watchdog, stack)
            account = _account()
            environment = bare() | account
            command = [sys.executable, "-m", "bot.bench.vendor", "--log", str(folder / "vendor.jsonl")]
            command += ["--seed", str(setting.seed), "--pause", str(setting.pause)]
            clock = HurriedClock(setting.rate, datetime.now(UTC))
            command += ["--rate", str(clock.rate), "--since", clock.since.isoformat()]
            vendor = VendorProcess("vendor", command, environment, folder / "vendor.out", watchdog)
            await stack.enter_async_context(ended([vendor]))
            await vendor.open()
            bots = _bots(setting, folder, environment | _settings(url, vendor.api, folder) | setting.extra, clock)
            crew = [Bot(name, command, given, folder / f"{name}.out", watchdog) for name, command, given in bots]
            await stack.enter_async_context(ended(crew))
            http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            database = Database(url)
            stack.push_async_callback(database.close)
            yield Scene(folder, http, vendor, postgres, crew, database, clock, account)
    finally:
        watchdog.close()
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> dict[str, str]:
    """Made-up secrets of an app, as the bot's settings and the vendor's."""
    key = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(42)) + "A"
    return {
        "JIEHUA_WECOM_CORP_ID": "wwbench", "JIEHUA_WECOM_AGENT_ID": "1000002",
        "JIEHUA_WECOM_SECRET": secrets.token_hex(16), "JIEHUA_WECOM_TOKEN": secrets.token_hex(8),
        "JIEHUA_WECOM_AES_KEY": key,
    }  # fmt: skip


def _settings(url: str, api: str, folder: Path) -> dict[str, str]:
    """A bot that may write to people at any hour of any day: a run must not depend on when it is made."""
    calendar, today = folder / "calendar.yaml", datetime.now(UTC).date()
    days = [today + timedelta(days=number) for number in range(-2, 3)]
    calendar.write_text("work:\n" + "".join(f"  - {day}\n" for day in days), encoding="utf-8")
    return {
        "JIEHUA_DATABASE_URL": url, "JIEHUA_WECOM_API": api, "JIEHUA_CALENDAR_FILE": str(calendar),
        "JIEHUA_QUIET_START": "12:00", "JIEHUA_QUIET_END": "12:00", "JIEHUA_LOG_JSON": "on",
    }  # fmt: skip


def _bots(
    setting: Setting, folder: Path, environment: dict[str, str], clock: HurriedClock
) -> list[tuple[str, list[str], dict[str, str]]]:
    """(name, command, environment) of every process of the bot; the real command line unless the clock is hurried."""
    hurried = ["-m", "bot.bench.hurried", str(clock.rate), clock.since.isoformat()]
    command = [sys.executable, *(["-m", "bot.cli", "serve"] if setting.rate == 1 else hurried)]
    found = []
    for number, role in enumerate(setting.roles or ROLES[setting.kind]):
        given = environment | {"JIEHUA_PORT": str(free_port()), ROLE: role}
        found.append((f"{role}{number}", command, given))
    return found
