"""What we know of a platform's people and departments, as plain data, with what the people sheet decides."""

from __future__ import annotations

from collections.abc import Collection

from bot.directory.model import Known, KnownDepartment, KnownPerson, Overlay
from storage import directory as rows
from storage.database import Tx


async def load(tx: Tx, platform: str, only: Collection[str] | None = None) -> tuple[Known, Overlay]:
    """Everybody with an account on the platform, or `only` some user ids, and every department."""
    departments = await rows.departments(tx)
    vendor = {key: rows.vendor_id(department, platform) for key, department in departments.items()}
    accounts = await rows.accounts(tx, platform, only)
    known = Known(
        tuple(
            KnownDepartment(key, vendor[key], department.name, vendor.get(department.parent_id or 0, ""))
            for key, department in departments.items()
            if vendor[key] or department.external_id is None  # another platform's are not ours to change
        ),
        tuple(
            KnownPerson(
                each.person_id,
                each.external_id,
                each.name,
                vendor.get(each.department_id, ""),
                each.active,
                each.elsewhere,
            )
            for each in accounts
        ),
    )
    return known, {each.external_id: each.held for each in accounts if each.held}
