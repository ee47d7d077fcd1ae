"""The fakes' directories and logins are strict: they are asked here with a plain HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.core.clock import ManualClock
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.contacts import FakeContacts as DingTalkOrg
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.contacts import FakeContacts as WecomOrg

Call = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def corp(fake: FakeWecom) -> WecomOrg:
    corp = WecomOrg(fake)
    corp.department(2, "客服中心")
    corp.department(3, "贷后")
    corp.hire("LinXM", "林小满", 2)
    corp.hire("zhoumin", "周敏", 3)
    return corp


@pytest.fixture
async def wecom(corp: WecomOrg) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession(corp.fake.api_url) as http:
        account = {"corpid": corp.fake.vendor.corp_id, "corpsecret": corp.fake.secret}
        async with http.get("/cgi-bin/gettoken", params=account) as response:
            token = (await response.json())["access_token"]

        async def call(path: str, method: str = "GET", **query: str) -> dict[str, Any]:
            sent = {"access_token": token, **query}
            async with http.request(method, f"/cgi-bin/{path}", params=sent) as answer:
                data: dict[str, Any] = await answer.json()
                return data

        yield call


async def test_wecom_shows_the_visible_range_only(corp: WecomOrg, wecom: Call) -> None:
    corp.range_departments = {2}
    assert [row["id"] for row in (await wecom("department/list"))["department"]] == [2]
    assert (await wecom("user/list", department_id="3"))["errcode"] == 60011
    assert (await wecom("user/list", department_id="9"))["errcode"] == 60003
    assert (await wecom("user/get", userid="zhoumin"))["errcode"] == 60011
    assert (await wecom("user/get", userid="nobody"))["errcode"] == 60111
    assert (await wecom("user/get", userid="LINXM"))["userid"] == "LinXM", "case is ignored, the spelling is the corp's"
    corp.range_departments = set()
    assert (await wecom("department/list"))["errcode"] == 60011


async def test_wecom_gives_no_private_fields_and_hides_what_it_is_told(corp: WecomOrg, wecom: Call) -> None:
    row = (await wecom("user/list", department_id="2"))["userlist"][0]
    assert not {"mobile", "email", "avatar", "gender", "biz_mail", "address"} & set(row)
    corp.hidden = {"name"}
    assert "name" not in (await wecom("user/list", department_id="2"))["userlist"][0]
    assert "status" not in (await wecom("user/simplelist", department_id="2"))["userlist"][0]


async def test_wecom_refuses_odd_calls(corp: WecomOrg, wecom: Call) -> None:
    assert (await wecom("user/list"))["errcode"] == 40058
    assert (await wecom("user/list", department_id="2", fetch_child="1"))["errcode"] == 40058
    assert (await wecom("user/list", "POST", department_id="2"))["errcode"] == 40058
    assert (await wecom("user/list_id", "POST"))["errcode"] == 48002
    assert (await wecom("agent/get", agentid="1"))["errcode"] == 301002
    assert (await wecom("auth/getuserinfo", code="made-up"))["errcode"] == 40029


def wecom_url(corp: WecomOrg, **changes: str) -> str:
    query = {
        "login_type": "CorpApp",
        "appid": corp.fake.vendor.corp_id,
        "agentid": str(corp.fake.vendor.agent_id),
        "redirect_uri": "https://coach.example.com:443/login/wecom",
        "state": "abc123",
    } | changes
    parts = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
    return f"https://login.work.weixin.qq.com/wwlogin/sso/login?{parts}"


async def test_a_code_of_wecom_works_once_for_five_minutes(corp: WecomOrg, wecom: Call) -> None:
    corp.domain = "coach.example.com:443"
    code = corp.log_in(wecom_url(corp), "linxm").query["code"]
    assert (await wecom("auth/getuserinfo", code=code))["userid"] == "LinXM"
    assert (await wecom("auth/getuserinfo", code=code))["errcode"] == 42022
    late = corp.log_in(wecom_url(corp), "linxm").query["code"]
    corp.fake.advance(300)
    assert (await wecom("auth/getuserinfo", code=late))["errcode"] == 42003
    outsider = corp.log_in(wecom_url(corp)).query["code"]
    assert "userid" not in await wecom("auth/getuserinfo", code=outsider)


@pytest.mark.parametrize(
    "changes",
    [
        {"appid": "ww-other"},
        {"agentid": "1"},
        {"login_type": "ServiceApp"},
        {"state": "a b"},
        {"state": "x" * 129},
        {"state": ""},
        {"redirect_uri": "https://evil.example/login"},
        {"more": "1"},
    ],
)
async def test_wecom_sends_nobody_to_a_wrong_place(corp: WecomOrg, changes: dict[str, str]) -> None:
    corp.domain = "coach.example.com:443"
    with pytest.raises(ValueError):
        corp.log_in(wecom_url(corp, **changes), "linxm")


async def test_wecom_wants_the_domain_set(corp: WecomOrg) -> None:
    with pytest.raises(ValueError, match="50001"):
        corp.log_in(wecom_url(corp), "linxm")


# --- DingTalk


@pytest.fixture
async def org(clock: ManualClock) -> AsyncIterator[DingTalkOrg]:
    async with FakeDingTalk(members=[], clock=clock) as fake:
        org = DingTalkOrg(fake)
        org.department(2, "客服中心")
        org.department(3, "一组", 2)
        for number in range(3):
            org.hire(f"p{number}", f"某{number}", 2)
        yield org


@pytest.fixture
async def dingtalk(org: DingTalkOrg) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession() as http:
        account = {"appKey": org.fake.client_id, "appSecret": org.fake.secret}
        async with http.post(f"{org.fake.api_url}/v1.0/oauth2/accessToken", json=account) as response:
            token = (await response.json())["accessToken"]

        async def call(path: str, body: Any = None, *, token: str = token, host: str = "") -> dict[str, Any]:
            method, url = ("GET" if body is None else "POST"), f"{host or org.fake.old_url}/{path}"
            async with http.request(method, url, params={"access_token": token}, json=body) as answer:
                data: dict[str, Any] = await answer.json()
                return data

        yield call


async def test_dingtalk_shows_one_level_and_pages(org: DingTalkOrg, dingtalk: Call) -> None:
    subs = (await dingtalk("topapi/v2/department/listsub", {"dept_id": 1}))["result"]
    assert [(row["dept_id"], row["parent_id"]) for row in subs] == [(2, 1)]
    first = (await dingtalk("topapi/v2/user/list", {"dept_id": 2, "cursor": 0, "size": 2}))["result"]
    assert (first["has_more"], first["next_cursor"], len(first["list"])) == (True, 2, 2)
    second = (await dingtalk("topapi/v2/user/list", {"dept_id": 2, "cursor": 2, "size": 2}))["result"]
    assert (second["has_more"], "next_cursor" in second, len(second["list"])) == (False, False, 1)
    org.empty_pages = True
    empty = (await dingtalk("topapi/v2/user/list", {"dept_id": 2, "cursor": 0, "size": 2}))["result"]
    assert (empty["has_more"], empty["list"]) == (True, [])


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("topapi/v2/department/listsub", {"dept_id": "2"}, 400002),
        ("topapi/v2/department/listsub", {"dept_id": 9}, 60003),
        ("topapi/v2/department/listsub", {"dept_id": 1}, 50004),
        ("topapi/v2/department/listsub", None, 43002),
        ("topapi/v2/user/list", {"dept_id": 3, "cursor": 0, "size": 101}, 400002),
        ("topapi/v2/user/list", {"dept_id": 3, "size": 10}, 400002),
        ("topapi/v2/user/list", {"dept_id": 2, "cursor": 0, "size": 10}, 60011),
        ("topapi/v2/user/get", {"userid": "P0"}, 60121),
        ("topapi/v2/user/get", {"userid": "p0"}, 50002),
        ("topapi/user/getbyunionid", {"unionid": "union-nobody"}, 60121),
        ("auth/scopes", {}, 43002),
    ],
)
async def test_dingtalk_refuses(org: DingTalkOrg, dingtalk: Call, path: str, body: Any, code: int) -> None:
    org.scope_departments = [3]
    assert (await dingtalk(path, body))["errcode"] == code


async def test_dingtalk_wants_the_token_in_the_query_of_the_old_host(org: DingTalkOrg, dingtalk: Call) -> None:
    assert (await dingtalk("auth/scopes", token="made-up"))["errcode"] == 40014
    assert (await dingtalk("auth/scopes", host=org.fake.api_url))["code"] == "InvalidAction.NotFound"
    org.permitted = False
    assert (await dingtalk("auth/scopes"))["errcode"] == 88


async def test_a_code_of_dingtalk_works_once(org: DingTalkOrg, dingtalk: Call) -> None:
    org.redirects = {"https://coach.example.com/login/dingtalk"}
    back = quote("https://coach.example.com/login/dingtalk", safe="")
    url = (
        f"https://login.dingtalk.com/oauth2/auth?redirect_uri={back}&response_type=code"
        f"&client_id={org.fake.client_id}&scope=openid&state=s&prompt=consent"
    )
    code = org.log_in(url, "union-p0").query["authCode"]
    body = {
        "clientId": org.fake.client_id,
        "clientSecret": org.fake.secret,
        "code": code,
        "grantType": "authorization_code",
    }
    host = org.fake.api_url
    assert (await dingtalk("v1.0/oauth2/userAccessToken", body, host=host))["expireIn"] == 7200
    again = await dingtalk("v1.0/oauth2/userAccessToken", body, host=host)
    assert again["code"] == "invalidParameter.authCode.notFound"
    wrong = await dingtalk("v1.0/oauth2/userAccessToken", body | {"clientSecret": "x"}, host=host)
    assert wrong["code"] == "invalidClientIdOrSecret"
    for bad in (url.replace("openid", "all"), url.replace(back, quote("https://evil.example/", safe="")), url + "#x"):
        with pytest.raises(ValueError):
            org.log_in(bad, "union-p0")
