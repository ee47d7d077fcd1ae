"""Departments and accounts as a vendor's directory names them; writes for the synchronisation only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import insert, update
from sqlmodel import col, select

from storage import people
from storage.database import Tx
from storage.models import Department, Identity, Person
from storage.statements import chunks

NAMELESS = "未命名部门"
_LOCAL = "web"  # the chat page is no organisation's platform


@dataclass(frozen=True)
class Account:
    """A person by their user id on one platform; `elsewhere` says that another vendor knows them too."""

    external_id: str
    person_id: int
    name: str
    department_id: int
    active: bool
    held: tuple[str, ...]
    elsewhere: bool


@dataclass(frozen=True)
class Arrival:
    """Somebody new, with the department they belong to."""

    external_id: str
    name: str
    department_id: int


async def departments(tx: Tx) -> dict[int, Department]:
    return await people.departments(tx)


def vendor_id(department: Department, platform: str) -> str:
    """The vendor's id of a department; empty when it comes from somewhere else. Ids repeat between vendors, so the
    column holds the platform's name too."""
    whose, _, external_id = (department.external_id or "").partition(":")
    return external_id if whose == platform else ""


async def accounts(tx: Tx, platform: str, only: Collection[str] | None = None) -> list[Account]:
    """The accounts on a platform, or `only` those of the people with some user ids, in the order they were added."""
    columns: list[Any] = [
        Identity.external_id,
        Person.id,
        Person.name,
        Person.department_id,
        Person.active,
        Person.held,
    ]
    query = (
        sqlalchemy.select(*columns)  # not whole rows: there may be a hundred thousand
        .join(Identity, col(Identity.person_id) == col(Person.id))
        .where(col(Identity.platform) == platform)
        .order_by(col(Identity.id))
    )
    if only is not None:
        theirs = select(Identity.person_id).where(
            Identity.platform == platform, col(Identity.external_id).in_(list(only))
        )
        query = query.where(col(Person.id).in_(theirs))
    others = select(Identity.person_id).where(col(Identity.platform).not_in([platform, _LOCAL]))
    elsewhere = set(await tx.scalars(others))
    found = (await tx.execute(query)).all()
    return [Account(row[0], row[1], row[2], row[3], row[4], tuple(row[5]), row[1] in elsewhere) for row in found]


async def take_department(tx: Tx, platform: str, external_id: str, name: str, adopts: int | None = None) -> Department:
    """A department for the vendor's id: the one it adopts, or a new one at the top."""
    department = await tx.get(Department, adopts) if adopts else None
    if department is None:
        department = Department(name=name or f"{NAMELESS} {external_id}")
        tx.add(department)
        await tx.flush()
        department.path = f"/{department.id}/"
    department.external_id = f"{platform}:{external_id}"
    await tx.flush()
    return department


async def rename(tx: Tx, department: Department, name: str) -> None:
    department.name = name
    await tx.flush()


async def place(tx: Tx, department: Department, parent: Department | None) -> None:
    """Put a department below another, or at the top, with everything under it."""
    old, new = department.path, f"{parent.path if parent else '/'}{department.id}/"
    department.parent_id = parent.id if parent else None
    if new != old:
        for below in await tx.scalars(select(Department).where(col(Department.path).startswith(old))):
            below.path = new + below.path.removeprefix(old)
    await tx.flush()


async def rename_account(tx: Tx, platform: str, old: str, new: str) -> None:
    """A person's user id changed; an account that already has the new one is left alone."""
    query = select(Identity).where(Identity.platform == platform, col(Identity.external_id).in_([old, new]))
    rows = {row.external_id: row for row in await tx.scalars(query)}
    if old in rows and new not in rows:
        rows[old].external_id = new
        await tx.flush()


async def add_people(tx: Tx, platform: str, arrivals: Sequence[Arrival], now: datetime) -> None:
    """New learners with their account."""
    person = Person(name="", department_id=0, created_at=now).model_dump(exclude={"id"})
    account = Identity(platform=platform, external_id="", person_id=0).model_dump(exclude={"id"})
    for block in chunks(arrivals, 1000):
        rows = [person | {"name": each.name, "department_id": each.department_id} for each in block]
        ids = await tx.scalars(insert(Person).returning(col(Person.id), sort_by_parameter_order=True), rows)
        pairs = zip(block, ids, strict=True)
        accounts = [account | {"external_id": each.external_id, "person_id": key} for each, key in pairs]
        await tx.execute(insert(Identity), accounts)


async def change_people(tx: Tx, values: Mapping[int, Any], column: str) -> None:
    """Set one column of many people, each to a value of their own."""
    for block in chunks(values.items(), 1000):
        await tx.execute(update(Person), [{"id": key, column: value} for key, value in block])
