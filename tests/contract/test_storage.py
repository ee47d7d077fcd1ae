"""Both databases keep the same promises: the schema, unique keys, one winner of every race, the audit chain."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, col, select

from bot.core.clock import SHANGHAI
from bot.core.errors import SettingError, StorageBusy
from bot.core.messages import Incoming, Kind, say
from lessons.boards import Row
from storage import (
    assignments,
    attempts,
    audit,
    boards,
    campaigns,
    deliveries,
    inbox,
    people,
    schema,
    sending,
    settings,
)
from storage.database import Database, parse_url
from storage.models import (
    Assignment,
    Attempt,
    Audit,
    Campaign,
    Delivery,
    Department,
    Firing,
    Identity,
    Inbox,
    LessonVersion,
    Person,
)
from storage.tokens import StoredTokens
from tests.contract.busy import taken

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
MONDAY = date(2026, 11, 23)


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without any table."""
    url = request.getfixturevalue("postgres").empty() if request.param == "postgres" else f"sqlite:///{tmp_path}/new.db"
    opened = Database(url)
    yield opened
    await opened.close()


async def persons(database: Database, *names: str) -> list[int]:
    async with database.transaction() as tx:
        return [(await people.enrol(tx, "web", name, NOW)).id or 0 for name in names]


# --- the schema


async def test_the_tables_are_those_of_the_migrations(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_brought_up_to_date(empty: Database) -> None:
    assert await schema.current(empty) is None
    await schema.upgrade(empty)
    assert await schema.current(empty) == schema.newest()
    await schema.upgrade(empty)
    async with empty.transaction() as tx:
        await settings.put(tx, "name", "接话")
    async with empty.reading() as tx:
        assert await settings.get(tx, "name") == "接话"


async def test_two_replicas_may_start_at_once_on_an_empty_database(empty: Database) -> None:
    other = Database(empty.url.render_as_string(hide_password=False).replace("+aiosqlite", "").replace("+psycopg", ""))
    try:
        await asyncio.gather(schema.upgrade(empty), schema.upgrade(other))
    finally:
        await other.close()
    assert await schema.current(empty) == schema.newest()


# --- the transaction


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await settings.put(tx, "name", "value")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.reading() as tx:
        assert await settings.get(tx, "name") is None


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 23, 9, 3, 1, 123456, tzinfo=SHANGHAI),
        datetime(2026, 11, 23, 1, 3, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
    ],
)
async def test_a_moment_comes_back_as_the_same_moment_in_utc(database: Database, moment: datetime) -> None:
    async with database.transaction() as tx:
        tx.add(Firing(key="k", outcome="planned", at=moment))
    async with database.reading() as tx:
        row = await tx.get(Firing, "k")
        found = (await tx.scalars(select(Firing.key).where(col(Firing.at) == moment))).all()
    assert row is not None
    assert row.at == moment
    assert row.at.tzinfo is UTC
    assert found == ["k"]


async def test_a_naive_moment_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        async with database.transaction() as tx:
            tx.add(Firing(key="k", outcome="planned", at=datetime(2026, 11, 23)))  # noqa: DTZ001


async def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as tx:
            tx.add(Identity(platform="web", external_id="x", person_id=4711))


async def test_times_of_day_dates_and_tags_survive(database: Database) -> None:
    (key,) = await persons(database, "a")
    async with database.transaction() as tx:
        values = {"shift_start": time(22, 15), "remind_at": time(9, 40), "joined_on": MONDAY, "tags": ["新员工", "A"]}
        await people.change(tx, key, **values)
    async with database.reading() as tx:
        row = await people.get(tx, key)
    assert row is not None
    assert {name: getattr(row, name) for name in values} == values


async def _receive(database: Database, key: str = "k") -> Inbox | None:
    async with database.transaction() as tx:
        return await inbox.store(tx, Incoming("wecom", "alice", key, Kind.TEXT), "您好", NOW)


async def test_a_locked_database_is_busy_not_broken(database: Database) -> None:
    async with taken(database):
        with pytest.raises(StorageBusy, match="数据库暂时不可用"):
            await _receive(database)
    assert await _receive(database) is not None


async def test_reading_goes_on_while_somebody_writes(database: Database) -> None:
    async with database.transaction() as tx:
        await settings.put(tx, "name", "new")
        async with database.reading() as other:
            assert await settings.get(other, "name") is None


