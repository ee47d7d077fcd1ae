"""Writes the changes of a directory, all in one transaction, with a row in the audit; nobody is ever deleted."""

from __future__ import annotations

from datetime import datetime

from bot.directory.model import Changes, DepartmentChange, NewDepartment, Stopped
from storage import audit, deliveries, people
from storage import directory as rows
from storage.database import Tx
from storage.models import Department


async def apply(tx: Tx, changes: Changes, now: datetime, *, actor: str = "directory", confirmed: bool = False) -> None:
    """Write `changes`; who leaves becomes inactive and is owed no more pushes.

    Raises Stopped when they say so, unless a person has `confirmed` that so many have left.
    """
    if changes.stop and not confirmed:
        raise Stopped(changes.stop)
    if not changes:
        return
    homes = await _departments(tx, changes)
    unsorted = await people.department_named(tx, people.UNSORTED)
    arrivals = [
        rows.Arrival(join.external_id, join.name, (homes.get(join.department) or unsorted).id or 0)
        for join in changes.joins
    ]
    await rows.add_people(tx, changes.platform, arrivals, now)
    await rows.change_people(tx, {move.id: homes[move.department].id for move in changes.moves}, "department_id")
    await rows.change_people(tx, {rename.id: rename.name for rename in changes.renames}, "name")
    await rows.change_people(tx, {back.id: 0 for back in changes.returns}, "unanswered")
    active = {back.id: True for back in changes.returns} | {leave.id: False for leave in changes.leaves}
    await rows.change_people(tx, active, "active")
    for leave in changes.leaves:
        await deliveries.cancel_owed(tx, leave.id, deliveries.PUSHES)
    counts = {name: count for name, count in changes.counts().items() if count}
    await audit.write(tx, now, actor, "directory.sync", changes.platform, confirmed=confirmed, **counts)


async def _departments(tx: Tx, changes: Changes) -> dict[str, Department]:
    """Write the departments; returns all of the platform's by the vendor's id."""
    platform = changes.platform
    homes = {
        vendor: department
        for department in (await rows.departments(tx)).values()
        if (vendor := rows.vendor_id(department, platform))
    }
    for department in changes.new_departments:
        homes[department.external_id] = await rows.take_department(
            tx, platform, department.external_id, department.name, department.adopts
        )
    for change in changes.changed_departments:
        await rows.rename(tx, homes[change.external_id], change.name)
    placed: list[NewDepartment | DepartmentChange] = [*changes.new_departments, *changes.changed_departments]
    for each in placed:  # first all at the top: two departments may have changed places
        await rows.place(tx, homes[each.external_id], None)
    for each in placed:
        await rows.place(tx, homes[each.external_id], homes.get(each.parent))
    return homes
