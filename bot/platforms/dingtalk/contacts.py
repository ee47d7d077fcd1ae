"""The departments and people that one DingTalk app may read (DT-A0082, DT-A0062; auth/scopes, department/get and
user/get by the pages of these names on help.dingtalk.io)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from typing import Any

from bot.core.errors import Temporary
from bot.directory.model import DirDepartment, Directory, DirPerson
from bot.platforms.contacts import MOST_ASKED, Pause, asked_for, patiently
from bot.platforms.dingtalk.old_api import NO_DEPARTMENT, NOBODY, NOT_OURS, OldApi, accepted

ROOT = 1
PAGE = 100  # the most one page of user/list holds
_MOST_PAGES = 5000  # of one department

_SCOPES = "/auth/scopes"
_SUBS, _DEPARTMENT = "/topapi/v2/department/listsub", "/topapi/v2/department/get"
_USERS, _USER = "/topapi/v2/user/list", "/topapi/v2/user/get"
_REFUSED = NO_DEPARTMENT | NOT_OURS

NO_NAMES = "有部门的名称没有返回，先用编号代替"


class Contacts:
    """Reads with the app's own token. User ids are kept exactly: what their case means is not documented."""

    def __init__(self, api: OldApi, *, pause: Pause = asyncio.sleep) -> None:
        self._api, self._pause = api, pause

    async def read(self, also: Collection[str] = ()) -> Directory:
        """Every department and person in the app's range.

        Somebody removed between two pages moves the others up, so who is missing is asked for by id. Raises Permanent,
        Temporary or Misconfigured; a department that refuses is a gap, and then nobody is missing.
        """
        roots, singles = await self._range()
        departments: dict[str, DirDepartment] = {}
        people: dict[str, DirPerson] = {}
        gaps: list[str] = []
        for department in await self._departments(roots, gaps):
            departments[department.external_id] = department
            for person in await self._members(department, gaps):
                people.setdefault(person.external_id, person)
        whole = not gaps
        asked, left_out = await asked_for(self.person, {*also, *singles}, people)
        people |= {person.external_id: person for person in asked}
        if left_out:
            gaps.append(f"部门里没看到的账号太多，只核对了前 {MOST_ASKED} 个")
        if not all(department.name for department in departments.values()):
            gaps.append(NO_NAMES)
        found = tuple(departments.values()), tuple(people.values())
        return Directory("dingtalk", *found, tuple(gaps), whole and not left_out)

    async def person(self, external_id: str) -> DirPerson:
        """POST topapi/v2/user/get; inactive when there is no such person in the app's range."""
        data = await self._ask(_USER, {"userid": external_id})
        gone = data["errcode"] in NOBODY | NOT_OURS
        return DirPerson(external_id, "", active=False) if gone else _person(_object(accepted(data)))

    def spelt(self, external_id: str) -> str:
        return external_id

    async def _range(self) -> tuple[list[int], set[str]]:
        """The topmost departments and the single people the app may read: GET auth/scopes."""
        scopes = accepted(await self._ask(_SCOPES, None)).get("auth_org_scopes")
        if not isinstance(scopes, Mapping):
            return [ROOT], set()
        users = scopes.get("authed_user")
        return _ids(scopes.get("authed_dept")), {str(each) for each in users} if isinstance(users, list) else set()

    async def _departments(self, roots: list[int], gaps: list[str]) -> list[DirDepartment]:
        """The roots and everything below them; listsub shows one level only (DT-A0082)."""
        found: dict[int, DirDepartment] = {}
        waiting: deque[DirDepartment] = deque()
        for root in roots:
            data = await self._ask(_DEPARTMENT, {"dept_id": root})
            row = _object(data) if data["errcode"] == 0 else {"dept_id": root}
            waiting.append(_department(row))
        while waiting:
            department = waiting.popleft()
            key = int(department.external_id)
            if key in found:
                continue
            found[key] = department
            data = await self._ask(_SUBS, {"dept_id": key})
            if data["errcode"] in _REFUSED:
                gaps.append(f"部门「{department.name or key}」的下级不让读")
                continue
            waiting.extend(_department(row) for row in _rows(accepted(data).get("result")))
        return list(found.values())

    async def _members(self, department: DirDepartment, gaps: list[str]) -> list[DirPerson]:
        """The direct members of one department, page by page; a page may be empty and not the last (DT-A0062)."""
        found: list[DirPerson] = []
        cursor, passed = 0, set[int]()
        while cursor not in passed and len(passed) < _MOST_PAGES:
            passed.add(cursor)
            body = {"dept_id": int(department.external_id), "cursor": cursor, "size": PAGE}
            data = await self._ask(_USERS, body)
            if data["errcode"] in _REFUSED:
                gaps.append(f"部门「{department.name or department.external_id}」不让读")
                return found
            page = _object(accepted(data))
            found += [_person(row) for row in _rows(page.get("list"))]
            following = page.get("next_cursor")
            if not page.get("has_more"):
                return found
            if isinstance(following, bool) or not isinstance(following, int):
                break
            cursor = following
        raise Temporary("钉钉的成员名单翻不到下一页", "garbage")

    async def _ask(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        """An answer whose errcode is 0 or says something about who may be seen; everything else raises."""

        async def call() -> dict[str, Any]:
            data = await self._api.ask(path, body)
            return data if data["errcode"] in {0} | NOBODY | _REFUSED else accepted(data)

        return await patiently(call, self._pause)


def _department(row: Mapping[str, Any]) -> DirDepartment:
    number, parent = row.get("dept_id"), row.get("parent_id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Temporary("钉钉的答复里有部门没有编号", "garbage")
    return DirDepartment(str(number), str(row.get("name") or ""), str(parent) if isinstance(parent, int) else "")


def _person(row: Mapping[str, Any]) -> DirPerson:
    """A person. `active` false: the account has not been activated, so nothing can be sent to it."""
    userid = row.get("userid")
    if not isinstance(userid, str) or not userid:
        raise Temporary("钉钉的答复里有人没有账号", "garbage")
    homes = tuple(str(each) for each in _ids(row.get("dept_id_list")))
    return DirPerson(userid, str(row.get("name") or ""), homes, row.get("active", True) is not False)


def _ids(value: object) -> list[int]:
    return [each for each in value if isinstance(each, int)] if isinstance(value, list) else []


def _object(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer's `result`. Raises Temporary when there is none."""
    value = data.get("result")
    if not isinstance(value, Mapping):
        raise Temporary("钉钉的答复里没有 result", "garbage")
    return value


def _rows(value: object) -> list[Mapping[str, Any]]:
    """A list of objects. Raises Temporary when there is none: an empty organisation would be a lie."""
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Temporary("钉钉的答复里没有名单", "garbage")
    return value