async def test_a_pool_without_a_free_connection_is_busy_too(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    pool: Any = database.engine.pool
    pool._timeout, pool._max_overflow = 0.05, 0
    try:
        async with database.transaction() as tx:
            await tx.execute(text("SELECT 1"))
            with pytest.raises(StorageBusy):
                await _receive(database)
            with pytest.raises(StorageBusy):
                async with database.reading() as other:
                    await settings.get(other, "x")
        assert await _receive(database) is not None
    finally:
        await database.close()


async def test_a_full_disk_is_busy(tmp_path: Path, migrated_file: Path) -> None:
    path = tmp_path / "full.db"
    path.write_bytes(migrated_file.read_bytes())
    database = Database(f"sqlite:///{path}")
    event.listen(database.engine.sync_engine, "connect", lambda c, _: c.execute("PRAGMA max_page_count=1").close())
    try:
        with pytest.raises(StorageBusy, match="full"):
            async with database.transaction() as tx:
                await settings.put(tx, "name", "x" * 5_000_000)
    finally:
        await database.close()


async def test_sqlite_is_durable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/er/x.db")
    async with database.engine.connect() as connection:
        found = [
            (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    await database.close()
    assert found == ["wal", 2, 1]


def test_a_url_gets_the_async_driver() -> None:
    assert parse_url("sqlite:///x.db").drivername == "sqlite+aiosqlite"
    assert parse_url("postgresql://u:p@h/d").drivername == "postgresql+psycopg"
    for wrong in ("mysql://u:hunter2@h/d", "", "x"):
        with pytest.raises(SettingError, match="JIEHUA_DATABASE_URL") as caught:
            parse_url(wrong)
        assert "hunter2" not in str(caught.value)


# --- one winner of every race


async def test_a_message_is_stored_once_however_often_it_comes(database: Database) -> None:
    rows = await asyncio.gather(*(_receive(database) for _ in range(10)))
    assert len([row for row in rows if row is not None]) == 1
    assert await _receive(database, "other") is not None
    async with database.reading() as tx:
        assert len((await tx.scalars(select(Inbox))).all()) == 2
        found = await inbox.find(tx, "wecom", "k")
    assert found is not None
    assert (found.text, found.status, found.tries, found.carried) == ("您好", inbox.NEW, 0, "[]")


async def test_keys_of_two_platforms_do_not_meet(database: Database) -> None:
    async with database.transaction() as tx:
        for platform in ("wecom", "dingtalk"):
            assert await inbox.store(tx, Incoming(platform, "alice", "k", Kind.TEXT), "x", NOW) is not None


async def test_unfinished_messages_are_found_oldest_first(database: Database) -> None:
    for number, status in enumerate((inbox.NEW, inbox.DONE, inbox.NEW, inbox.FAILED)):
        row = await _receive(database, str(number))
        async with database.transaction() as tx:
            (await tx.get_one(Inbox, row.id if row else 0)).status = status
    async with database.reading() as tx:
        assert [row.key for row in await inbox.unfinished(tx, NOW + timedelta(seconds=1))] == ["0", "2"]
        assert await inbox.unfinished(tx, NOW) == []


async def test_a_campaign_is_moved_on_by_one_only(database: Database) -> None:
    async with database.transaction() as tx:
        tx.add(Campaign(id="c", title="c", status=campaigns.RUNNING, created_at=NOW, next_at=NOW))
    later = NOW + timedelta(days=1)

    async def advance() -> bool:
        async with database.transaction() as tx:
            return await campaigns.advance(tx, "c", NOW, later)

    assert sorted(await asyncio.gather(*(advance() for _ in range(6)))) == [False] * 5 + [True]
    async with database.transaction() as tx:
        assert not await campaigns.advance(tx, "c", NOW, later)
        assert await campaigns.advance(tx, "c", later, None)


async def test_a_paused_campaign_is_not_moved_on(database: Database) -> None:
    async with database.transaction() as tx:
        tx.add(Campaign(id="c", title="c", status=campaigns.PAUSED, created_at=NOW, next_at=NOW))
        await tx.flush()
        assert not await campaigns.advance(tx, "c", NOW, None)
        assert await campaigns.due(tx, NOW) == []


async def test_what_has_fired_does_not_fire_again(database: Database) -> None:
    async def fire() -> bool:
        async with database.transaction() as tx:
            return await campaigns.fire(tx, "c@2026-11-23T09:03", "planned", NOW)

    assert sorted(await asyncio.gather(*(fire() for _ in range(6)))) == [False] * 5 + [True]


async def test_the_first_newcomers_share_one_department(database: Database) -> None:
    async def enrol(name: str) -> None:
        async with database.transaction() as tx:
            await people.enrol(tx, "web", name, NOW)

    await asyncio.gather(*(enrol(f"u{number}") for number in range(5)))
    async with database.reading() as tx:
        assert [d.name for d in (await tx.scalars(select(Department))).all()] == [people.UNSORTED]
        assert len((await tx.scalars(select(Person))).all()) == 5


async def test_a_token_is_replaced_only_by_who_knew_the_old_one(database: Database) -> None:
    store = StoredTokens(database)
    assert await store.get("t") is None
    found = await asyncio.gather(*(store.put("t", f"v{n}", NOW, instead_of="") for n in range(4)))
    assert len(set(found)) == 1
    first = found[0][0]
    late = await asyncio.gather(*(store.put("t", f"w{n}", NOW, instead_of=first) for n in range(4)))
    assert len(set(late)) == 1
    assert late[0][0].startswith("w")
    assert await store.put("t", "x", NOW, instead_of=first) == late[0]
    assert await store.get("t") == late[0]


# --- what is owed


def owed(key: str, person: int, words: str = "您好", **values: Any) -> deliveries.Owed:
    return deliveries.Owed(key, person, "answer", say(words), NOW, **values)


async def test_what_is_owed_is_owed_once(database: Database) -> None:
    (key,) = await persons(database, "a")

    async def owe() -> None:
        async with database.transaction() as tx:
            await deliveries.enqueue(tx, [owed("k1", key), owed("k2", key)], NOW)

    await asyncio.gather(*(owe() for _ in range(5)))
    async with database.reading() as tx:
        rows = (await tx.scalars(select(Delivery))).all()
        assert {row.key for row in rows} == {"k1", "k2"}
        assert len({row.content for row in rows}) == 1, "one content for both"
        assert await deliveries.messages(tx, {rows[0].content}) == {rows[0].content: say("您好")}


async def test_who_has_no_address_is_named(database: Database) -> None:
    (known,) = await persons(database, "a")
    async with database.transaction() as tx:
        home = await people.department_named(tx, "客服中心")
        nowhere = Person(name="b", department_id=home.id or 0, created_at=NOW)
        tx.add(nowhere)
        await tx.flush()
        assert await deliveries.enqueue(tx, [owed("k1", known), owed("k2", nowhere.id or 0)], NOW) == [nowhere.id]
        assert await deliveries.enqueue(tx, [owed("k3", nowhere.id or 0)], NOW, address=("web", "x")) == []


async def test_an_answer_to_a_stranger_belongs_to_nobody(database: Database) -> None:
    async with database.transaction() as tx:
        await deliveries.enqueue(tx, [owed("k1", 0)], NOW, address=("wecom", "stranger"))
    async with database.reading() as tx:
        assert [row.person_id for row in await tx.scalars(select(Delivery))] == [None]


async def test_thousands_are_owed_in_one_go(database: Database) -> None:
    keys = await persons(database, "a")
    async with database.transaction() as tx:
        await deliveries.enqueue(tx, [owed(f"k{n}", keys[0], str(n)) for n in range(4500)], NOW)
    async with database.reading() as tx:
        assert await deliveries.counts(tx, NOW) == {deliveries.DUE: 4500}


async def test_only_what_is_not_sent_can_be_cancelled(database: Database) -> None:
    (key,) = await persons(database, "a")
    async with database.transaction() as tx:
        await deliveries.enqueue(tx, [owed("k1", key), owed("k2", key)], NOW)
        first = (await sending.due(tx, NOW, ["web"], 10))[0]
        await sending.claim(tx, [first.id or 0], "me", "batch", NOW)
        assert await deliveries.cancel_owed(tx, key, ["challenge"]) == 0
        assert await deliveries.cancel_owed(tx, key, ["answer"]) == 1
        assert await deliveries.counts(tx, NOW) == {deliveries.SENDING: 1, deliveries.CANCELLED: 1}


# --- the weekly numbers


async def test_the_week_counts_what_it_should(database: Database) -> None:
    """Returning questions, own practice, withdrawn and copied answers, second tries, days of leave do not count."""
    anna, bob, carl = await persons(database, "安一", "白二", "陈三")
    async with database.transaction() as tx:
        tx.add(LessonVersion(digest="d", lesson_id="x", content="{}", first_used_at=NOW))
        await people.add_absence(tx, bob, "leave", MONDAY, MONDAY, NOW)
        await people.add_absence(tx, carl, "leave", MONDAY - timedelta(days=3), None, NOW)

    async def question(person: int, day: date, status: str, reason: str = "campaign", *tries: dict[str, Any]) -> None:
        async with database.transaction() as tx:
            values = {"person_id": person, "lesson_id": f"x{day}{reason}", "digest": "d", "created_at": NOW}
            row = Assignment(**values, reason=reason, day=day, status=status, opens_at=NOW, due_at=NOW)
            await assignments.add(tx, row)
            for number, extra in enumerate(tries, 1):
                attempt = {**values, "assignment_id": row.id, "number": number, "text": "", "band": 2, "scorer": "t"}
                attempt["board_day"] = attempts.board_day(row, number)
                tx.add(Attempt(**{**attempt, **extra}))

    await question(anna, MONDAY, "answered", "campaign", {"points": 60}, {"points": 100})
    await question(anna, MONDAY + timedelta(days=1), "answered", "campaign", {"points": 90, "copied": True})
    await question(anna, MONDAY + timedelta(days=1), "answered", "review", {"points": 10})
    await question(anna, MONDAY + timedelta(days=2), "answered", "campaign", {"points": 20, "withdrawn_at": NOW})
    await question(anna, MONDAY + timedelta(days=3), "missed")
    await question(anna, MONDAY + timedelta(days=5), "waiting")
    await question(anna, MONDAY + timedelta(days=4), "answered", "own", {"points": 0})
    await question(anna, MONDAY - timedelta(days=7), "answered", "campaign", {"points": 40})
    await question(anna, MONDAY - timedelta(days=6), "answered", "campaign", {"points": 50})
    await question(bob, MONDAY, "missed")
    await question(bob, MONDAY + timedelta(days=1), "answered", "campaign", {"points": 75})
    await question(carl, MONDAY, "open")
    async with database.reading() as tx:
        found = {row.name: row for row in await boards.week(tx, MONDAY, MONDAY + timedelta(days=6))}
    home = found["安一"].department_id
    assert found["安一"] == Row(anna, "安一", home, 4, 3, 60.0, 45.0, 2, True, False)
    assert found["白二"] == Row(bob, "白二", home, 1, 1, 75.0, None, 0, True, False)
    assert found["陈三"] == Row(carl, "陈三", home, 0, 0, None, None, 0, True, True)


# --- the audit chain


async def record(database: Database, count: int, now: datetime = NOW) -> None:
    for number in range(count):
        async with database.transaction() as tx:
            detail = {"number": number, "词": ["甲", 1.5, None], "deep": {"b": 1, "a": 2}}
            await audit.write(tx, now, "何静", "campaign.approve", f"c{number}", **detail)


async def broken(database: Database) -> int | None:
    async with database.reading() as tx:
        return await audit.broken_at(tx)


async def test_a_chain_that_nobody_touched_is_whole(database: Database) -> None:
    assert await broken(database) is None
    await record(database, 5)
    await record(database, 1, NOW.astimezone(SHANGHAI))
    assert await broken(database) is None
    async with database.reading() as tx:
        rows = await audit.entries(tx, 2)
    assert [row.subject for row in rows] == ["c0", "c4"]
    assert rows[0].previous == rows[1].hash


TAMPERING = [
    "UPDATE audit SET actor = '别人' WHERE id = 3",
    "UPDATE audit SET action = 'x' WHERE id = 3",
    "UPDATE audit SET subject = 'x' WHERE id = 3",
    "UPDATE audit SET detail = '{}' WHERE id = 3",
    "UPDATE audit SET at = '2026-11-23 01:30:01' WHERE id = 3",
    "UPDATE audit SET previous = '' WHERE id = 3",
    "UPDATE audit SET hash = 'x' WHERE id = 3",
]


@pytest.mark.parametrize("statement", TAMPERING)
async def test_every_changed_column_breaks_the_chain(database: Database, statement: str) -> None:
    await record(database, 5)
    async with database.engine.begin() as connection:
        await connection.execute(text(statement))
    assert await broken(database) == 3


async def test_a_removed_and_an_added_row_break_the_chain(database: Database) -> None:
    await record(database, 5)
    async with database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM audit WHERE id = 2"))
    assert await broken(database) == 3
    async with database.transaction() as tx:
        tx.add(Audit(id=99, at=NOW, actor="x", action="x", subject="x", detail={}, previous="x", hash="x"))
    assert await broken(database) == 3


async def test_many_writers_at_once_keep_it_whole(database: Database) -> None:
    await asyncio.gather(*(record(database, 3) for _ in range(5)))
    assert await broken(database) is None
    async with database.reading() as tx:
        assert len(await audit.entries(tx)) == 15


def test_two_connections_on_one_file_see_each_other(migrated_file: Path, tmp_path: Path) -> None:
    """The schema works with the SQLite tools an operator has."""
    path = tmp_path / "copy.db"
    path.write_bytes(migrated_file.read_bytes())
    connection = sqlite3.connect(path)
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {table.name for table in SQLModel.metadata.sorted_tables} <= names
