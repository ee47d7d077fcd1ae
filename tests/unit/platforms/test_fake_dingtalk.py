"""The DingTalk fake is strict: it is asked here with a plain HTTP client, without the bot's code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bot.core.clock import ManualClock
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.crypto import EventSealer, sign

Answer = tuple[int, Any]
TEXT = {"msgKey": "sampleText", "msgParam": '{"content":"x"}', "userIds": ["Alice"]}
CARD: dict[str, Any] = {
    "cardTemplateId": "quick-reply.schema",
    "outTrackId": "t1",
    "callbackType": "STREAM",
    "cardData": {"cardParamMap": {"title": "题", "says1": "好"}},
    "openSpaceId": "dtv1.card//IM_ROBOT.Alice;dtv1.card//IM_ROBOT.nobody",
    "imRobotOpenSpaceModel": {"supportForward": False},
    "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": "dingfakeclient01"},
    "userIdType": 1,
}


class Caller:
    """A plain client of the fake's API."""

    def __init__(self, fake: FakeDingTalk, http: aiohttp.ClientSession) -> None:
        self.fake, self.http = fake, http

    async def call(self, path: str, body: Any, *, method: str = "POST", base: str = "", **headers: str) -> Answer:
        url = URL((base or self.fake.api_url) + path, encoded=True)
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        async with self.http.request(
            method, url, data=data, headers={"Content-Type": "application/json", **headers}
        ) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else None

    async def token(self, **changes: str) -> Answer:
        identity = {"appKey": self.fake.client_id, "appSecret": self.fake.secret} | changes
        return await self.call("/v1.0/oauth2/accessToken", identity)

    async def authorised(self, path: str, body: Any, method: str = "POST") -> Answer:
        token = (await self.token())[1]["accessToken"]
        return await self.call(path, body, method=method, **{"x-acs-dingtalk-access-token": token})

    async def send(self, **changes: Any) -> Answer:
        body = TEXT | {"robotCode": self.fake.client_id} | changes
        return await self.authorised("/v1.0/robot/oToMessages/batchSend", body)


@pytest.fixture
async def caller(ding: FakeDingTalk) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as http:
        yield Caller(ding, http)


async def test_a_token_is_the_same_and_extended(ding: FakeDingTalk, caller: Caller) -> None:
    first = (await caller.token())[1]
    ding.advance(7000)
    assert (await caller.token())[1] == first
    ding.advance(7000)
    assert (await caller.send())[0] == 200
    ding.advance(7200)
    assert (await caller.token())[1]["accessToken"] != first["accessToken"]


async def test_wrong_identities_and_tokens(ding: FakeDingTalk, caller: Caller) -> None:
    for wrong in ({"appSecret": "wrong"}, {"appKey": "wrong"}):
        status, answer = await caller.token(**wrong)
        assert (status, answer["code"]) == (400, "invalidClientIdOrSecret")
    token = (await caller.token())[1]["accessToken"]
    path = "/v1.0/robot/oToMessages/batchSend"
    body = TEXT | {"robotCode": ding.client_id}
    for url, headers in ((f"{path}?access_token={token}", {}), (path, {"x-acs-dingtalk-access-token": "other"})):
        assert (await caller.call(url, body, **headers))[1]["code"] == "InvalidAuthentication"
    ding.vendor.auth_status = 401
    ding.vendor.expire_token()
    header = {"x-acs-dingtalk-access-token": token}
    assert (await caller.call(path, body, **header))[0] == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"robotCode": ""}, "invalidParameter.robotCode.empty"),
        ({"robotCode": "other"}, "invalidParameter.robotCode.auth"),
        ({"userIds": []}, "invalidParameter.userIds.empty"),
        ({"userIds": "Alice"}, "invalidParameter.userIds.empty"),
        ({"userIds": ["Alice"] * 21}, "invalidParameter.userIds.overMax"),
        ({"userIds": ["alice"]}, "staffId.notExisted"),
        ({"msgKey": "markdown"}, "invalidParameter.msgKey.invalid"),
        ({"msgParam": {"content": "x"}}, "invalidParameter.msgParam.invalid"),
        ({"msgParam": '{"content":""}'}, "invalidParameter.msgParam.invalid"),
        ({"msgParam": '{"text":"x"}'}, "invalidParameter.msgParam.invalid"),
        ({"msgParam": '{"content":"x"'}, "invalidParameter.msgParam.invalid"),
        ({"msgParam": json.dumps({"content": "话" * 5000}, ensure_ascii=False)}, "invalidParameter.msgParam.tooLong"),
        ({"key": "x"}, "invalidParameter.param.invalid"),
    ],
)
async def test_bad_messages(ding: FakeDingTalk, caller: Caller, changes: dict[str, Any], code: str) -> None:
    status, answer = await caller.send(**changes)
    assert (status, answer["code"]) == (400, code)
    assert ding.hears("Alice") == []


