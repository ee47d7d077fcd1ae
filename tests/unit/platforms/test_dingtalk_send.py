"""Sending to DingTalk: tokens, groups of people, who did not get it, sessions first, every error's class."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, Temporary, TooFast
from bot.core.messages import Button, say
from bot.platforms.base import Platform, Sent
from bot.platforms.dingtalk import DingTalk
from bot.platforms.dingtalk.callback import Session, heard
from bot.platforms.dingtalk.codes import EXACT, PREFIXES, error_for
from storage.database import Database
from storage.tokens import StoredTokens
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running

SEND = "v1.0/robot/oToMessages/batchSend"
SESSION = "robot/sendBySession"
HELLO = {"msgtype": "text", "text": {"content": '你好😀\n"引号"'}}
CARD = {"msgtype": "markdown", "markdown": {"title": "今日一题", "text": "#### 今日一题"}}


async def writes(ding: FakeDingTalk, dingtalk: DingTalk, user: str) -> Session:
    """`user` has just written something, and the bot remembers where from."""
    session = heard(ding.chats.message(user, text={"content": "在"})).session
    assert session is not None
    await dingtalk.remember(user, session)
    return session


def test_it_is_a_platform(dingtalk: DingTalk) -> None:
    platform: Platform = dingtalk
    assert (platform.name, platform.repeat_safe, platform.limits.recipients) == ("dingtalk", False, 20)
    assert not platform.fits_passive(say("x"))


async def test_a_message_reaches_its_people(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    sent = await dingtalk.send(["bob", "Alice"], HELLO | {"key": "k.0"})
    assert sent == Sent(message_id="query-2")
    assert ding.hears("Alice") == ding.hears("bob") == [HELLO["text"]["content"]]
    request = ding.requests(SEND)[0]
    assert request.body == {
        "robotCode": ding.client_id,
        "userIds": ["Alice", "bob"],
        "msgKey": "sampleText",
        "msgParam": json.dumps({"content": HELLO["text"]["content"]}, ensure_ascii=False, separators=(",", ":")),
    }
    assert b"\\u" not in request.raw


async def test_a_card_is_markdown_with_a_title(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    await dingtalk.send(["Alice"], CARD)
    shown = ding.delivered("Alice")[0]
    assert (shown.kind, shown.title, shown.text, shown.way) == ("markdown", "今日一题", "#### 今日一题", "api")


async def test_ids_are_exact_and_odd_ones_are_never_sent(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    sent = await dingtalk.send(["Alice", "a;b", " ", "", "x\ny"], HELLO)
    assert set(sent.failed) == {"a;b", " ", "", "x\ny"}
    assert ding.requests(SEND)[0].body["userIds"] == ["Alice"]
    assert set((await dingtalk.send(["", " "], HELLO)).failed) == {"", " "}
    with pytest.raises(Permanent):
        await dingtalk.send(["alice"], HELLO)


async def test_more_people_than_a_call_takes_is_a_mistake_of_ours(dingtalk: DingTalk) -> None:
    with pytest.raises(ValueError, match="20"):
        await dingtalk.send([f"u{n}" for n in range(21)], HELLO)


# People who were not reached


async def test_unknown_people_failed_and_held_ones_get_it_later(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    ding.vendor.throttled = {"bob"}
    sent = await dingtalk.send(["Alice", "bob", "zoe"], HELLO)
    assert (set(sent.failed), set(sent.later)) == ({"zoe"}, {"bob"})
    assert all("一" <= why[0] <= "鿿" for why in (*sent.failed.values(), *sent.later.values()))
    assert (len(ding.hears("Alice")), len(ding.hears("bob"))) == (1, 0)


async def test_a_stranger_who_spoils_the_call_costs_the_others_nothing(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    ding.vendor.one_stranger_is_error, ding.vendor.throttled = True, {"carol"}
    sent = await dingtalk.send(["Alice", "bob", "carol", "zoe"], HELLO)
    assert (set(sent.failed), set(sent.later)) == ({"zoe"}, {"carol"})
    assert len(ding.hears("Alice")) == len(ding.hears("bob")) == 1


async def test_one_by_one_what_is_not_known_is_not_guessed(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    ding.vendor.one_stranger_is_error = True
    ding.fault(SEND, "json", text='{"code":"staffId.notExisted"}', status=400)
    ding.fault(SEND, "latency")
    ding.fault(SEND, "reset", after=True)
    with pytest.raises(Ambiguous):
        await dingtalk.send(["Alice", "bob", "zoe"], HELLO)


# Tokens


async def test_a_dead_token_is_renewed_once(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    for status in (400, 401):
        ding.vendor.auth_status = status
        await dingtalk.send(["Alice"], HELLO)
        ding.vendor.expire_token()
        await dingtalk.send(["Alice"], HELLO)
    assert len(ding.hears("Alice")) == 4
    assert len(ding.requests("v1.0/oauth2/accessToken")) == 3


async def test_a_token_that_is_refused_again_is_temporary(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    ding.fault(SEND, "json", text='{"code":"InvalidAuthentication"}', status=400, times=2)
    with pytest.raises(Temporary) as caught:
        await dingtalk.send(["Alice"], HELLO)
    assert caught.value.code == "InvalidAuthentication"
    assert ding.requests(SEND) == []


async def test_replicas_share_one_token_and_one_renewal(ding: FakeDingTalk, database: Database) -> None:
    ding.vendor.qps = 1000
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(running(ding, StoredTokens(database))) for _ in range(4)]
        for round_number in range(2):
            await asyncio.gather(*(replica.send(["Alice"], HELLO) for replica in replicas for _ in range(12)))
            assert len(ding.requests("v1.0/oauth2/accessToken")) == round_number + 1
            ding.vendor.expire_token()
    assert len(ding.hears("Alice")) == 96


async def test_a_wrong_secret_is_told_and_not_tried_again_at_once(ding: FakeDingTalk) -> None:
    ding.vendor.secret = "another"
    async with running(ding) as dingtalk:
        for _ in range(3):
            with pytest.raises(Misconfigured) as caught:
                await dingtalk.check()
    assert "JIEHUA_DINGTALK_CLIENT_SECRET" in caught.value.advice
    assert len(ding.requests("v1.0/oauth2/accessToken")) == 1


# Sessions


async def test_an_answer_goes_through_the_session_and_costs_no_call(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    await writes(ding, dingtalk, "Alice")
    assert await dingtalk.send(["Alice"], CARD | {"key": "k.0"}) == Sent()
    shown = ding.delivered("Alice")[0]
    assert (shown.way, shown.title) == ("session", "今日一题")
    assert ding.vendor.calls == 0
    await dingtalk.send(["Alice", "bob"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["session", "api"], "several people: one call"


async def test_a_session_about_to_expire_is_not_used(ding: FakeDingTalk, dingtalk: DingTalk) -> None:
    await writes(ding, dingtalk, "Alice")
    ding.advance(90 * 60 - 61)
    await dingtalk.send(["Alice"], HELLO)
    ding.advance(1)
    await dingtalk.send(["Alice"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["session", "api"]


@pytest.mark.parametrize("how", ["expired early", "not taken", "gateway"])
async def test_a_refusal_that_is_certain_leads_to_the_robot_api(
    ding: FakeDingTalk, dingtalk: DingTalk, how: str
) -> None:
    await writes(ding, dingtalk, "Alice")
    match how:
        case "expired early":
            ding.chats._sessions.clear()
        case "not taken":
            ding.chats.accepts = False
        case "gateway":
            ding.fault(SESSION, "status", status=403)
    await dingtalk.send(["Alice"], HELLO)
    await dingtalk.send(["Alice"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["api", "api"]
    assert len(ding.requests(SESSION)) <= 1, "a refused session is forgotten"


async def test_a_session_that_cannot_be_reached_leads_to_the_robot_api(ding: FakeDingTalk, clock: ManualClock) -> None:
    nowhere = "http://127.0.0.1:9"
    async with running(ding, old_api=nowhere) as dingtalk:
        expires = (clock.now().timestamp() + 5000) * 1000
        await dingtalk.remember("Alice", Session(f"{nowhere}/robot/sendBySession?session=x", expires))
        await dingtalk.send(["Alice"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["api"]


@pytest.mark.parametrize("kind", ["reset", "truncated", "cut", "html", "status"])
async def test_a_session_without_a_believable_answer_is_ambiguous(
    ding: FakeDingTalk, dingtalk: DingTalk, kind: Any
) -> None:
    await writes(ding, dingtalk, "Alice")
    ding.fault(SESSION, kind, after=True)
    with pytest.raises(Ambiguous):
        await dingtalk.send(["Alice"], HELLO)
    assert len(ding.hears("Alice")) == 1


async def test_another_replica_finds_the_session_and_not_a_refused_one(ding: FakeDingTalk, database: Database) -> None:
    store = StoredTokens(database)
    async with running(ding, store) as one, running(ding, store) as two:
        await writes(ding, one, "Alice")
        await two.send(["Alice"], HELLO)
        ding.chats.accepts = False
        await two.send(["Alice"], HELLO)
        await two.send(["Alice"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["session", "api", "api"]
    assert len(ding.requests(SESSION)) == 2


async def test_the_store_is_written_once_in_half_a_life(ding: FakeDingTalk, database: Database) -> None:
    store = StoredTokens(database)
    name = f"dingtalk:{ding.client_id}:session:Alice"
    async with running(ding, store) as dingtalk:
        first = await writes(ding, dingtalk, "Alice")
        ding.advance(30 * 60)
        await writes(ding, dingtalk, "Alice")
        assert (await store.get(name) or ("",))[0] == first.url
        ding.advance(16 * 60)
        third = await writes(ding, dingtalk, "Alice")
        assert (await store.get(name) or ("",))[0] == third.url


async def test_sessions_can_be_switched_off(ding: FakeDingTalk) -> None:
    async with running(ding, session_reply=False) as dingtalk:
        await writes(ding, dingtalk, "Alice")
        await dingtalk.send(["Alice"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["api"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/robot/sendBySession?session=x", "/robot/x", "http://[", "file:///x"]
)
async def test_a_session_elsewhere_is_never_called(
    ding: FakeDingTalk, dingtalk: DingTalk, url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(url, (clock.now().timestamp() + 5000) * 1000)
    await dingtalk.remember("Alice", session)
    await dingtalk.tell(session, "你好")
    await dingtalk.send(["Alice"], HELLO)
    assert [shown.way for shown in ding.delivered("Alice")] == ["api"]
    assert ding.requests(SESSION) == []
    assert "session=x" not in caplog.text + repr(session)


# Cards


async def test_a_card_is_a_new_one_as_soon_as_the_people_differ(ding: FakeDingTalk) -> None:
    """Whom the vendor held back get the same delivery's card again, later and alone."""
    async with running(ding, card_template=ding.cards.template) as dingtalk:
        (payload,) = dingtalk.render(say("题", buttons=(Button("再答", "再答"),)))
        first = await dingtalk.send(["Alice", "bob"], payload | {"key": "k.0"})
        second = await dingtalk.send(["bob"], payload | {"key": "k.0"})
        assert first.message_id != second.message_id
        with pytest.raises(Ambiguous):
            await dingtalk.send(["bob"], payload | {"key": "k.0"})
    assert (len(ding.hears("Alice")), len(ding.hears("bob"))) == (1, 2)


