"""The fake is strict: it is asked here with a plain HTTP client, without the bot's code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.fakes.wecom import FakeWecom

Call = Callable[..., Awaitable[dict[str, Any]]]
TEXT = {"touser": "Alice", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}


@pytest.fixture
async def http(fake: FakeWecom) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(fake.api_url) as session:
        yield session


@pytest.fixture
def gettoken(fake: FakeWecom, http: aiohttp.ClientSession) -> Call:
    async def call(**query: str) -> dict[str, Any]:
        query = {"corpid": fake.vendor.corp_id, "corpsecret": fake.secret} | query
        async with http.get("/cgi-bin/gettoken", params=query) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    return call


@pytest.fixture
def send(http: aiohttp.ClientSession, gettoken: Call) -> Call:
    async def call(body: Any = TEXT, token: str | None = None, **changes: Any) -> dict[str, Any]:
        token = token if token is not None else (await gettoken())["access_token"]
        data = body if isinstance(body, bytes) else json.dumps(body | changes, ensure_ascii=False).encode()
        async with http.post("/cgi-bin/message/send", params={"access_token": token}, data=data) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    return call


async def test_a_token_is_the_same_until_it_expires(fake: FakeWecom, gettoken: Call) -> None:
    first = await gettoken()
    assert (first["errcode"], first["expires_in"]) == (0, 7200)
    fake.advance(7000)
    again = await gettoken()
    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 200)
    fake.advance(200)
    assert (await gettoken())["access_token"] != first["access_token"]


async def test_wrong_identities(fake: FakeWecom, gettoken: Call) -> None:
    assert (await gettoken(corpid="other"))["errcode"] == 40013
    codes = [(await gettoken(corpsecret="wrong"))["errcode"] for _ in range(11)]
    assert codes == [40001] * 10 + [45009]


@pytest.mark.parametrize(("token", "code"), [("", 41001), ("unknown", 40014)])
async def test_wrong_tokens(send: Call, token: str, code: int) -> None:
    assert (await send(token=token))["errcode"] == code


@pytest.mark.parametrize("code", [42001, 40014])
async def test_a_token_can_die_early(fake: FakeWecom, send: Call, gettoken: Call, code: int) -> None:
    token = (await gettoken())["access_token"]
    fake.expire_token(code)
    assert (await send(token=token))["errcode"] == code
    assert (await send())["errcode"] == 0


async def test_a_token_in_a_header_or_a_get_is_refused(http: aiohttp.ClientSession, gettoken: Call) -> None:
    token = (await gettoken())["access_token"]
    async with http.post("/cgi-bin/message/send", headers={"access_token": token}, json=TEXT) as response:
        assert (await response.json())["errcode"] == 41001
    async with http.get("/cgi-bin/message/send", params={"access_token": token}) as response:
        assert (await response.json())["errcode"] == 40058


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"touser": ""}, 82001),
        ({"touser": "|".join(f"u{n}" for n in range(1001))}, 40032),
        ({"touser": "nobody|Nobody2"}, 81013),
        ({"agentid": 7}, 301002),
        ({"msgtype": "video"}, 40008),
        ({"text": {"content": " "}}, 44004),
        ({"text": {"content": "x", "key": 1}}, 40035),
        ({"key": "x"}, 40035),
        ({"msgtype": "markdown", "markdown": {"content": "话" * 683}}, 40035),
        ({"msgtype": "image"}, 40035),
        ({"enable_duplicate_check": 1, "duplicate_check_interval": 14401}, 40058),
    ],
)
async def test_bad_messages(fake: FakeWecom, send: Call, changes: dict[str, Any], code: int) -> None:
    assert (await send(**changes))["errcode"] == code
    assert fake.hears("Alice") == []


async def test_bad_bodies(send: Call) -> None:
    markdown = {"touser": "Alice", "msgtype": "markdown", "agentid": 1000002}
    assert (await send(markdown, markdown={"content": "话" * 683}))["errcode"] == 40058
    for body, code in (
        (b"{", 40058),
        (b"[]", 40058),
        (b"\xff", 40058),
        (json.dumps(TEXT | {"x": "话"}).encode(), 40033),
    ):
        assert (await send(body))["errcode"] == code
    assert (await send(text={"content": r"\u1234 typed"}))["errcode"] == 0


async def test_partly_bad_recipients_come_back_in_lower_case(fake: FakeWecom, send: Call) -> None:
    fake.vendor.unlicensed = {"bob"}
    answer = await send(touser="ALICE|Bob|ZoE")
    assert (answer["errcode"], answer["invaliduser"], answer["unlicenseduser"]) == (0, "zoe", "bob")
    assert (fake.hears("Alice"), fake.hears("bob")) == (["x"], [])


async def test_everybody_means_the_visible_range(fake: FakeWecom, send: Call) -> None:
    fake.revoke_user("bob")
    await send(touser="@all")
    assert [bool(fake.hears(name)) for name in ("Alice", "bob", "carol")] == [True, False, True]


async def test_long_text_is_cut_between_characters(fake: FakeWecom, send: Call) -> None:
    await send(text={"content": "话" * 700})
    assert fake.hears("Alice") == ["话" * 682]
    assert fake.delivered("Alice")[0].cut


async def test_an_equal_request_is_swallowed_inside_its_interval(fake: FakeWecom, send: Call) -> None:
    checked = TEXT | {"enable_duplicate_check": 1, "duplicate_check_interval": 600}
    for _ in range(3):
        assert (await send(checked))["errcode"] == 0
    assert len(fake.hears("Alice")) == 1
    await send(checked, text={"content": "y"})
    fake.advance(601)
    await send(checked)
    assert fake.hears("Alice") == ["x", "y", "x"]
    await send()
    await send()
    assert len(fake.hears("Alice")) == 5


async def test_the_31st_message_in_a_minute_is_dropped_in_silence(fake: FakeWecom, send: Call) -> None:
    assert {(await send())["errcode"] for _ in range(31)} == {0}
    assert (len(fake.hears("Alice")), len(fake.vendor.dropped)) == (30, 1)
    fake.advance(61)
    await send()
    assert len(fake.unread("Alice")) == 31
    assert fake.unread("Alice") == []


async def test_waiting_for_words(fake: FakeWecom, send: Call) -> None:
    await send()
    assert (await fake.until("alice", "x")).text == "x"
    with pytest.raises(AssertionError, match="never saw 「y」"):
        await fake.until("Alice", "y", timeout=0.01)


async def test_people_outside_the_range_cannot_write(fake: FakeWecom) -> None:
    with pytest.raises(ValueError, match="visible range"):
        await fake.push_text("Zoe", "你好")