async def test_a_200_names_who_did_not_get_it(ding: FakeDingTalk, caller: Caller) -> None:
    ding.vendor.throttled = {"bob"}
    status, answer = await caller.send(userIds=["Alice", "bob", "zoe"])
    assert status == 200
    assert (answer["invalidStaffIdList"], answer["flowControlledStaffIdList"]) == (["zoe"], ["bob"])
    assert (ding.hears("Alice"), ding.hears("bob")) == (["x"], [])


async def test_limits(ding: FakeDingTalk, caller: Caller) -> None:
    codes = [(await caller.send())[1].get("code") for _ in range(25)]
    assert "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi" in codes[20:]
    ding.vendor.qps, ding.vendor.api_quota = 1000, ding.vendor.calls
    assert (await caller.send())[1]["code"] == "Forbidden.AccessDenied.ApiCountLimitForOrg"
    assert (await caller.token())[0] == 200, "tokens are exempt"
    ding.vendor.api_quota = 5000
    for knob, code in (
        ("permitted", "Forbidden.AccessDenied.AccessTokenPermissionDenied"),
        ("address_allowed", "Forbidden.AccessDenied.IpNotInWhiteList"),
    ):
        await caller.token()
        token = {"x-acs-dingtalk-access-token": ding.vendor.token}
        setattr(ding.vendor, knob, False)
        assert (await caller.call("/v1.0/robot/oToMessages/batchSend", TEXT, **token))[1]["code"] == code
        setattr(ding.vendor, knob, True)
    ding.vendor.banned = "html"
    assert await caller.token() == (403, None)
    ding.vendor.banned = "json"
    assert (await caller.token())[1]["status"] == 1111


async def test_each_api_lives_on_its_own_host_and_knows_no_other_routes(ding: FakeDingTalk, caller: Caller) -> None:
    for path, base in (("/robot/send", ding.api_url), ("/v1.0/oauth2/accessToken", ding.old_url), ("/v2.0/x", "")):
        assert (await caller.call(path, {}, base=base))[0] in (400, 404)
    assert (await caller.call("/v1.0/oauth2/accessToken", b"\xff"))[0] == 400


async def test_a_session_expires_and_takes_text_and_markdown_only(ding: FakeDingTalk, caller: Caller) -> None:
    url = URL(ding.chats.message("Alice")["sessionWebhook"])
    path, base = url.raw_path_qs, ding.old_url
    text = {"msgtype": "text", "text": {"content": "好"}}
    assert (await caller.call(path, text, base=base))[1] == {"errcode": 0, "errmsg": "ok"}
    for body, code in (
        ({"msgtype": "image", "image": {}}, 40035),
        ({"msgtype": "text", "text": {"content": " "}}, 40035),
        (text | {"key": "x"}, 40035),
        ({"msgtype": "text", "text": {"content": "话" * 7000}}, 460101),
    ):
        assert (await caller.call(path, body, base=base))[1]["errcode"] == code
    ding.advance(90 * 60)
    assert (await caller.call(path, text, base=base))[1]["errcode"] == 300001
    assert ding.hears("Alice") == ["好"]


