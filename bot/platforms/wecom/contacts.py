"""The members and departments inside the visible range of one app.

Departments WC90208 and WC95350, members WC90201 and WC90200, tags WC90213, the app itself WC90227.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import Misconfigured, Temporary
from bot.directory.model import DirDepartment, Directory, DirPerson
from bot.platforms.contacts import MOST_ASKED, Pause, asked_for, patiently
from bot.platforms.wecom.api import Api, accepted

_ACTIVE = 1  # 2 disabled, 4 not activated, 5 left: none of them can be written to (WC90200)
_NOT_OURS = frozenset({50002, 60011, 60021})  # outside the visible range
_NOBODY = frozenset({40003, 46004, 60111}) | _NOT_OURS
_NO_RIGHTS = frozenset({48001, 48002})
_NO_DEPARTMENT = frozenset({60003}) | _NOT_OURS  # 60003: gone between two calls
_NO_TAG = frozenset({40068}) | _NO_RIGHTS | _NOT_OURS

NO_RANGE = "应用的可见范围没有返回，单独加进来的成员可能看不到"
NO_TAG = "可见范围里有标签不让读，按标签加的成员只核对已经认识的"
NO_STATUS = "成员状态没有返回，都当作在职"
NO_NAMES = "部门名称没有返回，新部门先用编号代替"
NO_PEOPLE_NAMES = "有成员的姓名没有返回，先用账号代替"


@dataclass(frozen=True)
class App:
    """What the console says of the app: who sees it, whether it is switched off, the domain its pages may live on."""

    name: str
    closed: bool
    domain: str
    users: frozenset[str]
    departments: frozenset[str]
    tags: frozenset[str]


class Contacts:
    """Reads with the app's own token, which shows the visible range and nothing else."""

    def __init__(self, api: Api, agent_id: int, *, pause: Pause = asyncio.sleep) -> None:
        self._api, self._agent_id, self._pause = api, agent_id, pause

    async def read(self, also: Collection[str] = ()) -> Directory:
        """Every department and member we may see. User ids are case-folded.

        Raises Permanent, Temporary or Misconfigured; a department that refuses is a gap, and then nobody is missing.
        """
        departments, gaps = await self._departments()
        reading = _Reading(gaps)
        app = await self._visible(reading)
        tagged = await self._tagged(app.tags, departments, reading)
        for department in departments:
            await self._members(department, reading)
        wanted = {self.spelt(each) for each in also} | app.users | tagged
        singles, left_out = await asked_for(self.person, wanted, reading.people)
        for person in singles:
            reading.people[person.external_id] = person
        if left_out:
            reading.miss(f"部门里没看到的账号太多，只核对了前 {MOST_ASKED} 个")
        people = tuple(reading.people.values())
        if any(person.active and not person.name for person in people):
            reading.gaps.append(NO_PEOPLE_NAMES)
        return Directory("wecom", tuple(departments), people, tuple(reading.gaps), reading.whole)

    async def person(self, external_id: str) -> DirPerson:
        """GET user/get (WC90200); inactive when there is no such member in the visible range."""
        data = await self._ask("user/get", {"userid": external_id})
        gone = data["errcode"] in _NOBODY
        return DirPerson(self.spelt(external_id), "", active=False) if gone else _person(accepted(data))

    def spelt(self, external_id: str) -> str:
        return external_id.casefold()  # WeCom ignores case (WC90236)

    async def app(self) -> App:
        """GET agent/get (WC90227)."""
        data = accepted(await self._ask("agent/get", {"agentid": str(self._agent_id)}))
        users = _rows(_part(data, "allow_userinfos"), "user")
        return App(
            str(data.get("name", "")),
            bool(data.get("close")),
            str(data.get("redirect_domain", "")),
            frozenset(str(user.get("userid", "")).casefold() for user in users) - {""},
            frozenset(_ids(_part(data, "allow_partys").get("partyid"))),
            frozenset(_ids(_part(data, "allow_tags").get("tagid"))),
        )

    async def _visible(self, reading: _Reading) -> App:
        try:
            return await self.app()
        except Misconfigured as error:
            if int(error.code) not in _NO_RIGHTS:
                raise
            reading.gaps.append(NO_RANGE)
            return App("", False, "", frozenset(), frozenset(), frozenset())

    async def _tagged(self, tags: Collection[str], departments: list[DirDepartment], reading: _Reading) -> set[str]:
        """The members of the tags that make the app visible (tag/get, WC90213); their departments join `departments`.

        A tag that refuses is a gap; who is known already is still asked for by name.
        """
        users, known = set[str](), {department.external_id for department in departments}
        for tag in sorted(tags):
            data = await self._ask("tag/get", {"tagid": tag})
            if data["errcode"] != 0:
                reading.gaps += [] if NO_TAG in reading.gaps else [NO_TAG]
                continue
            users |= {str(user.get("userid", "")).casefold() for user in _rows(data, "userlist")} - {""}
            for party in _ids(data.get("partylist")):
                below, gaps = ([], []) if party in known else await self._departments(party)
                departments += [each for each in below if each.external_id not in known]
                known |= {each.external_id for each in below}
                reading.gaps += [gap for gap in gaps if gap not in reading.gaps]
        return users

    async def _departments(self, top: str = "") -> tuple[list[DirDepartment], list[str]]:
        """All departments in the visible range, or one and all below it: department/list, else without names
        (WC90208, WC95350)."""
        query = {"id": top} if top else {}
        data, gaps = await self._ask("department/list", query), []
        rows = "department"
        if data["errcode"] in _NO_RIGHTS:
            data, rows = await self._ask("department/simplelist", query), "department_id"
        if data["errcode"] in _NOT_OURS:  # only single members are visible, no department
            return [], []
        found = [
            DirDepartment(str(row["id"]), str(row.get("name") or ""), str(row.get("parentid") or ""))
            for row in _rows(accepted(data), rows)
            if row.get("id")
        ]
        if any(not department.name for department in found):
            gaps.append(NO_NAMES)
        return found, gaps

    async def _members(self, department: DirDepartment, reading: _Reading) -> None:
        """The direct members of one department: user/list, else user/simplelist, which has no status (WC90201)."""
        query = {"department_id": department.external_id}
        data = await self._ask("user/list", query) if reading.details else {"errcode": 48002}
        if data["errcode"] in _NO_RIGHTS:
            reading.details = False
            data = await self._ask("user/simplelist", query)
        if data["errcode"] in _NO_DEPARTMENT:
            reading.miss(f"部门「{department.name or department.external_id}」不让读")
            return
        for row in _rows(accepted(data), "userlist"):
            reading.add(row)

    async def _ask(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """An answer whose errcode is 0 or says something about who may see what; everything else raises."""

        async def call() -> dict[str, Any]:
            data = await self._api.get(path, query)
            understood = {0} | _NOBODY | _NO_DEPARTMENT | _NO_TAG
            return data if data["errcode"] in understood else accepted(data)

        return await patiently(call, self._pause)


class _Reading:
    """What has been found so far."""

    def __init__(self, gaps: list[str]) -> None:
        self.gaps, self.people, self.whole, self.details = gaps, dict[str, DirPerson](), True, True

    def miss(self, gap: str) -> None:
        self.gaps.append(gap)
        self.whole = False

    def add(self, row: Mapping[str, Any]) -> None:
        """A member stands in the list of each of their departments; the first time says it all."""
        person = _person(row)
        self.people.setdefault(person.external_id, person)
        if "status" not in row and NO_STATUS not in self.gaps:
            self.gaps.append(NO_STATUS)


def _person(row: Mapping[str, Any]) -> DirPerson:
    """A member. Some apps are given the userid in place of the name."""
    userid = row.get("userid")
    if not isinstance(userid, str) or not userid:
        raise Temporary("企业微信的答复里有成员没有账号", "garbage")
    name = str(row.get("name") or "")
    main, homes = _ids([row.get("main_department")]), _ids(row.get("department"))
    return DirPerson(
        userid.casefold(),
        "" if name == userid else name,
        tuple(dict.fromkeys([*main, *homes])),
        row.get("status", _ACTIVE) == _ACTIVE,
    )


def _ids(value: object) -> list[str]:
    """Vendor ids as text; they are numbers, and 0 is none."""
    return [str(each) for each in value if isinstance(each, int) and each] if isinstance(value, list) else []


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, Mapping) else {}


def _rows(data: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    """A list of objects. Raises Temporary when the answer has none: an empty organisation would be a lie."""
    value = data.get(name)
    if value is None and name == "user":
        return []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Temporary(f"企业微信的答复里没有 {name}", "garbage")
    return value
