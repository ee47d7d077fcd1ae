"""The fake's cards, recall, menu and addresses are strict too: asked with a plain HTTP client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.cards import CODES

Call = Callable[..., Awaitable[dict[str, Any]]]

BUTTONS = {
    "card_type": "button_interaction",
    "main_title": {"title": "题"},
    "task_id": "t1",
    "button_list": [{"text": "再答", "key": "再答"}, {"text": "例答", "key": "例答"}],
}
VOTE = {
    "card_type": "vote_interaction",
    "main_title": {"title": "题"},
    "task_id": "t1",
    "checkbox": {"question_key": "q", "mode": 0, "option_list": [{"id": "A", "text": "A. 甲"}]},
    "submit_button": {"text": "提交", "key": "提交"},
}


@pytest.fixture
async def call(fake: FakeWecom) -> AsyncIterator[Call]:
    """POST a body to a path with a live token; `body` None is a GET."""
    async with aiohttp.ClientSession(fake.api_url) as session:

        async def call(path: str, body: Any, secret: str = "", **query: str) -> dict[str, Any]:
            identity = {"corpid": fake.vendor.corp_id, "corpsecret": secret or fake.secret}
            async with session.get("/cgi-bin/gettoken", params=identity) as response:
                query |= {"access_token": (await response.json()).get("access_token", "")}
            method = "GET" if body is None else "POST"
            raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
            async with session.request(method, f"/cgi-bin/{path}", params=query, data=raw) as response:
                answer: dict[str, Any] = await response.json()
                return answer

        yield call


def message(card: dict[str, Any], users: str = "Alice|bob", **changes: Any) -> dict[str, Any]:
    return {"touser": users, "msgtype": "template_card", "agentid": 1000002, "template_card": card, **changes}


@pytest.mark.parametrize("card", [BUTTONS, VOTE], ids=["buttons", "vote"])
async def test_a_sound_card_is_shown_and_brings_a_response_code(
    fake: FakeWecom, call: Call, card: dict[str, Any]
) -> None:
    answer = await call("message/send", message(card))
    assert (answer["errcode"], bool(answer["response_code"])) == (0, True)
    assert fake.delivered("bob")[0].kind == "template_card"
    text = {"touser": "Alice", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    assert "response_code" not in await call("message/send", text)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no title": (BUTTONS | {"main_title": {"desc": "x"}}, "title"),
    "no id": ({k: v for k, v in BUTTONS.items() if k != "task_id"}, "task_id"),
    "odd id": (BUTTONS | {"task_id": "a.b"}, "task_id"),
    "long id": (BUTTONS | {"task_id": "a" * 129}, "task_id"),
    "no buttons": (BUTTONS | {"button_list": []}, "buttons"),
    "seven buttons": (BUTTONS | {"button_list": [{"text": "a", "key": str(n)} for n in range(7)]}, "buttons"),
    "twice one key": (BUTTONS | {"button_list": [{"text": "a", "key": "k"}] * 2}, "key"),
    "long key": (BUTTONS | {"button_list": [{"text": "a", "key": "字" * 342}]}, "key"),
    "no words": (BUTTONS | {"button_list": [{"text": " ", "key": "k"}]}, "text"),
    "odd style": (BUTTONS | {"button_list": [{"text": "a", "key": "k", "style": 5}]}, "text"),
    "another type": (BUTTONS | {"card_type": "text_notice"}, "type"),
    "21 options": (
        VOTE | {"checkbox": {**VOTE["checkbox"], "option_list": [{"id": str(n), "text": "a"} for n in range(21)]}},  # type: ignore[dict-item]
        "options",
    ),
    "twice one option": (
        VOTE | {"checkbox": {**VOTE["checkbox"], "option_list": [{"id": "A", "text": "a"}] * 2}},  # type: ignore[dict-item]
        "options",
    ),
    "no submit": (VOTE | {"submit_button": {"text": "提交"}}, "key"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_card_is_refused(fake: FakeWecom, call: Call, name: str) -> None:
    card, field = BAD[name]
    assert (await call("message/send", message(card)))["errcode"] == CODES[field]
    assert fake.hears("Alice") == []


async def test_an_id_is_used_once_and_a_card_needs_a_callback(fake: FakeWecom, call: Call) -> None:
    await call("message/send", message(BUTTONS))
    assert (await call("message/send", message(BUTTONS, users="Alice")))["errcode"] == CODES["task_id"]
    assert (await call("message/send", message(BUTTONS | {"task_id": "t2", "more": 1})))["errcode"] == 40035
    assert (await call("message/send", message(BUTTONS | {"task_id": "t2"}, safe=0)))["errcode"] == 40035
    fake.vendor.cards.callback = False
    assert (await call("message/send", message(BUTTONS | {"task_id": "t2"})))["errcode"] == 43012


def update(code: str, *users: str, **changes: Any) -> dict[str, Any]:
    return {
        "userids": list(users),
        "agentid": 1000002,
        "response_code": code,
        "button": {"replace_name": "完"},
    } | changes


async def test_a_response_code_changes_the_card_once_for_those_named(fake: FakeWecom, call: Call) -> None:
    code = (await call("message/send", message(BUTTONS)))["response_code"]
    route = "message/update_template_card"
    assert (await call(route, update(code)))["errcode"] == 82101
    assert (await call(route, update(code, "carol")))["errcode"] == 82102
    assert (await call(route, update(code, "Alice", agentid=7)))["errcode"] == 301002
    assert (await call(route, update(code, "Alice", button={"replace_name": ""})))["errcode"] == CODES["text"]
    assert (await call(route, update("rc-0", "Alice")))["errcode"] == 60140
    assert (await call(route, update(code, "alice", "carol")))["invaliduser"] == ["carol"]
    assert (fake.face("Alice"), fake.face("bob")) == ("完", "")
    assert (await call(route, update(code, "bob")))["errcode"] == 60140


async def test_a_response_code_lives_72_hours(fake: FakeWecom, call: Call) -> None:
    code = (await call("message/send", message(BUTTONS)))["response_code"]
    fake.advance(72 * 3600)
    assert (await call("message/update_template_card", update(code, "Alice")))["errcode"] == 60140


async def test_recall_is_for_one_day_and_for_the_apps_own(fake: FakeWecom, call: Call) -> None:
    fake.vendor.other_apps = {"another-secret": 1000003}
    text = {"touser": "Alice", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    first, second = [(await call("message/send", text))["msgid"] for _ in range(2)]
    assert (await call("message/recall", {"msgid": first}, secret="another-secret"))["errcode"] == 40058
    assert (await call("message/recall", {"msgid": first}))["errcode"] == 0
    assert len(fake.hears("Alice")) == 1
    fake.advance(24 * 3600 + 1)
    assert (await call("message/recall", {"msgid": second}))["errcode"] == 42052
    assert (await call("message/recall", {"msgid": "x"}))["errcode"] == 40058


async def test_a_token_is_for_its_app_only(fake: FakeWecom, call: Call) -> None:
    fake.vendor.other_apps = {"another-secret": 1000003}
    text = {"touser": "Alice", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    assert (await call("message/send", text, secret="another-secret"))["errcode"] == 301002
    assert (await call("message/send", text | {"agentid": 1000003}, secret="another-secret"))["errcode"] == 0


@pytest.mark.parametrize(
    ("menu", "code"),
    [
        ({"button": []}, 40016),
        ({"button": [{"type": "click", "name": "a", "key": "k"}] * 4}, 40016),
        ({"button": [{"type": "click", "name": "一二三四五六", "key": "k"}]}, 40018),
        ({"button": [{"type": "scan", "name": "a", "key": "k"}]}, 40017),
        ({"button": [{"type": "click", "name": "a", "key": "k" * 129}]}, 40019),
        ({"button": [{"name": "a", "sub_button": []}]}, 40023),
        ({"button": [{"name": "a", "sub_button": [{"type": "click", "name": "字" * 14, "key": "k"}]}]}, 40025),
        ([], 40058),
    ],
)
async def test_a_menu_that_is_too_large_is_refused(fake: FakeWecom, call: Call, menu: Any, code: int) -> None:
    assert (await call("menu/create", menu, agentid="1000002"))["errcode"] == code
    assert (await call("menu/get", None, agentid="1000002"))["errcode"] == 46003
    assert (await call("menu/get", None, agentid="7"))["errcode"] == 301002


async def test_a_route_that_does_not_exist_is_no_json(fake: FakeWecom) -> None:
    async with aiohttp.ClientSession(fake.api_url) as session, session.get("/cgi-bin/message/shout") as response:
        assert (response.status, response.content_type) == (404, "text/html")


async def test_an_address_works_a_minute_after_it_was_trusted(fake: FakeWecom, call: Call) -> None:
    fake.trusted_ips = set()
    fake.api.trust("127.0.0.1")
    for seconds, code in ((0, 60020), (59, 60020), (1, 0)):
        fake.advance(seconds)
        body = {"touser": "Alice", "msgtype": "text", "agentid": 1000002, "text": {"content": str(seconds)}}
        assert (await call("message/send", body))["errcode"] == code


async def test_a_banned_address_is_free_after_an_hour(fake: FakeWecom, call: Call) -> None:
    for _ in range(10):
        await call("menu/get", None, secret="wrong")
    text = {"touser": "Alice", "msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    assert (await call("message/send", text))["errcode"] == 41001, "no token: even the right secret is refused"
    fake.advance(3601)
    assert (await call("message/send", text))["errcode"] == 0


async def test_with_rotation_the_old_token_lives_on_for_a_while(fake: FakeWecom) -> None:
    fake.vendor.new_token_each_time, fake.vendor.old_token_seconds = True, 30
    first = fake.vendor.gettoken(fake.vendor.corp_id, fake.secret, 1)["access_token"]
    second = fake.vendor.gettoken(fake.vendor.corp_id, fake.secret, 1)["access_token"]
    assert first != second
    fake.vendor.check_token(first)
    fake.advance(30)
    with pytest.raises(Exception, match="42001"):
        fake.vendor.check_token(first)
    fake.vendor.check_token(second)


@pytest.mark.parametrize(("field", "most", "code"), [("toparty", 100, 82002), ("totag", 100, 82003)])
async def test_departments_and_tags(fake: FakeWecom, call: Call, field: str, most: int, code: int) -> None:
    text = {"msgtype": "text", "agentid": 1000002, "text": {"content": "x"}}
    many = "|".join(str(number) for number in range(most + 1))
    assert (await call("message/send", text | {field: many}))["errcode"] == code
    assert (await call("message/send", text | {"touser": "@all", field: many}))["errcode"] == 0
    fake.vendor.parties = {"2": ["bob"]}
    fake.unread("bob")
    await call("message/send", text | {"toparty": "2"})
    assert fake.unread("bob") == ["x"]


async def test_long_markdown_is_cut_where_the_knob_says_so(fake: FakeWecom, call: Call) -> None:
    fake.vendor.long_markdown = "cut"
    body = {"touser": "Alice", "msgtype": "markdown", "agentid": 1000002, "markdown": {"content": "话" * 700}}
    await call("message/send", body)
    assert (fake.hears("Alice"), fake.delivered("Alice")[0].cut) == (["话" * 682], True)
