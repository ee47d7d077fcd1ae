"""A year of 2026 with its holidays and three shifts: nothing outside anybody's working time, and the ledger says so."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from bot.core.clock import SHANGHAI
from bot.library import ContentLibrary
from handlers import ledger
from handlers.context import Desk
from storage.database import Database
from storage.models import Delivery, Person
from tests import almanac
from tests.year import Life

Opened = tuple[ContentLibrary, Desk]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_year_of_pushes_lies_in_working_time(database: Database, opened: Opened) -> None:
    life = await Life.begin(database, opened, date(2026, 1, 2), 2026)
    for ahead in range(364):
        day = date(2026, 1, 2) + timedelta(days=ahead)
        if ahead % 30 == 0:
            await life.campaign(day)
        if almanac.worked(day) or ahead % 3 == 0:
            await life.day(day, 3 if almanac.worked(day) else 1)
    kinds = await life.check()
    assert kinds["challenge"] > 150, kinds
    assert min(kinds["answer"], kinds["board"], kinds["notice"]) > 10, kinds
    await _ledger_equals_the_log(life)


@settings(
    max_examples=150, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32 - 1), st.dates(date(2026, 1, 2), date(2026, 12, 10)))
def test_any_week_of_pushes_lies_in_working_time(migrated_file: Path, opened: Opened, seed: int, first: date) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(migrated_file, Path(folder) / "week.db")
            database = Database(f"sqlite:///{folder}/week.db")
            try:
                life = await Life.begin(database, opened, first, seed)
                for _ in range(3):
                    await life.campaign(first)
                for ahead in range(7):
                    await life.day(first + timedelta(days=ahead), 6)
                await life.check()
                await _ledger_equals_the_log(life)
            finally:
                await database.close()

    asyncio.run(run())


async def _ledger_equals_the_log(life: Life) -> None:
    """Month by month and department by department, counted again from what the vendor took."""
    async with life.world.database.reading() as tx:
        homes = {person.id: person.department_id for person in await tx.scalars(select(Person))}
        rows = list(await tx.scalars(select(Delivery).where(col(Delivery.kind) != "answer")))
        accounts = {
            (month, home): account
            for month in (date(2026, number, 1) for number in range(1, 13))
            for home, account in (await ledger.month(tx, life.world.program.desk, month)).items()
        }
    pushes = {(row.recipient, row.batch) for row in rows}
    taken = {(each.who, each.batch): each.at for each in life.vendor.log if (each.who, each.batch) in pushes}
    doubtful = {(row.recipient, row.batch): row.sent_at for row in rows if row.status == "unknown" and row.sent_at}
    expected = Counter(
        (at.astimezone(SHANGHAI).date().replace(day=1), homes[int(who)]) for (who, _), at in (doubtful | taken).items()
    )
    assert Counter({key: account.sent for key, account in accounts.items() if account.sent}) == expected
    assert sum(account.unsure for account in accounts.values()) == len(doubtful)
    assert sum(account.written for account in accounts.values()) == life.replies
    assert not any(account.exceptions or account.unstamped for account in accounts.values())
