"""Rows in bulk for benchmarks and fault runs: an invented organisation, its open questions and its history.

The same sizes give the same rows. A running bot uses nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import JSON, Boolean, Date, Integer, String, delete, func, insert, literal, null, select, text
from sqlmodel import SQLModel, col

from storage.assignments import ANSWERED, MISSED, OPEN, bulk
from storage.database import Database, Tx
from storage.deliveries import SENT
from storage.models import (
    Assignment,
    Attempt,
    Campaign,
    Content,
    Delivery,
    Department,
    Firing,
    Identity,
    Inbox,
    Person,
    UtcDateTime,
)
from storage.statements import table_of

T = TypeVar("T", bound=SQLModel)

_TEAM = 20
"""People in a department."""

Version = tuple[str, str]
"""A lesson's id and the digest of its content."""


async def is_empty(tx: Tx) -> bool:
    """Whether nothing of an organisation has been stored yet; the schema does not count."""
    for table in (Person, Inbox, Campaign, Firing):
        if (await tx.execute(select(literal(1)).select_from(table).limit(1))).first() is not None:
            return False
    return True


async def organisation(tx: Tx, count: int, now: datetime, platform: str = "wecom") -> None:
    """`count` learners, `u1`, `u2`, … on the platform and by staff number, twenty a department."""
    teams = [{"name": f"部门{number}", "path": f"/{number}/"} for number in range(1, -(-count // _TEAM) + 1)]
    await bulk(tx, Department, teams)
    ids = list((await tx.scalars(select(col(Department.id)).order_by(col(Department.id)))).all())
    people: list[dict[str, Any]] = [
        {
            "name": f"员工{n}",
            "staff_no": f"u{n}",
            "department_id": ids[(n - 1) // _TEAM],
            "tags": [],
            "held": [],
            "created_at": now,
        }
        for n in range(1, count + 1)
    ]
    await bulk(tx, Person, people)
    known = select(literal(platform, String), col(Person.staff_no), col(Person.id), literal(True, Boolean))
    columns = ["platform", "external_id", "person_id", "preferred"]
    await tx.execute(insert(Identity).from_select(columns, known.order_by(col(Person.id))))


async def questions(
    tx: Tx, versions: Sequence[Version], day: date, opens_at: datetime, due_at: datetime, *, answered: int | None = None
) -> None:
    """One question a person on a day, the lessons in turn; open, or `answered` by so many percent and else missed."""
    for number, version in enumerate(versions):
        mine = col(Person.id) % len(versions) == number
        if answered is None:
            await _ask(tx, version, day, opens_at, due_at, OPEN, mine)
            continue
        did = (col(Person.id) * 37 + day.toordinal() * 11) % 100 < answered
        await _ask(tx, version, day, opens_at, due_at, ANSWERED, mine & did)
        await _ask(tx, version, day, opens_at, due_at, MISSED, mine & ~did)


async def replies(tx: Tx, day: date, at: datetime, words: str) -> None:
    """A first try for every answered question of a day; points 0–100 that depend on person and day only."""
    points = ((col(Assignment.person_id) * 13 + day.toordinal() * 7) % 21) * 5
    values: dict[str, Any] = {
        "assignment_id": col(Assignment.id),
        "person_id": col(Assignment.person_id),
        "lesson_id": col(Assignment.lesson_id),
        "digest": col(Assignment.digest),
        "number": literal(1, Integer),
        "text": literal(words, String),
        "band": literal(2, Integer),
        "points": points,
        "score": literal({}, JSON),
        "scorer": literal("planted", String),
        "copied": literal(False, Boolean),
        "trial": literal(False, Boolean),
        "created_at": literal(at, UtcDateTime),
        "board_day": literal(day, Date),
    }
    found = select(*values.values()).where(col(Assignment.day) == day, col(Assignment.status) == ANSWERED)
    await tx.execute(insert(Attempt).from_select(list(values), found.order_by(col(Assignment.id))))


async def written(tx: Tx, table: type[T], person_id: int) -> list[T]:
    """What the bot wrote for one person into a table, in order."""
    key = table_of(table).c
    return list((await tx.scalars(select(table).where(key.person_id == person_id).order_by(*key.values()[:1]))).all())


async def copies(tx: Tx, row: SQLModel, changes: Iterable[dict[str, Any]]) -> None:
    """Rows like one that the bot wrote by itself, each with some columns changed; ids are new."""
    like = row.model_dump(exclude={"id"})
    await bulk(tx, table_of(type(row)), ({**like, **change} for change in changes))


async def asked(tx: Tx) -> list[tuple[str, str]]:
    """(staff number, lesson id) of every open question, in the order of the people."""
    query = (
        select(col(Person.staff_no), col(Assignment.lesson_id))
        .join(Person, col(Person.id) == col(Assignment.person_id))
        .where(col(Assignment.status) == OPEN)
        .order_by(col(Person.id))
    )
    return [(str(who), lesson) for who, lesson in await tx.execute(query)]


async def everybody(tx: Tx) -> list[int]:
    """The ids of all people."""
    return [int(key or 0) for key in (await tx.scalars(select(col(Person.id)).order_by(col(Person.id)))).all()]


async def known(tx: Tx, platform: str) -> list[tuple[str, int]]:
    """(external id, person id) of everybody a platform knows, in order."""
    query = select(col(Identity.external_id), col(Identity.person_id)).where(col(Identity.platform) == platform)
    return [(name, key) for name, key in await tx.execute(query.order_by(col(Identity.person_id)))]


async def contents(tx: Tx) -> list[Content]:
    """Every message that is stored."""
    return list((await tx.scalars(select(Content))).all())


async def stored(tx: Tx) -> dict[str, int]:
    """How many messages came in, how many were answered, how many replies are kept."""
    counts = {
        "inbox": select(func.count()).select_from(Inbox),
        "done": select(func.count()).select_from(Inbox).where(col(Inbox.status) == "done"),
        "attempts": select(func.count()).select_from(Attempt),
    }
    return {name: int((await tx.scalar(query)) or 0) for name, query in counts.items()}


async def scan(tx: Tx) -> int:
    """How many replies there are, by looking at every one of them."""
    count, _ = (await tx.execute(select(func.count(), func.sum(Attempt.points)))).one()
    return int(count)


async def pushed(tx: Tx) -> bool:
    """Whether anything has gone out yet."""
    return (await tx.execute(select(literal(1)).where(col(Delivery.status) == SENT).limit(1))).first() is not None


async def clear(tx: Tx) -> None:
    """Empty every table of a database that was planted here."""
    for table in reversed(SQLModel.metadata.sorted_tables):
        truncates = tx.get_bind().dialect.name == "postgresql"
        await tx.execute(text(f"TRUNCATE {table.name} RESTART IDENTITY CASCADE") if truncates else delete(table))


async def forget_jobs(tx: Tx, schema: str) -> None:
    """Empty the queue; PostgreSQL only."""
    await tx.execute(text(f"TRUNCATE {schema}.procrastinate_jobs CASCADE"))


async def settle(database: Database) -> None:
    """Let the database tidy up and look at what it holds, as it does by itself in quiet hours."""
    if database.is_sqlite:
        async with database.transaction() as tx:
            await tx.execute(text("ANALYZE"))
        return
    async with database.engine.connect() as connection:  # VACUUM refuses to be part of a transaction
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))


async def _ask(
    tx: Tx, version: Version, day: date, opens_at: datetime, due_at: datetime, status: str, chosen: Any
) -> None:
    values: dict[str, Any] = {
        "person_id": col(Person.id),
        "lesson_id": literal(version[0], String),
        "digest": literal(version[1], String),
        "reason": literal("campaign", String),
        "day": literal(day, Date),
        "status": literal(status, String),
        "reminded": literal(0, Integer),
        "opens_at": literal(opens_at, UtcDateTime),
        "due_at": literal(due_at, UtcDateTime),
        "created_at": literal(opens_at, UtcDateTime),
        "answered_at": literal(opens_at, UtcDateTime) if status == ANSWERED else null(),
    }
    await tx.execute(
        insert(Assignment).from_select(list(values), select(*values.values()).where(chosen).order_by(col(Person.id)))
    )
