"""Sending through the API: tokens, errcodes inside 200, people who were not reached, pictures, repeats."""

from __future__ import annotations

import asyncio
import itertools
import logging
import zlib
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest

from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, StorageBusy, Temporary, TooFast
from bot.core.messages import Button, Line, Message, say
from bot.platforms.base import Platform, Sent
from bot.platforms.tokens import Entry
from bot.platforms.wecom import Wecom
from bot.platforms.wecom.codes import ALL_UNREACHABLE, CODES, Does, error_for
from bot.platforms.wecom.said import LENGTHS
from storage.database import Database
from storage.tokens import StoredTokens
from tests.fakes.stores import MemoryTokens
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import PNG, running

HELLO = {"msgtype": "text", "text": {"content": "你好😀"}}
PICTURE = {"msgtype": "image", "image": {"picture": 7}}


def test_it_is_a_platform(wecom: Wecom) -> None:
    platform: Platform = wecom
    assert (platform.name, platform.repeat_safe, platform.limits.part_bytes) == ("wecom", True, 2048)


async def test_a_message_reaches_its_people(fake: FakeWecom, wecom: Wecom) -> None:
    sent = await wecom.send(["alice", "bob"], HELLO)
    assert sent == Sent(message_id="msg-2", failed={})
    assert fake.hears("Alice") == fake.hears("bob") == ["你好😀"]
    assert fake.requests("message/send")[0].body == {
        "touser": "alice|bob",
        "msgtype": "text",
        "agentid": 1000002,
        "text": {"content": "你好😀"},
        "enable_duplicate_check": 1,
        "duplicate_check_interval": 14400,
    }


async def test_every_part_of_a_long_message_arrives_uncut_and_in_order(fake: FakeWecom, wecom: Wecom) -> None:
    for payload in wecom.render(say(*["话术😀" * 40] * 30)):
        await wecom.send(["Alice"], payload)
    shown = fake.delivered("Alice")
    assert len(shown) > 5
    assert not any(one.cut for one in shown)
    assert [one.text[:2] for one in shown] == [f"（{n}" for n in range(1, len(shown) + 1)]


# People who were not reached


async def test_people_the_vendor_does_not_know_are_named_as_we_spelt_them(fake: FakeWecom, wecom: Wecom) -> None:
    fake.vendor.unlicensed = {"carol"}
    sent = await wecom.send(["Alice", "Zoe", "CAROL"], HELLO)
    assert set(sent.failed) == {"Zoe", "CAROL"}
    assert "许可" in sent.failed["CAROL"]
    assert (fake.hears("Alice"), fake.hears("carol")) == (["你好😀"], [])


async def test_when_nobody_can_be_reached_everybody_failed(fake: FakeWecom, wecom: Wecom) -> None:
    fake.revoke_user("Alice")
    sent = await wecom.send(["Alice", "Zoe"], HELLO)
    assert set(sent.failed) == {"Alice", "Zoe"}
    assert fake.requests("message/send")[-1].errcode == 81013


@pytest.mark.parametrize("name", ["@all", "@ALL", "alice|bob", "", " "])
async def test_a_name_that_would_reach_others_is_never_sent(fake: FakeWecom, wecom: Wecom, name: str) -> None:
    sent = await wecom.send([name], HELLO)
    assert set(sent.failed) == {name}
    assert (await wecom.send([name, "Alice"], HELLO)).failed.keys() == {name}
    assert fake.hears("bob") == []


async def test_more_people_than_a_call_takes_is_a_mistake_of_ours(wecom: Wecom) -> None:
    with pytest.raises(ValueError, match="1000"):
        await wecom.send([f"u{n}" for n in range(1001)], HELLO)


# Tokens


async def test_a_token_that_dies_between_two_parts_is_renewed_once(fake: FakeWecom, wecom: Wecom) -> None:
    for code in (42001, 40014):
        await wecom.send(["Alice"], HELLO | {"key": f"first {code}"})
        fake.expire_token(code)
        await wecom.send(["Alice"], HELLO | {"key": f"second {code}"})
    assert len(fake.hears("Alice")) == 4
    assert len(fake.requests("gettoken")) == 3


async def test_fifty_sends_with_a_dead_token_fetch_one(fake: FakeWecom, wecom: Wecom) -> None:
    await wecom.send(["Alice"], HELLO)
    fake.expire_token()
    fake.fault("gettoken", "latency", seconds=0.05)
    fake.vendor.member_per_minute = 100
    await asyncio.gather(*(wecom.send(["Alice"], HELLO | {"key": str(n)}) for n in range(50)))
    assert len(fake.hears("Alice")) == 51
    assert len(fake.requests("gettoken")) == 2