async def test_a_custom_robot_wants_its_signature_and_blocks_for_ten_minutes(
    ding: FakeDingTalk, caller: Caller, clock: ManualClock
) -> None:
    async def post(secret: str, behind: float = 0.0) -> int:
        timestamp = str(int((clock.now() - timedelta(seconds=behind)).timestamp() * 1000))
        query = {"access_token": ding.robot.token, "timestamp": timestamp, "sign": sign(secret, timestamp)}
        path = str(URL("/robot/send").with_query(query))
        answer = await caller.call(path, {"msgtype": "text", "text": {"content": "x"}}, base=ding.old_url)
        return int(answer[1]["errcode"])

    assert await post(ding.robot.secret) == 0
    assert await post("other") == await post(ding.robot.secret, 3601) == 310000
    assert [await post(ding.robot.secret) for _ in range(20)] == [0] * 19 + [410100]
    ding.advance(599)
    assert await post(ding.robot.secret) == 410100
    ding.advance(1)
    assert await post(ding.robot.secret) == 0


async def test_cards(ding: FakeDingTalk, caller: Caller) -> None:
    path = "/v1.0/card/instances/createAndDeliver"
    status, answer = await caller.authorised(path, CARD)
    assert [each["success"] for each in answer["result"]["deliverResults"]] == [True, False]
    assert (status, ding.hears("Alice")) == (200, ["题\n好"])
    for change, code in (
        ({}, "param.cardAlreadyExist"),
        ({"cardTemplateId": "other"}, "param.templateNotExist"),
        ({"outTrackId": "t2", "openSpaceId": "dtv1.card//IM_ROBOT.nobody"}, "param.userIdNotExist"),
        ({"outTrackId": "t2", "openSpaceId": "Alice"}, "param.openSpaceIdInvalid"),
        ({"outTrackId": "t2", "cardData": {"cardParamMap": {"title": 1}}}, "param.invalid"),
        ({"outTrackId": "t2", "cardData": {"cardParamMap": {"title": "x" * 1025}}}, "param.invalid"),
        ({"outTrackId": "t2", "cardData": {"cardParamMap": {"title": "违禁词"}}}, "param.contentUnsafe"),
    ):
        assert (await caller.authorised(path, CARD | change))[1]["code"] == code
    update: dict[str, Any] = {"outTrackId": "t1", "privateData": {"Alice": {"cardParamMap": {"chosen": "好"}}}}
    assert (await caller.authorised("/v1.0/card/instances", update, "PUT"))[0] == 200
    assert ding.cards.by_track["t1"].seen_by("Alice") == {"title": "题", "says1": "好", "chosen": "好"}
    assert "chosen" not in ding.cards.by_track["t1"].seen_by("bob")


def test_the_official_vectors_open_with_the_fakes_own_crypto() -> None:
    first = EventSealer("123456", "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", "suite4xxxxxxxxxxxxxxx")
    assert first.open(first.seal("话😀")) == "话😀"
    second = EventSealer("123456", "1234567890123456789012345678901234567890123", "dingsnotzck6pm5veliw")
    sealed = "YvkvaGe4hQxd3VxRmEty0dVlnCOAqwf56xwTRHDHoOURqhalbmBJQk5FNcRk42Gl5T0YQXZNwpwWSm1xAFJ5ZA=="
    assert second.sign("1614767836", "A7Co0cJLMzIDtMMI", sealed) == "9a95a004dd16f5c307e849b994173f76aa26e5eb"
    assert second.open(sealed) == "success"
    with pytest.raises(ValueError):
        second.answer({"encrypt": sealed})


async def test_stream_wants_a_fresh_ticket(ding: FakeDingTalk, caller: Caller) -> None:
    body = {"clientId": ding.client_id, "clientSecret": ding.secret, "subscriptions": [{"type": "EVENT", "topic": "*"}]}
    path = "/v1.0/gateway/connections/open"
    assert (await caller.call(path, body | {"clientSecret": "wrong"}))[0] == 401
    assert (await caller.call(path, body | {"subscriptions": []}))[0] == 400
    ticket = (await caller.call(path, body))[1]["ticket"]
    assert {"+", "/", "="} <= set(ticket)
    url = URL(ding.gateway.url)
    with pytest.raises(aiohttp.WSServerHandshakeError):  # "+" arrives as a space
        await caller.http.ws_connect(URL(f"{url}?ticket={ticket}", encoded=True))
    async with caller.http.ws_connect(url.with_query(ticket=ticket)):
        await ding.listening()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await caller.http.ws_connect(url.with_query(ticket=ticket))
    stale = (await caller.call(path, body))[1]["ticket"]
    ding.advance(90)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await caller.http.ws_connect(url.with_query(ticket=stale))
