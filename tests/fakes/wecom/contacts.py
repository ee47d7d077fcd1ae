"""WeCom's directory as one app may read it, and its logins: visible range, hidden fields, codes that work once.

WC90208, WC95350 (departments), WC90201, WC90200, WC96067 (members), WC90227 (the app), WC91022, WC91023, WC98152.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from yarl import URL

from tests.fakes.handed import handed
from tests.fakes.wecom.server import FakeWecom
from tests.fakes.wecom.tokens import Answer, Refusal, Token

_IN_CLIENT = URL("https://open.weixin.qq.com/connect/oauth2/authorize")
_IN_BROWSER = URL("https://login.work.weixin.qq.com/wwlogin/sso/login")
_STATE = re.compile(r"[A-Za-z0-9]{1,128}")
_DETAILS = ("userid", "name", "department", "main_department", "status", "order", "position", "isleader", "extattr")


@dataclass
class Member:
    """Somebody in the corp. `status`: 1 active, 2 disabled, 4 not activated, 5 left."""

    userid: str
    name: str
    departments: list[int]
    status: int = 1


@dataclass
class Code:
    userid: str  # empty for somebody outside the corp
    until: datetime
    used: bool = False


class FakeContacts:
    """The corp's departments and members, served by a FakeWecom. Knobs are plain attributes."""

    def __init__(self, fake: FakeWecom) -> None:
        self.fake = fake
        self.departments: dict[int, tuple[str, int]] = {1: ("演示银行", 0)}  # id → name, parent
        self.members: list[Member] = []
        self.range_departments: set[int] = {1}
        self.range_users: set[str] = set()
        self.range_tags: set[int] = set()
        self.tags: dict[int, tuple[set[str], set[int]]] = {}  # id → userids, departments
        self.hidden: set[str] = set()  # fields that are not returned: name, status, main_department, department_name
        self.closed, self.domain = False, ""
        self._codes: dict[str, Code] = {}
        for path, handler in (
            ("department/list", self._list),
            ("department/simplelist", self._simplelist),
            ("user/list", self._users),
            ("user/simplelist", self._simple_users),
            ("user/get", self._user),
            ("agent/get", self._agent),
            ("tag/get", self._tag),
            ("auth/getuserinfo", self._userinfo),
        ):
            fake.api.add(path, "GET", handler)
        fake.api.add("user/list_id", "POST", self._list_id)

    # What happens in the corp

    def department(self, number: int, name: str, parent: int = 1) -> None:
        self.departments[number] = name, parent

    def hire(self, userid: str, name: str, *departments: int, status: int = 1) -> Member:
        """Somebody new; the fake's messages know who is visible."""
        member = Member(userid, name, list(departments), status)
        self.members.append(member)
        self.fake.vendor.members.append(userid)
        return member

    def fire(self, userid: str) -> None:
        """Somebody is deleted from the corp."""
        self.members = [member for member in self.members if member.userid.casefold() != userid.casefold()]
        self.fake.revoke_user(userid)

    def log_in(self, url: str, userid: str = "") -> URL:
        """Somebody opens an authorize address and agrees; returns where the vendor sends the browser. An empty userid
        is somebody outside the corp. Raises ValueError for an address the vendor would refuse."""
        asked = URL(url)
        if not re.search(r"[?&]redirect_uri=https?%3A%2F%2F", url):
            raise ValueError("redirect_uri is not percent-encoded")
        query = self._checked(asked)
        back = URL(query["redirect_uri"])
        if not self.domain or f"{back.host}:{back.port}" != self.domain:
            raise ValueError("50001: redirect_uri is not on the app's trusted domain")
        member = self._member(userid)
        code = handed("login code", secrets.token_urlsafe(32))
        until = self.fake.clock.now() + timedelta(minutes=5)
        self._codes[code] = Code(member.userid if member else "", until)
        return back.update_query(code=code, state=query["state"])

    def _checked(self, asked: URL) -> dict[str, str]:
        query = dict(asked.query)
        app = {"appid": self.fake.vendor.corp_id, "agentid": str(self.fake.vendor.agent_id)}
        if asked.with_query(None).with_fragment(None) == _IN_CLIENT:
            fixed = {"response_type": "code", "scope": "snsapi_base"} | app
            if asked.fragment != "wechat_redirect":
                raise ValueError("#wechat_redirect is missing")
        elif asked.with_query(None) == _IN_BROWSER:
            fixed = {"login_type": "CorpApp"} | app
        else:
            raise ValueError(f"{asked.host} is no login of WeCom")
        if set(query) != {*fixed, "redirect_uri", "state"} or not fixed.items() <= query.items():
            raise ValueError(f"wrong parameters: {sorted(query)}")
        if not _STATE.fullmatch(query["state"]):
            raise ValueError("state is not of 128 letters and digits")
        return query

    # What the app may see

    def _shown(self) -> set[int]:
        """The departments in the visible range: those named, by tags too, and everything below them."""
        named = self.range_departments | {each for _, parties in self._in_force() for each in parties}
        return self._with_below(named)

    def _with_below(self, named: set[int]) -> set[int]:
        found = named & set(self.departments)
        while True:
            more = {key for key, (_, parent) in self.departments.items() if parent in found} - found
            if not more:
                return found
            found |= more

    def _sees(self, member: Member) -> bool:
        tagged = {each for users, _ in self._in_force() for each in users}
        range_users = {each.casefold() for each in self.range_users | tagged}
        return bool(self._shown() & set(member.departments)) or member.userid.casefold() in range_users

    def _in_force(self) -> list[tuple[set[str], set[int]]]:
        """The tags that make the app visible."""
        return [self.tags[tag] for tag in self.range_tags if tag in self.tags]

    def _member(self, userid: str) -> Member | None:
        return next((each for each in self.members if each.userid.casefold() == userid.casefold()), None)

    def _row(self, member: Member, fields: Iterable[str]) -> Answer:
        everything: Answer = {
            "userid": member.userid,
            "name": member.name,
            "department": member.departments,
            "main_department": member.departments[0] if member.departments else 0,
            "status": member.status,
            "order": [0] * len(member.departments),
            "position": "",
            "isleader": 0,
            "extattr": {"attrs": []},
        }
        return {name: everything[name] for name in fields if name not in self.hidden}

    # The API

    async def _list(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        rows = []
        for key in self._below(request):
            name, parent = self.departments[key]
            shown = {} if "department_name" in self.hidden else {"name": name, "name_en": ""}
            rows.append({"id": key, **shown, "parentid": parent, "order": 100000000 - key, "department_leader": []})
        return _ok(department=rows)

    async def _simplelist(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        rows = [{"id": key, "parentid": self.departments[key][1], "order": key} for key in self._below(request)]
        return _ok(department_id=rows)

    def _below(self, request: web.Request) -> list[int]:
        """Without an id what the range names; what only a tag names may be asked for by id (the documents leave open
        whether it is listed without, so the stricter reading holds)."""
        top = _query(request, (), ("id",)).get("id")
        shown = self._with_below(self.range_departments)
        if top is not None:
            shown = self._with_below({int(top)}) & self._shown() if top.isdigit() else set()
        if not shown:
            raise Refusal(60011)
        return sorted(shown, reverse=True)  # children before parents: nothing is said about the order

    def _of_department(self, request: web.Request) -> list[Member]:
        number = _query(request, ("department_id",))["department_id"]
        if not number.isdigit():
            raise Refusal(40058)
        if int(number) not in self.departments:
            raise Refusal(60003)
        if int(number) not in self._shown():
            raise Refusal(60011)
        return [member for member in self.members if int(number) in member.departments]

    async def _users(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        return _ok(userlist=[self._row(member, _DETAILS) for member in self._of_department(request)])

    async def _simple_users(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        return _ok(userlist=[self._row(member, _DETAILS[:3]) for member in self._of_department(request)])

    async def _user(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        userid = _query(request, ("userid",))["userid"]
        member = self._member(userid)
        if member is None:
            raise Refusal(60111)
        if not self._sees(member):
            raise Refusal(60011)
        return _ok(**self._row(member, ("userid", "name", "department", "main_department", "status")))

    async def _agent(self, token: Token, request: web.Request, _raw: bytes) -> Answer:
        if _query(request, ("agentid",))["agentid"] != str(self.fake.vendor.agent_of(token)):
            raise Refusal(301002)
        return _ok(
            agentid=self.fake.vendor.agent_id,
            name="接话教练",
            description="",
            allow_userinfos={"user": [{"userid": each} for each in sorted(self.range_users)]},
            allow_partys={"partyid": sorted(self.range_departments)},
            allow_tags={"tagid": sorted(self.range_tags)},
            close=int(self.closed),
            redirect_domain=self.domain,
        )

    async def _tag(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        """tag/get (WC90213): its members inside the visible range."""
        number = _query(request, ("tagid",))["tagid"]
        users, parties = self.tags.get(int(number) if number.isdigit() else 0, (None, None))
        if users is None or parties is None:
            raise Refusal(40068)
        found = [member for member in map(self._member, sorted(users)) if member and self._sees(member)]
        rows = [{"userid": member.userid, "name": member.name} for member in found]
        return _ok(tagname="标签", userlist=rows, partylist=sorted(parties & self._shown()))

    async def _list_id(self, _token: Token, _request: web.Request, _raw: bytes) -> Answer:
        raise Refusal(48002)  # for the secret of 通讯录同步 only (WC96067)

    async def _userinfo(self, _token: Token, request: web.Request, _raw: bytes) -> Answer:
        code = self._codes.get(_query(request, ("code",))["code"])
        if code is None:
            raise Refusal(40029)
        if code.used:
            raise Refusal(42022)
        if self.fake.clock.now() >= code.until:
            raise Refusal(42003)
        code.used = True
        return _ok(userid=code.userid) if code.userid else _ok(openid="o-outsider", external_userid="wm-outsider")


def _ok(**fields: Any) -> Answer:
    return {"errcode": 0, "errmsg": "ok"} | fields


def _query(request: web.Request, needed: Collection[str], allowed: Collection[str] = ()) -> dict[str, str]:
    """The parameters beside the token: all that are needed, and none that nobody knows."""
    query = {name: value for name, value in request.query.items() if name != "access_token"}
    if not set(needed) <= set(query) or not set(query) <= {*needed, *allowed} or not all(query.values()):
        raise Refusal(40058, "Warning: wrong json format.")
    return query