@pytest.mark.parametrize("rotates", [False, True])
async def test_four_replicas_with_a_dead_token_fetch_one(fake: FakeWecom, database: Database, rotates: bool) -> None:
    fake.vendor.new_token_each_time = rotates
    fake.vendor.gettoken_parallel = 1
    fake.vendor.member_per_minute = 1000
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(running(fake, StoredTokens(database))) for _ in range(4)]
        for round_number in range(2):
            payloads = [HELLO | {"key": f"{round_number} {n}"} for n in range(50)]
            await asyncio.gather(*(replica.send(["Alice"], payload) for replica in replicas for payload in payloads))
            assert len(fake.requests("gettoken")) == round_number + 1
            fake.expire_token()


async def test_a_token_that_stays_dead_means_later(fake: FakeWecom, wecom: Wecom) -> None:
    fake.fault("message/send", "errcode", code=42001, times=2)
    with pytest.raises(Temporary) as caught:
        await wecom.send(["Alice"], HELLO)
    assert (caught.value.code, caught.value.retry_after) == ("42001", 60)


async def test_a_wrong_secret_waits_for_the_operator_and_is_not_repeated(fake: FakeWecom, wecom: Wecom) -> None:
    fake.vendor.secret = "changed-in-the-console"
    for _ in range(5):
        with pytest.raises(Misconfigured) as caught:
            await wecom.send(["Alice"], HELLO)
    assert "JIEHUA_WECOM_SECRET" in caught.value.advice
    assert len(fake.requests("gettoken")) == 1


async def test_an_address_that_is_not_trusted_is_named(fake: FakeWecom, wecom: Wecom) -> None:
    fake.trusted_ips = set()
    with pytest.raises(Misconfigured) as caught:
        await wecom.send(["Alice"], HELLO)
    assert "127.0.0.1" in caught.value.advice


# Errcodes and broken answers


@pytest.mark.parametrize("code", [code for code in CODES if code not in (40014, 42001, ALL_UNREACHABLE)])
async def test_an_errcode_inside_200_is_an_error(fake: FakeWecom, wecom: Wecom, code: int) -> None:
    fake.fault("message/send", "errcode", code=code)
    meant: dict[Does, type[PlatformError]] = {
        Does.LATER: Temporary, Does.PAUSE: TooFast, Does.OPERATOR: Misconfigured, Does.NEVER: Permanent,
    }  # fmt: skip
    expected = meant[CODES[code].does]
    with pytest.raises(expected) as caught:
        await wecom.send(["Alice"], HELLO)
    assert caught.value.code == str(code)
    assert str(code) in str(caught.value)


@pytest.mark.parametrize(("code", "wait"), [(-1, None), (45009, 60), (45033, 60), (60020, 300)])
def test_how_long_to_wait(code: int, wait: float | None) -> None:
    error = error_for(code)
    assert isinstance(error, Temporary)
    assert error.retry_after == wait


def test_an_unknown_errcode_is_not_retried_blindly() -> None:
    assert isinstance(error_for(999999, "secret stuff"), Permanent)
    assert "stuff" not in str(error_for(999999, "secret stuff"))


@pytest.mark.parametrize("kind", ["html", "truncated", "cut", "reset", "status"])
@pytest.mark.parametrize("after", [False, True])
async def test_no_believable_answer_is_unknown_and_a_repeat_shows_once(
    fake: FakeWecom, wecom: Wecom, kind: Any, after: bool
) -> None:
    fake.fault("message/send", kind, after=after)
    with pytest.raises(Ambiguous):
        await wecom.send(["bob", "Alice"], HELLO | {"key": "d1"})
    await wecom.send(["Alice", "bob"], HELLO | {"key": "d1"})
    assert fake.hears("Alice") == fake.hears("bob") == ["你好😀"]


async def test_no_answer_in_time_is_unknown(fake: FakeWecom) -> None:
    fake.fault("message/send", "latency", seconds=1.5)
    async with running(fake, timeout=0.5) as wecom:
        with pytest.raises(Ambiguous):
            await wecom.send(["Alice"], HELLO)


@pytest.mark.parametrize("kind", ["html", "truncated", "reset", "status", "errcode"])
async def test_a_token_that_cannot_be_fetched_means_nothing_was_sent(fake: FakeWecom, wecom: Wecom, kind: Any) -> None:
    fake.fault("gettoken", kind, times=2)  # the HTTP library repeats a GET once by itself
    with pytest.raises(Temporary):
        await wecom.send(["Alice"], HELLO)
    assert fake.requests("message/send") == []