@pytest.mark.parametrize("bare", [True, False])
async def test_each_persons_own_result_of_a_card_counts(ding: FakeDingTalk, bare: bool) -> None:
    ding.cards.bare_space = bare
    async with running(ding, card_template=ding.cards.template) as dingtalk:
        (payload,) = dingtalk.render(say("题", buttons=(Button("再答", "再答"),)))
        sent = await dingtalk.send(["Alice", "zoe"], payload | {"key": "k.0"})
        assert set(sent.failed) == {"zoe"}
        text = '{"success":true,"result":{"deliverResults":[{"spaceId":"Alice","success":true}]}}'
        ding.fault("v1.0/card/instances/createAndDeliver", "json", status=200, text=text)
        with pytest.raises(Ambiguous):
            await dingtalk.send(["Alice", "bob"], payload | {"key": "k.1"})
        ding.cards.published = False
        with pytest.raises(Misconfigured) as caught:
            await dingtalk.send(["Alice"], payload | {"key": "k.2"})
    assert "JIEHUA_DINGTALK_CARD_TEMPLATE" in caught.value.advice


# Errors


@pytest.mark.parametrize("code", [*EXACT, *(f"{prefix}x" for prefix in PREFIXES)])
def test_every_known_code_says_what_and_what_to_do(code: str) -> None:
    error = error_for(400, {"code": code.upper()}, Ambiguous)
    assert isinstance(error, Permanent | Temporary | Ambiguous)
    assert any("一" <= char <= "鿿" for char in str(error))
    if isinstance(error, Misconfigured):
        assert error.advice
        assert (error.retry_after or 0) >= 300


