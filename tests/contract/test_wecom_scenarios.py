"""What goes wrong with WeCom in a real week, on both databases: slow answers, restarts, people who leave, bad days."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import StorageBusy
from bot.core.log import quiet
from bot.core.messages import Incoming, Message, say
from storage import deliveries
from storage.database import Database
from storage.deliveries import FAILED, SENT, Owed
from storage.models import Attempt, Inbox
from storage.tokens import StoredTokens
from tests.chat import LESSON
from tests.contract.wecom_office import Office, Opened, office_of
from tests.conversations.test_daily_loop import GOOD
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running
from tests.unit.platforms.test_wecom_callback import bad_packets

HELLO = {"msgtype": "text", "text": {"content": "您好"}}


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[FakeWecom]:
    async with FakeWecom(("Alice", "Bob", "Carol"), clock=clock) as fake:
        yield fake
        assert fake.errors == []


@pytest.fixture
async def office(fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock) -> AsyncIterator[Office]:
    async with office_of(fake, database, opened, clock) as office:
        yield office


# 1. A handler that is too slow


async def test_a_slow_handler_gives_one_answer_over_three_pushes(
    fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock
) -> None:
    async with office_of(fake, database, opened, clock, deadline=0.2) as office:
        await office.join("Alice")
        real, slow = office.world.program.dispatcher.receive, asyncio.Event()

        async def receive(incoming: Incoming) -> tuple[Message, ...]:
            await slow.wait()
            return await real(incoming)

        office.world.program.parked._receive = receive
        fake.callbacks.pause = 0.05
        pushing = asyncio.create_task(fake.push_text("Alice", "帮助"))
        await asyncio.sleep(0.35)  # the first push has been given up by us, the second is waiting
        slow.set()
        pushed = await pushing
        await office.deliver()
    assert pushed.attempts[0].status == 503
    assert pushed.accepted
    assert sum("帮助" in text for text in fake.hears("Alice") if "〔卡片〕" not in text) == 2, (
        "the greeting and one help"
    )
    assert await office.count(Inbox) == 2


# 2. Everybody at once with a dead token


async def test_two_hundred_sends_of_four_processes_with_a_dead_token_fetch_one(
    fake: FakeWecom, database: Database
) -> None:
    fake.vendor.gettoken_parallel, fake.vendor.member_per_minute = 1, 1000
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(running(fake, StoredTokens(database))) for _ in range(4)]
        await replicas[0].send(["Alice"], HELLO | {"key": "first"})
        fake.expire_token()
        payloads = [HELLO | {"key": str(number)} for number in range(50)]
        await asyncio.gather(*(replica.send(["Alice"], payload) for replica in replicas for payload in payloads))
    assert len(fake.requests("gettoken")) == 2
    assert {request.errcode for request in fake.requests("gettoken")} == {0}


# 3. A restart in the middle of the vendor's repeats


async def test_a_restart_between_two_repeats_answers_once(
    fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock
) -> None:
    fake.callbacks.sends = 1
    async with office_of(fake, database, opened, clock) as before:
        await before.join("Alice")
        await before.world.campaign(LESSON)
        await before.world.at("09:30")
        pushed = await fake.push_text("Alice", GOOD, lost=1)  # handled and committed, but the answer got lost
        assert pushed.attempts[0].status == 200
        assert not any("点评" in text for text in fake.hears("Alice"))
    async with office_of(fake, database, opened, clock) as after:
        assert (await fake.again(pushed)).reply == pushed.attempts[0].reply
        fake.advance(2)
        await after.deliver()
        assert await after.count(Attempt) == 1
    assert sum("点评｜" in text for text in fake.hears("Alice")) == 1
    assert sum("对照着看" in text for text in fake.hears("Alice")) == 1


async def test_a_restart_before_anything_was_stored_answers_once(
    fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock
) -> None:
    fake.callbacks.sends = 1
    async with office_of(fake, database, opened, clock) as before:
        await before.join("Alice")

        async def busy(_incoming: Incoming) -> tuple[Message, ...]:
            raise StorageBusy

        before.world.program.parked._receive = busy
        pushed = await fake.push_text("Alice", "帮助")
        assert pushed.attempts[0].status == 503
    async with office_of(fake, database, opened, clock) as after:
        assert (await fake.again(pushed)).accepted
        await after.deliver()
        assert await after.count(Inbox) == 2
    assert sum(text.startswith("**帮助**") for text in fake.hears("Alice")) == 1


# 4. A very long answer


def long_answer(number: int) -> str:
    """More than 7,000 bytes with a code fence and emoji; no part of one equals a part of another."""
    rows = [f"第{row}条（{number}）：先接住情绪，再说能办什么。😀👍" * 3 for row in range(45)]
    return "\n".join(["```sql", f"SELECT {number}; -- 😀", "```", *rows])


async def test_a_long_answer_arrives_whole_in_order_and_within_the_members_limit(office: Office) -> None:
    fake, world = office.fake, office.world
    await office.join("Alice")
    person = await office.person("Alice")
    assert len(long_answer(0).encode()) > 7000
    fake.advance(120)
    fake.unread("Alice")
    async with world.database.transaction() as tx:
        owed = [
            Owed(f"long{number}", person.id or 0, "answer", say(long_answer(number)), fake.clock.now())
            for number in range(9)
        ]
        await deliveries.enqueue(tx, owed, fake.clock.now())
    await office.deliver()
    first = fake.unread("Alice")
    assert 24 < len(first) <= 30, "whole messages, as many as a minute takes"
    for _ in range(4):
        fake.advance(61)
        await office.deliver()
    texts = first + fake.unread("Alice")
    assert fake.vendor.dropped == []
    assert not any(shown.cut for shown in fake.delivered("Alice"))
    parts = len(texts) // 9
    for number in range(9):
        mine = texts[number * parts : (number + 1) * parts]
        assert [part.split("\n")[0] for part in mine] == [f"（{n}/{parts}）" for n in range(1, parts + 1)]
        assert "\n".join(part.split("\n", 1)[1] for part in mine) == long_answer(number)


# 8. Somebody leaves the visible range


async def test_who_leaves_the_visible_range_costs_one_call_and_the_reason_is_on_record(office: Office) -> None:
    fake, world = office.fake, office.world
    await office.join("Alice", "Bob")
    await world.campaign(LESSON)
    pushed = fake.callbacks.message("Alice", "text", None, Content="话术 退费")
    fake.revoke_user("Alice")
    await fake.callbacks.deliver(pushed)
    before = len(fake.requests("message/send"))
    for _ in range(5):
        await office.deliver()
        fake.advance(60)
    assert len(fake.requests("message/send")) == before + 1
    row = (await office.deliveries("answer"))[-1]
    assert (row.recipient, row.status) == ("alice", FAILED)
    assert "可见范围" in row.error
    await world.at("09:30")
    challenges = {row.recipient: row for row in await office.deliveries("challenge")}
    assert challenges["bob"].status == SENT
    assert challenges["alice"].status == FAILED
    sends = len(fake.requests("message/send"))
    await world.at("11:00")
    assert len(fake.requests("message/send")) == sends


# Rows 16 and 17: odd and hostile callbacks


async def test_hostile_callbacks_get_4xx_store_nothing_and_the_bot_lives(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    fake = office.fake
    for name, (query, body) in bad_packets(fake).items():
        if name == "signature in another alphabet":
            continue  # cannot be put into a URL; it is asked of the adapter itself
        status, answer = await fake.callbacks.post(query, body)
        assert status in (403, 413), name
        assert len(answer.decode()) < 20, name
    assert await office.count(Inbox) == 0
    await office.join("Alice")
    assert "接话教练" in fake.hears("Alice")[0]
    assert {getattr(record, "action", "") for record in caplog.records} & {"callback.failed"} == set()


async def test_ten_megabytes_and_a_replay_do_no_harm(office: Office) -> None:
    fake = office.fake
    query, body = fake.callbacks.envelope(fake.callbacks.message("Alice", "text", 5, Content="帮助").xml)
    status, _ = await fake.callbacks.post(query, b"x" * 10_000_000)
    assert status in (413, None), "it may hang up before everything is sent"
    assert await office.count(Inbox) == 0
    first = await fake.callbacks.post(query, body)
    assert (await fake.callbacks.post(query, body))[0] == first[0] == 200
    assert await office.count(Inbox) == 1, "a replay inside the window is a message that is known"
    fake.advance(301)
    assert (await fake.callbacks.post(query, body))[0] == 403
    assert await office.count(Inbox) == 1


async def test_the_same_msgid_of_two_people_and_two_taps_in_a_second_are_all_kept(office: Office) -> None:
    fake = office.fake
    for user in ("Alice", "Bob"):
        await fake.push_text(user, "帮助", msg_id=77)
    for key in ("今日", "我的"):
        await fake.click("Alice", key)
    await office.deliver()
    assert await office.count(Inbox) == 4
    assert len(fake.hears("Bob")) == 2
    assert any("没有待答的题" in text for text in fake.hears("Alice"))


@pytest.mark.parametrize("text", ["]]>", "😀 <a href='x'> & &lt;", "<![CDATA[x]]>", "话" * 682 + "ab"])
async def test_odd_words_are_handled_like_others(office: Office, text: str) -> None:
    await office.join("Alice")
    before = len(office.fake.hears("Alice"))
    await office.says("Alice", text)
    assert len(office.fake.hears("Alice")) > before


# 10. The log of a bad day


async def test_no_secret_token_handle_or_ciphertext_is_ever_logged(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    quiet()
    caplog.set_level(logging.DEBUG)
    fake, world = office.fake, office.world
    await office.join("Alice", "Bob")
    choice = office.choice()
    await world.campaign(choice.id)
    fake.fault("message/send", "reset", after=True)
    await world.at("09:20")
    for kind in ("status", "html", "truncated", "errcode"):
        fake.fault("message/send", kind)  # type: ignore[arg-type]
        fake.expire_token()
        fake.advance(400)
        await office.deliver()
    fake.advance(400)
    await office.deliver()
    await fake.tap("Alice", "A")
    await fake.tap("Alice", "B")
    for query, body in list(bad_packets(fake).values())[2:8]:
        await fake.callbacks.post(query, body)
    fake.trusted_ips = set()
    await office.says("Bob", GOOD)
    fake.trusted_ips = None
    fake.advance(400)
    await office.deliver()
    assert fake.face("Alice") == "已选：A"
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    tokens = list(fake.vendor._given)
    assert len(tokens) >= 2
    assert len(fake.callbacks.sealed) > 8
    for secret in [fake.secret, fake.token, fake.aes_key, "never-logged", *tokens, *fake.callbacks.sealed]:
        assert secret not in text
    assert GOOD not in text