@pytest.mark.parametrize("text", ["{}", '{"errcode":"0"}', '{"errcode":null}', '{"errcode":true}', '{"status":1111}'])
async def test_an_answer_without_an_errcode_is_unknown(fake: FakeWecom, wecom: Wecom, text: str) -> None:
    fake.fault("message/send", "json", text=text)
    with pytest.raises(Ambiguous):
        await wecom.send(["Alice"], HELLO)


@pytest.mark.parametrize("text", ["{}", '{"errcode":0}', '{"errcode":0,"access_token":"","expires_in":7200}'])
async def test_a_token_answer_without_a_token_is_later(fake: FakeWecom, wecom: Wecom, text: str) -> None:
    fake.fault("gettoken", "json", text=text)
    with pytest.raises(Temporary):
        await wecom.send(["Alice"], HELLO)


# The same words twice


async def test_the_same_words_said_twice_on_purpose_show_twice(fake: FakeWecom, wecom: Wecom) -> None:
    for key in ("answer:1", "answer:2", "answer:2"):
        await wecom.send(["Alice"], HELLO | {"key": key})
    assert fake.hears("Alice") == ["你好😀"] * 2


async def test_a_repeat_is_recognised_for_three_hours_whatever_the_key(fake: FakeWecom, wecom: Wecom) -> None:
    fake.vendor.member_per_minute = 1000
    for n in range(100):
        await wecom.send(["Alice"], HELLO | {"key": f"k{n}"})
    assert len(fake.hears("Alice")) == 100, "by chance alone two would be taken for one now and then"
    fake.advance(wecom.repeat_seconds)
    for n in range(100):
        await wecom.send(["Alice"], HELLO | {"key": f"k{n}"})
    assert len(fake.hears("Alice")) == 100


def rivals(count: int) -> list[str]:
    """Keys that would take the same length of the interval."""
    found = defaultdict[int, list[str]](list)
    for number in itertools.count():
        length = found[zlib.crc32(f"k{number}".encode()) % LENGTHS]
        length.append(f"k{number}")
        if len(length) == count:
            return length
    raise AssertionError("unreachable")


async def test_no_two_keys_are_ever_taken_for_a_repeat(fake: FakeWecom, database: Database) -> None:
    """Across replicas and a restart, and what was said once more stays itself."""
    keys, store = rivals(4), StoredTokens(database)
    async with running(fake, store) as one, running(fake, store) as other:
        await one.send(["Alice"], HELLO | {"key": keys[0]})
        await other.send(["Alice"], HELLO | {"key": keys[1]})
        await asyncio.gather(one.send(["Alice"], HELLO | {"key": keys[2]}), other.send(["bob"], HELLO | {"key": "b"}))
    async with running(fake, store) as restarted:
        for key in (keys[3], *reversed(keys)):
            await restarted.send(["alice"], HELLO | {"key": key})  # spelt otherwise it is another request
        for key in keys[:3]:
            await restarted.send(["Alice"], HELLO | {"key": key})
    assert len(fake.hears("Alice")) == 3 + 4
    assert fake.hears("bob") == ["你好😀"]
    bodies = [request.raw for request in fake.requests("message/send") if b'"Alice"' in request.raw]
    assert len(bodies) == 6
    assert len(set(bodies)) == 3


async def test_replicas_at_once_take_different_lengths(fake: FakeWecom, database: Database) -> None:
    fake.vendor.member_per_minute, keys = 100, rivals(6)
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(running(fake, StoredTokens(database))) for _ in range(3)]
        calls = [(replicas[number % 3], key) for number, key in enumerate(keys)]
        await asyncio.gather(*(replica.send(["Alice"], HELLO | {"key": key}) for replica, key in calls))
    assert len(fake.hears("Alice")) == 6


async def test_what_was_said_is_forgotten_when_no_repeat_can_come(fake: FakeWecom, database: Database) -> None:
    store = StoredTokens(database)
    async with running(fake, store) as wecom:
        for number in range(5):
            await wecom.send(["Alice", "bob"], HELLO | {"key": f"k{number}"})
            fake.advance(3600 * 3)
        rows = await store.get(f"wecom:{fake.vendor.corp_id}:{fake.vendor.agent_id}:said:*")
    assert rows is not None
    assert 1 <= len(rows[0].split("\n")) <= 3


async def test_when_it_cannot_be_written_down_nothing_is_sent(fake: FakeWecom) -> None:
    class Busy(MemoryTokens):
        async def put(self, name: str, value: str, expires_at: datetime, *, instead_of: str) -> Entry:
            if ":said:" in name:
                raise StorageBusy
            return await super().put(name, value, expires_at, instead_of=instead_of)

    async with running(fake, Busy()) as wecom:
        with pytest.raises(Temporary):
            await wecom.send(["Alice"], HELLO | {"key": "k"})
    assert fake.requests("message/send") == []


