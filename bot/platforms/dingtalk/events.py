"""The organisation's events that concern the directory: who joined, changed or left (protocols.md E3, E7). Pure.

Over Stream the event's name stands in the frame's header and the data say `userId`; over HTTP both stand in the data,
as `EventType` and `UserId`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.platforms.base import ContactChange

_USERS, _DEPARTMENTS = ("userId", "UserId"), ("deptId", "DeptId")
SUBJECTS: dict[str, tuple[str, ...]] = {
    "user_add_org": _USERS,
    "user_active_org": _USERS,  # from now on they can be written to
    "user_modify_org": _USERS,
    "user_leave_org": _USERS,
    "org_dept_create": _DEPARTMENTS,
    "org_dept_modify": _DEPARTMENTS,
    "org_dept_remove": _DEPARTMENTS,
}


def contact_changes(data: Mapping[str, Any], what: str = "") -> list[ContactChange]:
    """One change for each person or department an event names; none for an event of another kind."""
    what = what or str(data.get("EventType", ""))
    found: Any = next((data[name] for name in SUBJECTS.get(what, ()) if data.get(name)), [])
    subjects = found if isinstance(found, list) else [found]
    person = SUBJECTS.get(what) is _USERS
    return [ContactChange("dingtalk", what, str(each), person) for each in subjects if isinstance(each, str | int)]
