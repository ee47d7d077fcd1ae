"""People, departments, roles, identities and absences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, text, update
from sqlmodel import col, select

from storage.database import Tx
from storage.models import Absence, Department, Identity, Person, Role, RoleGrant
from storage.statements import chunks

UNSORTED = "未分组"

_BY_IDENTITY = (
    select(Person)
    .join(Identity, col(Identity.person_id) == col(Person.id))
    .where(Identity.platform == bindparam("platform"), Identity.external_id == bindparam("external_id"))
)
_LOCKED = select(Person).where(Person.id == bindparam("person")).with_for_update()
_ROLES = select(RoleGrant.role).where(RoleGrant.person_id == bindparam("person"))


async def by_identity(tx: Tx, platform: str, external_id: str) -> Person | None:
    """The person a platform's user id belongs to."""
    return (await tx.scalars(_BY_IDENTITY, {"platform": platform, "external_id": external_id})).first()


async def get(tx: Tx, person_id: int) -> Person | None:
    return await tx.get(Person, person_id)


async def lock(tx: Tx, person_id: int) -> None:
    """Hold a person's row, as it is now, until the transaction ends: their messages are handled one after the other.

    On SQLite the transaction already holds the only write lock.
    """
    if tx.get_bind().dialect.name == "postgresql":
        await tx.scalars(_LOCKED, {"person": person_id}, execution_options={"populate_existing": True})


async def lock_new(tx: Tx) -> None:
    """Hold back everybody else who is about to add somebody or something new, until the transaction ends."""
    if tx.get_bind().dialect.name == "postgresql":
        await tx.execute(text("SELECT pg_advisory_xact_lock(7242)"))


async def enrol(tx: Tx, platform: str, external_id: str, now: datetime, name: str | None = None) -> Person:
    """A new learner known by one platform, in the department 未分组 until somebody sorts them."""
    department = await department_named(tx, UNSORTED)
    person = Person(name=name or external_id, department_id=_id(department), created_at=now)
    tx.add(person)
    await tx.flush()
    tx.add(Identity(platform=platform, external_id=external_id, person_id=_id(person)))
    await tx.flush()
    return person


async def by_staff_no(tx: Tx, staff_no: str) -> Person | None:
    return (await tx.scalars(select(Person).where(Person.staff_no == staff_no))).first()


async def named(tx: Tx, names: Sequence[str]) -> list[Person]:
    """The people of these names, in the order they were added."""
    query = select(Person).where(col(Person.name).in_(list(names))).order_by(col(Person.id))
    return list((await tx.scalars(query)).all())


async def department_named(tx: Tx, name: str, parent: Department | None = None) -> Department:
    """The department of that name, made when it is not there."""
    query = select(Department).where(Department.name == name)
    found = (await tx.scalars(query)).first()
    if found is None:
        await lock_new(tx)
        found = (await tx.scalars(query)).first()
    if found is not None:
        return found
    return await add_department(tx, name, parent)


async def add_department(tx: Tx, name: str, parent: Department | None = None) -> Department:
    """A new department, whatever others of that name there are."""
    department = Department(name=name, parent_id=parent.id if parent else None)
    tx.add(department)
    await tx.flush()
    department.path = f"{parent.path if parent else '/'}{department.id}/"
    await tx.flush()
    return department


async def departments(tx: Tx) -> dict[int, Department]:
    return {_id(d): d for d in (await tx.scalars(select(Department).order_by(col(Department.path))))}


async def roles(tx: Tx, person_id: int) -> frozenset[Role]:
    """The roles a person holds; everybody who learns is a learner."""
    granted = {Role(role) for role in await tx.scalars(_ROLES, {"person": person_id})}
    person = await tx.get(Person, person_id)
    return frozenset(granted | ({Role.LEARNER} if person is not None and person.learns else set()))


async def grant(tx: Tx, person_id: int, role: Role, department_id: int | None = None, *, deputy: bool = False) -> None:
    tx.add(RoleGrant(person_id=person_id, role=role, department_id=department_id, deputy=deputy))
    await tx.flush()


async def with_role(tx: Tx, role: Role) -> list[Person]:
    """Everybody active who holds a role, in whatever department."""
    holders = select(RoleGrant.person_id).where(RoleGrant.role == role)
    query = select(Person).where(col(Person.id).in_(holders), col(Person.active).is_(True)).order_by(col(Person.id))
    return list((await tx.scalars(query)).all())


@dataclass(frozen=True)
class Managed:
    """A manager and the departments below them, the whole subtree."""

    person: Person
    departments: frozenset[int]


async def managers(tx: Tx) -> list[Managed]:
    """Every active manager and deputy with their subtree."""
    tree = await departments(tx)
    query = (
        select(Person, RoleGrant.department_id)
        .join(RoleGrant, col(RoleGrant.person_id) == col(Person.id))
        .where(RoleGrant.role == Role.MANAGER, col(Person.active))
    )
    found: dict[int, tuple[Person, set[int]]] = {}
    for person, department_id in await tx.execute(query):
        scope = found.setdefault(_id(person), (person, set()))[1]
        scope |= below(tree, department_id)
    return [Managed(person, frozenset(scope)) for person, scope in found.values()]


async def managed_by(tx: Tx, person_id: int) -> frozenset[int]:
    """The departments a person may see as a manager; empty for everybody else."""
    tree = await departments(tx)
    query = select(RoleGrant.department_id).where(RoleGrant.person_id == person_id, RoleGrant.role == Role.MANAGER)
    scope: set[int] = set()
    for department_id in await tx.scalars(query):
        scope |= below(tree, department_id)
    return frozenset(scope)


def below(tree: dict[int, Department], department_id: int | None) -> set[int]:
    """A department and everything under it."""
    if department_id is None or department_id not in tree:
        return set()
    path = tree[department_id].path
    return {key for key, department in tree.items() if department.path.startswith(path)}