@pytest.mark.parametrize(
    ("knob", "value", "kind"),
    [
        ("api_quota", 0, Misconfigured),
        ("permitted", False, Misconfigured),
        ("published", False, Misconfigured),
        ("robot_code", "another", Misconfigured),
        ("address_allowed", False, Misconfigured),
        ("qps", -1, TooFast),
        ("banned", "json", TooFast),
        ("banned", "html", Temporary),
    ],
)
async def test_what_stops_every_message_keeps_it(ding: FakeDingTalk, knob: str, value: Any, kind: type) -> None:
    async with running(ding) as dingtalk:
        await dingtalk.check()
        setattr(ding.vendor, knob, value)
        with pytest.raises(Temporary) as caught:
            await dingtalk.send(["Alice"], HELLO)
    assert type(caught.value) is kind
    assert (caught.value.retry_after or 0) >= 1
    assert ding.hears("Alice") == []


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, '{"code":"novelty"}', Permanent),
        (400, '{"code":"invalidParameter.msgParam.tooLong"}', Permanent),
        (400, '{"code":"unknownError"}', Ambiguous),
        (400, "{}", Ambiguous),
        (200, "{}", Ambiguous),
        (200, '{"processQueryKey":7}', Ambiguous),
        (200, '{"code":"send.too.fast"}', TooFast),
        (200, '{"processQueryKey":"q","code":"robot.oto.notExist"}', Misconfigured),
    ],
)
async def test_odd_answers(ding: FakeDingTalk, dingtalk: DingTalk, status: int, text: str, kind: type) -> None:
    ding.fault(SEND, "json", status=status, text=text)
    with pytest.raises(PlatformError) as caught:
        await dingtalk.send(["Alice"], HELLO)
    assert type(caught.value) is kind


@pytest.mark.parametrize("kind", ["reset", "truncated", "cut", "html", "status"])
async def test_an_answer_that_cannot_be_believed_is_ambiguous(
    ding: FakeDingTalk, dingtalk: DingTalk, kind: Any
) -> None:
    await dingtalk.check()
    ding.fault(SEND, kind, after=True)
    with pytest.raises(Ambiguous):
        await dingtalk.send(["Alice"], HELLO)
    assert len(ding.hears("Alice")) == 1


async def test_no_log_line_holds_a_secret(
    ding: FakeDingTalk, dingtalk: DingTalk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    session = await writes(ding, dingtalk, "Alice")
    ding.chats.accepts = False
    await dingtalk.send(["Alice"], HELLO)
    ding.vendor.expire_token()
    for kind in ("reset", "html", "status"):
        ding.fault(SEND, kind)  # type: ignore[arg-type]
        with pytest.raises(PlatformError):
            await dingtalk.send(["Alice"], HELLO)
    secrets = (ding.secret, ding.vendor.token, session.url.split("session=")[1])
    assert not [secret for secret in secrets if secret in caplog.text]