async def test_a_repeat_is_identical_after_cards_have_become_words(fake: FakeWecom, wecom: Wecom) -> None:
    message = say("接住了。", title="点评", buttons=(Button("再答", "再答"), Button("例答", "例答")))
    fake.vendor.cards.callback = False
    first = [payload | {"key": f"k.{part}"} for part, payload in enumerate(wecom.render(message))]
    for payload in first:
        await wecom.send(["Alice"], payload)
    fake.advance(1800)
    again = [payload | {"key": f"k.{part}"} for part, payload in enumerate(wecom.render(message))]
    for payload in again:
        await wecom.send(["Alice"], payload)
    assert again == first
    assert fake.hears("Alice") == ["**点评**\n接住了。", "可以回复：「再答」、「例答」"]


# Pictures


async def test_a_picture_is_uploaded_once_and_sent(fake: FakeWecom, wecom: Wecom) -> None:
    for payload in wecom.render(Message(lines=(Line("周榜"),), picture=7)):
        await wecom.send(["Alice"], payload)
    await wecom.send(["bob"], PICTURE)
    assert fake.hears("Alice") == ["周榜", "〔图片〕"]
    assert fake.delivered("Alice")[1].media == PNG
    assert len(fake.requests("media/upload")) == 1
    fake.advance(3 * 24 * 3600)
    await wecom.send(["bob"], PICTURE)
    assert len(fake.requests("media/upload")) == 2
    assert fake.hears("bob") == ["〔图片〕"] * 2


async def test_a_large_picture(fake: FakeWecom, wecom: Wecom) -> None:
    async def large(_picture: int) -> bytes:
        return PNG + b"x" * 2_000_000

    wecom._picture_of = large
    await wecom.send(["Alice"], PICTURE)
    assert len(fake.delivered("Alice")[0].media) == len(PNG) + 2_000_000


async def test_a_picture_repeated_by_another_replica_shows_once(fake: FakeWecom, database: Database) -> None:
    async with running(fake, StoredTokens(database)) as one, running(fake, StoredTokens(database)) as other:
        fake.fault("message/send", "reset", after=True)
        with pytest.raises(Ambiguous):
            await one.send(["Alice"], PICTURE)
        await other.send(["Alice"], PICTURE)
    assert fake.hears("Alice") == ["〔图片〕"]


async def test_a_picture_the_vendor_forgot_is_uploaded_again(fake: FakeWecom, wecom: Wecom) -> None:
    await wecom.send(["Alice"], PICTURE)
    fake.vendor.forget_media()
    await wecom.send(["bob"], PICTURE)
    assert fake.hears("bob") == ["〔图片〕"]


async def test_an_upload_renews_a_dead_token_too(fake: FakeWecom, wecom: Wecom) -> None:
    await wecom.send(["Alice"], HELLO)
    fake.expire_token()
    await wecom.send(["Alice"], PICTURE)
    assert fake.hears("Alice")[-1] == "〔图片〕"


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [("status", 0, Temporary), ("reset", 0, Temporary), ("errcode", 45001, Permanent), ("errcode", 0, Temporary)],
)
async def test_a_picture_that_cannot_be_uploaded_was_not_sent(
    fake: FakeWecom, wecom: Wecom, kind: Any, code: int, expected: type[PlatformError]
) -> None:
    fake.fault("media/upload", kind, code=code)
    with pytest.raises(expected):
        await wecom.send(["Alice"], PICTURE)
    assert fake.requests("message/send") == []


async def test_a_picture_that_is_gone_is_not_waited_for(wecom: Wecom) -> None:
    async def none(_picture: int) -> bytes:
        return b""

    async def busy(_picture: int) -> bytes:
        raise StorageBusy

    for picture_of, expected in ((none, Permanent), (busy, Temporary)):
        wecom._picture_of = picture_of
        with pytest.raises(expected):
            await wecom.send(["Alice"], PICTURE)


# Logs


async def test_no_secret_or_token_is_logged(fake: FakeWecom, wecom: Wecom, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await wecom.send(["Alice"], HELLO)
    given = [fake.vendor.token.value if fake.vendor.token else ""]
    for kind in ("status", "reset", "html"):
        fake.fault("message/send", kind)
        with pytest.raises(Ambiguous):
            await wecom.send(["Alice"], HELLO)
    fake.expire_token()
    fake.vendor.secret = "changed"
    with pytest.raises(Misconfigured) as caught:
        await wecom.send(["Alice"], HELLO)
    logging.getLogger("test").error("failed: %r", wecom._account, exc_info=caught.value)
    assert "token.failed" in [getattr(record, "action", "") for record in caplog.records]
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in [fake.secret, fake.token, fake.aes_key, *given]:
        assert secret
        assert secret not in text
