"""WeCom over real HTTP, both directions: the bot's callback server and platform against the fake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest

from bot.core.clock import ManualClock
from bot.core.errors import StorageBusy
from bot.core.messages import Incoming, Kind, Message, say
from bot.platforms.wecom import Wecom
from tests.fakes.faults import Kind as FaultKind
from tests.fakes.wecom import FakeWecom, Sealer
from tests.fakes.wecom.bot import running, serving


class Echo:
    """A receiver like the dispatcher: it stores, deduplicates, and answers passively what fits, else by sending."""

    def __init__(self, wecom: Wecom) -> None:
        self.wecom = wecom
        self.stored: dict[str, tuple[Message, ...]] = {}
        self.taken: list[Incoming] = []
        self.slow: list[float] = []
        self.busy = 0
        self.says: Message | None = None

    async def __call__(self, incoming: Incoming) -> tuple[Message, ...]:
        if self.busy:
            self.busy -= 1
            raise StorageBusy
        if self.slow:
            await asyncio.sleep(self.slow.pop(0))
        if incoming.key in self.stored:
            return self.stored[incoming.key]
        self.taken.append(incoming)
        answer = self.says or say(f"你说：{incoming.text}")
        if incoming.passive and self.wecom.fits_passive(answer):
            self.stored[incoming.key] = (answer,)
        else:
            self.stored[incoming.key] = ()
            for payload in self.wecom.render(answer):
                await self.wecom.send([incoming.sender], payload)
        return self.stored[incoming.key]


@pytest.fixture
async def fake() -> AsyncIterator[FakeWecom]:
    async with FakeWecom(members=["Alice", "bob"], clock=ManualClock(datetime(2026, 11, 20, 1, 7, tzinfo=UTC))) as fake:
        yield fake


@pytest.fixture
async def bot(fake: FakeWecom) -> AsyncIterator[Echo]:
    async with running(fake) as wecom:
        echo = Echo(wecom)
        async with serving(fake, wecom, echo):
            yield echo


# The URL


async def test_the_url_is_verified_with_the_exact_bytes(fake: FakeWecom, bot: Echo) -> None:
    for _ in range(20):  # so that "+", "/" and "=" occur in the echostr
        assert await fake.verify_url()


async def test_a_verification_for_another_corp_is_refused(fake: FakeWecom, bot: Echo) -> None:
    fake.callbacks.sealer = Sealer(fake.token, fake.aes_key, "ww-another-corp")
    assert not await fake.verify_url()


# Messages and answers


@pytest.mark.parametrize("text", ["你好", "]]>", "😀 <a href='x'> & &lt;", "<![CDATA[x]]>", "话" * 660])
async def test_a_message_is_answered_in_the_response(fake: FakeWecom, bot: Echo, text: str) -> None:
    pushed = await fake.push_text("Alice", text)
    assert bot.taken[0].text == text
    assert pushed.reply == f"你说：{text}".replace("<a", "＜a")
    assert fake.hears("Alice") == [pushed.reply]
    assert (fake.requests(), fake.errors) == ([], [])


async def test_an_answer_that_does_not_fit_is_sent(fake: FakeWecom, bot: Echo) -> None:
    bot.says = say(*["话术" * 50] * 20)
    pushed = await fake.push_text("Alice", "x")
    assert (pushed.accepted, pushed.reply) == (True, None)
    assert [shown.text[:2] for shown in fake.delivered("Alice")] == ["（1", "（2", "（3", "（4"]
    assert not any(shown.cut or shown.passive for shown in fake.delivered("Alice"))


async def test_every_event(fake: FakeWecom, bot: Echo) -> None:
    assert (await fake.enter("Alice")).reply == "你说："
    assert (await fake.click("Alice", "话术")).reply == "你说：话术"
    assert (await fake.click_card("Alice", "再答", "t1", {"q": ["1"]})).reply == "你说：1"
    assert (await fake.push_media("Alice", "voice")).reply == "你说："
    assert (await fake.subscribe("Zoe")).reply == "你说："
    assert (await fake.unsubscribe("bob")).reply is None
    kinds = [incoming.kind for incoming in bot.taken]
    assert kinds == [Kind.ENTER, Kind.CLICK, Kind.CLICK, Kind.OTHER, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE]
    assert fake.errors == []


async def test_events_that_do_not_concern_the_chat_are_accepted_in_silence(fake: FakeWecom, bot: Echo) -> None:
    for event in ("LOCATION", "view", "view_miniprogram", "change_contact", "inactive_alert"):
        pushed = await fake.push_event("Alice", event)
        assert (pushed.accepted, pushed.reply) == (True, None)
    assert bot.taken == []


async def test_the_answer_carries_nothing_when_there_is_none(fake: FakeWecom, bot: Echo) -> None:
    pushed = fake.callbacks.message("Alice", "text", 1, Content="x")
    bot.stored["1000002:alice:1"] = ()
    status, body = await fake.callbacks.post(*fake.callbacks.envelope(pushed.xml))
    assert (status, body) == (200, b"")


# Repeats


async def test_a_message_that_comes_three_times_is_handled_once_with_the_same_answer(
    fake: FakeWecom, bot: Echo
) -> None:
    pushed = await fake.push_text("Alice", "在", lost=2)
    assert [attempt.reply for attempt in pushed.attempts] == ["你说：在"] * 3
    assert len(bot.taken) == 1
    assert fake.hears("Alice") == ["你说：在"]


async def test_a_message_sent_again_after_its_answer_gets_the_same_answer(fake: FakeWecom, bot: Echo) -> None:
    pushed = await fake.push_text("Alice", "在")
    fake.advance(60)
    assert (await fake.again(pushed)).reply == pushed.reply
    assert len(bot.taken) == 1


async def test_a_slow_answer_reaches_the_person_once_by_the_repeat(fake: FakeWecom) -> None:
    async with running(fake) as wecom:
        echo = Echo(wecom)
        echo.slow = [0.5]
        fake.callbacks.pause = 0.5
        async with serving(fake, wecom, echo, deadline=0.2):
            pushed = await fake.push_text("Alice", "慢")
    assert (pushed.attempts[0].status, pushed.attempts[-1].status) == (503, 200)
    assert len(echo.taken) == 1
    assert fake.hears("Alice") == ["你说：慢"]


async def test_a_busy_database_has_the_vendor_send_it_again(fake: FakeWecom, bot: Echo) -> None:
    bot.busy = 2
    pushed = await fake.push_text("Alice", "忙")
    assert [attempt.status for attempt in pushed.attempts] == [503, 503, 200]
    assert fake.hears("Alice") == ["你说：忙"]


async def test_work_that_is_late_is_finished_before_the_server_stops(fake: FakeWecom) -> None:
    async with running(fake) as wecom:
        echo = Echo(wecom)
        echo.slow = [0.4]
        fake.callbacks.sends = 1
        async with serving(fake, wecom, echo, deadline=0.05):
            assert not (await fake.push_text("Alice", "停")).accepted
        assert len(echo.taken) == 1


async def test_a_receiver_that_fails_says_500_and_the_next_message_works(
    fake: FakeWecom, bot: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    bot.says = say("x" * 5000)
    bot.stored["1000002:alice:9"] = (bot.says,)  # carries what does not fit: a mistake of the receiver
    pushed = await fake.push_text("Alice", "私话", msg_id=9)
    assert [attempt.status for attempt in pushed.attempts] == [500] * 3
    assert "callback.failed" in [getattr(record, "action", "") for record in caplog.records]
    assert "私话" not in caplog.text
    bot.says = None
    assert (await fake.push_text("Alice", "再来")).reply == "你说：再来"


# What is not for us


async def test_bad_callbacks_get_4xx_and_store_nothing(
    fake: FakeWecom, bot: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    calls = fake.callbacks
    good = calls.message("Alice", "text", 1, Content="x").xml
    query, body = calls.envelope(good)
    now = int(fake.clock.now().timestamp())
    bad = [
        (query | {"msg_signature": "0" * 40}, body),
        ({}, body),
        (query, calls.envelope(good)[1]),
        calls.envelope(good, sealer=Sealer(fake.token, fake.aes_key, "ww-another-corp")),
        calls.envelope(good, timestamp=now - 301),
        calls.envelope("", sealed=calls.sealer.seal(good)[:-7]),
        calls.envelope("", sealed=calls.sealer.encrypt(b"x" * 31 + b"\x00")),
        calls.envelope('<!DOCTYPE xml [<!ENTITY e "x">]><xml><Content>&e;</Content></xml>'),
        calls.envelope(good.replace("1000002", "1000003")),
        (query, b"<!DOCTYPE xml [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><xml>&e;</xml>"),
        (query, b"a" * 10 * 1024 * 1024),
        (query, b"\xff\xfe"),
    ]
    for number, (bad_query, bad_body) in enumerate(bad):
        status, answer = await calls.post(bad_query, bad_body)
        assert status in (403, 413), number
        assert len(answer.decode()) < 20
    assert bot.taken == []
    assert (await fake.push_text("Alice", "还在吗")).reply == "你说：还在吗"
    for secret in (fake.token, fake.aes_key, query["msg_signature"]):
        assert secret not in caplog.text


async def test_another_method_or_path(fake: FakeWecom, bot: Echo) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.put(fake.bot_url) as response:
            assert response.status == 405
        async with session.get(fake.bot_url) as response:
            assert (response.status, await response.text()) == (403, "缺少参数")


# The whole day of one connection


async def test_messages_in_both_directions_while_things_break(
    fake: FakeWecom, bot: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kinds: list[FaultKind] = ["status", "reset", "html", "truncated", "cut"]
    for number, kind in enumerate(kinds):
        fake.fault("message/send", kind, after=number % 2 == 0)
        bot.says = say("话" * 683 + str(number))
        await fake.push_text("Alice", f"{number}")  # the receiver fails, so the vendor repeats it
        fake.expire_token()
    bot.says = None
    assert (await fake.push_text("bob", "好了吗")).reply == "你说：好了吗"
    assert not any(shown.cut for shown in fake.delivered("Alice"))
    for secret in [fake.secret, fake.token, fake.aes_key, "tok-"]:
        assert secret not in caplog.text
    assert fake.errors == []
