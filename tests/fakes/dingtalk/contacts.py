"""DingTalk's directory as one app may read it, and its logins: one level at a time, pages, ranges, codes used once.

DT-A0082 (listsub), DT-A0062 (user/list), DT-A0013 (errcodes), DT-A0029, A0032, A0054 (login); auth/scopes,
department/get, user/get, user/getbyunionid by the pages of these names on help.dingtalk.io.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from yarl import URL

from tests.fakes.dingtalk.server import FakeDingTalk
from tests.fakes.dingtalk.vendor import Answer, Refusal
from tests.fakes.handed import handed

_AUTHORIZE = URL("https://login.dingtalk.com/oauth2/auth")


@dataclass
class Member:
    """Somebody in the organisation; `active`: they have activated their account."""

    userid: str
    name: str
    departments: list[int]
    active: bool = True

    @property
    def unionid(self) -> str:
        return f"union-{self.userid}"


@dataclass
class Code:
    unionid: str
    until: datetime
    used: bool = False


class FakeContacts:
    """The organisation's departments and people, served by a FakeDingTalk. Knobs are plain attributes.

    `after_page` is called after every page of members: somebody may leave just then. `empty_pages` puts an empty page
    with has_more before the members of every department.
    """

    def __init__(self, fake: FakeDingTalk) -> None:
        self.fake = fake
        self.departments: dict[int, tuple[str, int]] = {1: ("演示银行", 0)}
        self.members: list[Member] = []
        self.scope_departments, self.scope_users = [1], list[str]()
        self.page, self.empty_pages = 100, False
        self.after_page: Callable[[], None] = lambda: None
        self.redirects: set[str] = set()  # 重定向 URL of the console
        self.permitted = True
        self._codes: dict[str, Code] = {}
        self._user_tokens: dict[str, str] = {}
        for path, handler in (
            ("topapi/v2/department/get", self._department),
            ("topapi/v2/department/listsub", self._subs),
            ("topapi/v2/user/list", self._users),
            ("topapi/v2/user/get", self._user),
            ("topapi/user/getbyunionid", self._by_union),
        ):
            fake.more[path] = self._old("POST", handler)
        fake.more["auth/scopes"] = self._old("GET", self._scopes)
        fake.more["v1.0/oauth2/userAccessToken"] = self._user_token
        fake.more["v1.0/contact/users/me"] = self._me

    # What happens in the organisation

    def department(self, number: int, name: str, parent: int = 1) -> None:
        self.departments[number] = name, parent

    def hire(self, userid: str, name: str, *departments: int, active: bool = True) -> Member:
        member = Member(userid, name, list(departments), active)
        self.members.append(member)
        self.fake.vendor.members.append(userid)
        return member

    def fire(self, userid: str) -> None:
        self.members = [member for member in self.members if member.userid != userid]
        self.fake.vendor.members = [name for name in self.fake.vendor.members if name != userid]

    def log_in(self, url: str, unionid: str) -> URL:
        """Somebody opens an authorize address and agrees; returns where the vendor sends the browser. Raises
        ValueError for an address the vendor would refuse."""
        asked = URL(url)
        if not re.search(r"[?&]redirect_uri=https?%3A%2F%2F", url):
            raise ValueError("redirect_uri is not percent-encoded")
        query = dict(asked.query)
        fixed = {"response_type": "code", "client_id": self.fake.client_id, "scope": "openid", "prompt": "consent"}
        if asked.with_query(None) != _AUTHORIZE or asked.fragment:
            raise ValueError(f"{asked.host} is no login of DingTalk")
        if set(query) != {*fixed, "redirect_uri", "state"} or not fixed.items() <= query.items():
            raise ValueError(f"wrong parameters: {query}")
        if query["redirect_uri"] not in self.redirects:
            raise ValueError("redirect_uri is not registered")
        code = handed("login code", secrets.token_hex(16))
        self._codes[code] = Code(unionid, self.fake.clock.now() + timedelta(minutes=5))
        return URL(query["redirect_uri"]).update_query(authCode=code, state=query["state"])

    # The old API

    def _old(self, method: str, handler: Callable[[Any], Answer]) -> Callable[[web.Request, Any], Answer]:
        """A handler behind the method, the token in the query and the permission."""

        def serve(request: web.Request, body: Any) -> Answer:
            vendor = self.fake.vendor
            if vendor.banned:
                vendor.admit("contacts")
            if not vendor.address_allowed:
                raise _refused(60020, "ip not in whitelist")
            try:
                vendor.check_token(request.query.get("access_token"))
            except Refusal:
                raise _refused(40014, "不合法的access_token") from None
            if request.method != method or (method == "POST" and not isinstance(body, dict)):
                raise _refused(43002, "need POST")
            if not self.permitted:
                raise _refused(88, "ding talk error", sub_code="60011")
            return {"errcode": 0, "errmsg": "ok", "request_id": "r", **handler(body)}

        return serve

    def _shown(self) -> set[int]:
        found = set(self.scope_departments) & set(self.departments)
        while True:
            more = {key for key, (_, parent) in self.departments.items() if parent in found} - found
            if not more:
                return found
            found |= more

    def _number(self, body: Any, allowed: set[str]) -> int:
        number = body.get("dept_id")
        if not isinstance(number, int) or set(body) - allowed - {"dept_id", "language"}:
            raise _refused(400002, "参数错误")
        if number not in self.departments:
            raise _refused(60003, "部门不存在")
        if number not in self._shown():
            raise _refused(50004, "部门不在授权范围内") if number == 1 else _refused(60011, "no privilege")
        return number

    def _scopes(self, _body: Any) -> Answer:
        scopes = {"authed_dept": list(self.scope_departments), "authed_user": list(self.scope_users)}
        return {"auth_user_field": ["name"], "auth_org_scopes": scopes}

    def _department(self, body: Any) -> Answer:
        number = self._number(body, set())
        name, parent = self.departments[number]
        return {"result": {"dept_id": number, "name": name, **({"parent_id": parent} if parent else {}), "order": 0}}

    def _subs(self, body: Any) -> Answer:
        """The next level only."""
        above = self._number(body, set())
        rows = [(key, name) for key, (name, parent) in self.departments.items() if parent == above]
        more = {"create_dept_group": True, "auto_add_user": True}
        return {"result": [{"dept_id": key, "name": name, "parent_id": above, **more} for key, name in rows]}

    def _users(self, body: Any) -> Answer:
        number = self._number(body, {"cursor", "size", "order_field", "contain_access_limit"})
        cursor, size = body.get("cursor"), body.get("size")
        if not isinstance(cursor, int) or not isinstance(size, int) or not 1 <= size <= 100 or cursor < 0:
            raise _refused(400002, "参数错误")
        size = min(size, self.page)
        if self.empty_pages:
            if cursor == 0:
                return {"result": {"has_more": True, "next_cursor": 1000, "list": []}}
            cursor -= 1000
        rows = [member for member in self.members if number in member.departments]
        part, rest = rows[cursor : cursor + size], rows[cursor + size :]
        following = {"next_cursor": cursor + size + 1000 * self.empty_pages} if rest else {}
        self.after_page()
        return {"result": {"has_more": bool(rest), **following, "list": [_row(member) for member in part]}}

    def _user(self, body: Any) -> Answer:
        if not isinstance(body.get("userid"), str) or set(body) - {"userid", "language"}:
            raise _refused(400002, "参数错误")
        member = next((each for each in self.members if each.userid == body["userid"]), None)
        if member is None:
            raise _refused(60121, "找不到该用户")
        if not self._shown() & set(member.departments) and member.userid not in self.scope_users:
            raise _refused(50002, "员工不在授权范围内")
        return {"result": _row(member)}

    def _by_union(self, body: Any) -> Answer:
        if set(body) != {"unionid"}:
            raise _refused(400002, "参数错误")
        if body["unionid"].startswith("external-"):
            return {"result": {"contact_type": 1, "userid": "external"}}
        member = next((each for each in self.members if each.unionid == body["unionid"]), None)
        if member is None:
            raise _refused(60121, "找不到该用户")
        return {"result": {"contact_type": 0, "userid": member.userid}}

    # Logging in

    def _user_token(self, request: web.Request, body: Any) -> Answer:
        fixed = {"clientId": self.fake.client_id, "clientSecret": self.fake.secret, "grantType": "authorization_code"}
        if request.method != "POST" or not isinstance(body, dict) or set(body) != {*fixed, "code"}:
            raise Refusal("invalidParameter")
        if not fixed.items() <= body.items():
            raise Refusal("invalidClientIdOrSecret")
        code = self._codes.get(body["code"])
        if code is None or code.used or self.fake.clock.now() >= code.until:
            raise Refusal("invalidParameter.authCode.notFound")
        code.used = True
        token = handed("token", secrets.token_hex(16))
        self._user_tokens[token] = code.unionid
        return {"accessToken": token, "refreshToken": secrets.token_hex(16), "expireIn": 7200}

    def _me(self, request: web.Request, _body: Any) -> Answer:
        unionid = self._user_tokens.get(request.headers.get("x-acs-dingtalk-access-token", ""))
        if request.method != "GET" or unionid is None:
            raise Refusal("InvalidAuthentication")
        return {"nick": "某人", "unionId": unionid, "openId": "o"}


def _row(member: Member) -> Answer:
    return {
        "userid": member.userid,
        "unionid": member.unionid,
        "name": member.name,
        "dept_id_list": member.departments,
        "active": member.active,
        "admin": False,
        "boss": False,
    }


def _refused(code: int, text: str, **more: str) -> Refusal:
    return Refusal(str(code), 200, {"errcode": code, "errmsg": text, "request_id": "r"} | more)
