"""Takes over a sheet of people: who they are, what they may do, and what the directory must leave alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlmodel import col, select

from storage import deliveries, people
from storage.database import Tx
from storage.models import Department, Identity, Person, Role, RoleGrant


@dataclass(frozen=True)
class SheetRow:
    """One row of a people sheet, checked. What is empty or None is not said: it stays as it is, or as the vendor's
    directory has it. `above` is the parent department's name, `manager` the staff number of who leads this person."""

    line: int
    staff_no: str
    name: str = ""
    department: str = ""
    above: str = ""
    roles: tuple[Role, ...] | None = None
    learns: bool | None = None
    manager: str = ""
    external: tuple[tuple[str, str], ...] = ()  # (platform, user id)
    tags: tuple[str, ...] | None = None
    shift: tuple[time, time] | None = None
    joined_on: date | None = None
    left: bool = False


@dataclass(frozen=True)
class Trouble:
    """A row that does not fit what the database knows: its line, the column, why."""

    line: int
    column: str
    reason: str


async def put_all(tx: Tx, rows: Sequence[SheetRow], now: datetime) -> tuple[int, list[Trouble]]:
    """Add or update everybody; returns how many are new, and the troubles: with any, the transaction must not stay."""
    new, troubles, tree = 0, list[Trouble](), await people.departments(tx)
    for row in rows:
        home, trouble = await _home(tx, row, tree)
        troubles += trouble
        if not trouble:
            new += await _put(tx, row, home, now)
    for row in rows:
        troubles += await _lead(tx, row)
    return new, troubles


async def _put(tx: Tx, row: SheetRow, home: Department | None, now: datetime) -> bool:
    """Add or update the person with this staff number; True when new."""
    person = await _find(tx, row)
    new = person is None
    if person is None:
        if row.left:
            return False
        department = home or await people.department_named(tx, people.UNSORTED)
        person = Person(name=row.name or row.staff_no, department_id=department.id or 0, created_at=now)
        tx.add(person)
    person.staff_no = row.staff_no
    person.name = row.name or person.name
    if home is not None:
        person.department_id = home.id or 0
    person.active = not row.left
    person.learns = person.learns if row.learns is None else row.learns
    person.tags = person.tags if row.tags is None else list(row.tags)
    person.joined_on = row.joined_on or person.joined_on
    if row.shift:
        person.shift_start, person.shift_end = row.shift
    said = {"name": bool(row.name), "department": home is not None, "active": row.left}
    person.held = [field for field, held in said.items() if held]
    await tx.flush()
    if row.roles is not None:
        await _grant(tx, person, row.roles)
    for platform, external_id in row.external:
        await _identify(tx, person.id or 0, platform, external_id)
    if row.left:
        await deliveries.cancel_owed(tx, person.id or 0, deliveries.PUSHES)
    await tx.flush()
    return new


async def _find(tx: Tx, row: SheetRow) -> Person | None:
    """By staff number; else somebody the chat or the directory brought in, whom the sheet now names."""
    person = await people.by_staff_no(tx, row.staff_no)
    for platform, external_id in row.external if person is None else ():
        known = await people.by_identity(tx, platform, external_id)
        if known is not None and known.staff_no is None:
            person = known
    return person


async def _home(tx: Tx, row: SheetRow, tree: dict[int, Department]) -> tuple[Department | None, list[Trouble]]:
    """The department a row names, made when there is none; several of one name need their parent's."""
    if not row.department:
        return None, []
    found = [each for each in tree.values() if each.name == row.department]
    if row.above:
        found = [each for each in found if (above := tree.get(each.parent_id or 0)) and above.name == row.above]
    if len(found) == 1:
        return found[0], []
    if found:
        below = "、".join(sorted({tree[each.parent_id].name for each in found if each.parent_id in tree}))
        return None, [
            Trouble(row.line, "部门", f"有 {len(found)} 个「{row.department}」（在{below}下面），写上「上级部门」")
        ]
    parents = [each for each in tree.values() if each.name == row.above]
    if len(parents) > 1:
        return None, [Trouble(row.line, "上级部门", f"有 {len(parents)} 个「{row.above}」，认不出是哪一个")]
    parent = parents[0] if parents else await people.add_department(tx, row.above) if row.above else None
    home = await people.add_department(tx, row.department, parent)
    tree |= {each.id or 0: each for each in (parent, home) if each is not None}
    return home, []


async def _grant(tx: Tx, person: Person, roles: Sequence[Role]) -> None:
    """These roles and no others; a manager's holds for their own department."""
    for held in await tx.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)):
        await tx.delete(held)
    for role in roles:
        home = person.department_id if role is Role.MANAGER else None
        await people.grant(tx, person.id or 0, role, home)


async def _lead(tx: Tx, row: SheetRow) -> list[Trouble]:
    """Who a row names as the manager leads the department of that row."""
    if not row.manager or row.left:
        return []
    manager, person = await people.by_staff_no(tx, row.manager), await people.by_staff_no(tx, row.staff_no)
    if manager is None or person is None:
        return [Trouble(row.line, "主管", f"没有工号 {row.manager} 的人")]
    query = select(RoleGrant).where(
        RoleGrant.person_id == manager.id,
        RoleGrant.role == Role.MANAGER,
        col(RoleGrant.department_id) == person.department_id,
    )
    if (await tx.scalars(query)).first() is None:
        await people.grant(tx, manager.id or 0, Role.MANAGER, person.department_id)
    return []


async def _identify(tx: Tx, person_id: int, platform: str, external_id: str) -> None:
    query = select(Identity).where(Identity.platform == platform, Identity.external_id == external_id)
    identity = (await tx.scalars(query)).first()
    if identity is None:
        tx.add(Identity(platform=platform, external_id=external_id, person_id=person_id))
    else:
        identity.person_id = person_id