class Reached(NamedTuple):
    """Of a person what planning needs: rows of a hundred thousand `Person` would be 200 MB."""

    id: int
    department_id: int
    shift_start: time
    shift_end: time
    remind_at: time | None
    staff_no: str | None
    active: bool


async def audience(
    tx: Tx, *, everyone: bool, names: Sequence[str], tags: Sequence[str], staff_nos: Sequence[str]
) -> list[Reached]:
    """The active learners that an audience names, each once, by id."""
    columns = [getattr(Person, name) for name in Reached._fields]
    query = select(*columns).where(col(Person.active), col(Person.learns)).order_by(col(Person.id))
    learners = [Reached(*row) for row in await tx.execute(query)]
    if everyone:
        return learners
    tree = await departments(tx)
    scope = {key for d in tree.values() if d.name in names for key in below(tree, d.id)}
    tagged, numbers = await _tagged(tx, set(tags)) if tags else set(), set(staff_nos)
    return [
        person
        for person in learners
        if person.department_id in scope or person.id in tagged or person.staff_no in numbers
    ]


async def _tagged(tx: Tx, tags: set[str]) -> set[int]:
    """The ids of those who have any of the tags."""
    return {key for key, held in await tx.execute(select(Person.id, Person.tags)) if tags & set(held)}


async def unknown_in_audience(tx: Tx, names: Sequence[str], staff_nos: Sequence[str]) -> list[str]:
    """The department names and staff numbers that nobody has."""
    known = {d.name for d in (await departments(tx)).values()}
    numbers = set(await tx.scalars(select(Person.staff_no).where(col(Person.staff_no).in_(list(staff_nos)))))
    return [name for name in names if name not in known] + [no for no in staff_nos if no not in numbers]


async def learners(tx: Tx, department_ids: Collection[int] | None = None) -> list[Person]:
    """The active learners of some departments, or of all."""
    query = select(Person).where(col(Person.active), col(Person.learns))
    if department_ids is not None:
        query = query.where(col(Person.department_id).in_(list(department_ids)))
    return list((await tx.scalars(query.order_by(col(Person.id)))).all())


async def addresses(tx: Tx, person_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Where each person wants to be written to: (platform, external id)."""
    query = (
        select(Identity.person_id, Identity.platform, Identity.external_id)
        .where(col(Identity.preferred))
        .order_by(col(Identity.id))
    )
    wanted = set(person_ids)
    if len(wanted) <= 500:
        query = query.where(col(Identity.person_id).in_(list(wanted)))
    found: dict[int, tuple[str, str]] = {}
    for person_id, platform, external_id in await tx.execute(query):
        if person_id in wanted:
            found.setdefault(person_id, (platform, external_id))
    return found


async def change(tx: Tx, person_id: int, **values: Any) -> None:
    """Set columns of one person, also in the row that is already loaded."""
    await tx.execute(update(Person).where(col(Person.id) == person_id).values(**values))


async def count_unanswered(tx: Tx, person_ids: Collection[int]) -> None:
    """One more push without an answer for each."""
    for chunk in chunks(person_ids):
        query = update(Person).where(col(Person.id).in_(chunk)).values(unanswered=col(Person.unanswered) + 1)
        await tx.execute(query, execution_options={"synchronize_session": False})


async def silent(tx: Tx, person_ids: Collection[int], times: int) -> list[Person]:
    """Those who have left at least so many pushes in a row unanswered."""
    found: list[Person] = []
    for chunk in chunks(person_ids):
        query = select(Person).where(col(Person.id).in_(chunk), col(Person.unanswered) >= times)
        found += (await tx.scalars(query.execution_options(populate_existing=True))).all()
    return found


async def add_absence(tx: Tx, person_id: int, kind: str, first: date, last: date | None, now: datetime) -> Absence:
    absence = Absence(person_id=person_id, kind=kind, first_day=first, last_day=last, created_at=now)
    tx.add(absence)
    await tx.flush()
    return absence


async def end_absences(tx: Tx, person_id: int, today: date) -> int:
    """End everything that holds today or later; returns how many there were. What lies behind stays on record."""
    query = select(Absence).where(Absence.person_id == person_id, _not_over(today))
    rows = list((await tx.scalars(query)).all())
    for row in rows:
        if row.first_day >= today:
            await tx.delete(row)
        else:
            row.last_day = date.fromordinal(today.toordinal() - 1)
    await tx.flush()
    return len(rows)


async def absence_on(tx: Tx, person_id: int, day: date) -> Absence | None:
    query = select(Absence).where(Absence.person_id == person_id, col(Absence.first_day) <= day, _not_over(day))
    return (await tx.scalars(query.order_by(col(Absence.id).desc()))).first()


async def absent_on(tx: Tx, day: date) -> dict[int, str]:
    """Everybody absent on a day, with the kind of absence."""
    query = select(Absence.person_id, Absence.kind).where(col(Absence.first_day) <= day, _not_over(day))
    return dict((await tx.execute(query)).all())


async def leaves_between(tx: Tx, first: date, last: date) -> dict[int, list[Absence]]:
    """Leaves that touch a span of days, by person."""
    query = select(Absence).where(Absence.kind == "leave", col(Absence.first_day) <= last, _not_over(first))
    found: dict[int, list[Absence]] = {}
    for row in await tx.scalars(query):
        found.setdefault(row.person_id, []).append(row)
    return found


def _not_over(day: date) -> Any:
    return or_(col(Absence.last_day).is_(None), col(Absence.last_day) >= day)


def _id(row: Any) -> int:
    """The primary key of a row that has been flushed."""
    assert row.id is not None
    return int(row.id)
