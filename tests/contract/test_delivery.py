"""What is owed is sent once, in order, within the vendor's limits; what cannot be known is never guessed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.core.clock import ManualClock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, StorageBusy, Temporary
from bot.core.messages import Message, say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.platforms.base import Limits, Payload, Platform, Sent
from storage import deliveries, people, sending
from storage.database import Database
from storage.deliveries import CANCELLED, DUE, FAILED, SENDING, SENT, UNKNOWN, Owed
from storage.models import Content, Delivery

Step = Exception | Sent | Callable[[], Awaitable[Sent]]


@dataclass
class Scripted:
    """A vendor that does what the script says, then accepts everything. A message is one payload a line."""

    name: str = "scripted"
    limits: Limits = Limits(part_bytes=2048, recipients=3, calls_per_second=100_000.0)
    repeat_safe: bool = True
    repeat_seconds: float = 1800.0
    script: list[Step] = field(default_factory=list)
    calls: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)  # recipients, text, key

    def render(self, message: Message) -> list[Payload]:
        if message.title == "cannot be rendered":
            raise ValueError(message.title)
        return [{"text": line.text} for line in message.lines if line.text]

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        self.calls.append((tuple(recipients), payload["text"], payload["key"]))
        step = self.script.pop(0) if self.script else Sent(f"m{len(self.calls)}")
        await asyncio.sleep(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Sent) else await step()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    @property
    def texts(self) -> list[str]:
        return [text for _, text, _ in self.calls]

    @property
    def reached(self) -> Counter[tuple[str, str]]:
        """How often each recipient was sent each text."""
        return Counter((who, text) for recipients, text, _ in self.calls for who in recipients)


class FlakyDatabase(Database):
    """A database whose next writing transactions fail, once `busy` is set to how many."""

    busy = 0

    @asynccontextmanager
    async def transaction(self) -> Any:
        if self.busy:
            self.busy -= 1
            raise StorageBusy
        async with super().transaction() as tx:
            yield tx


@dataclass
class Post:
    """A post office to test: what is owed goes in, rows come out."""

    database: Database
    clock: ManualClock
    vendor: Scripted

    def courier(self) -> Courier:
        """A new one, as after a start of the process."""
        return self.courier_of({self.vendor.name: self.vendor})

    def courier_of(self, platforms: dict[str, Platform]) -> Courier:
        return Courier(self.database, platforms, self.clock, turns_of(self.database))

    async def owe(self, key: str, who: str, *words: str, later: timedelta = timedelta(0), **values: Any) -> None:
        async with self.database.transaction() as tx:
            person = await people.by_identity(tx, self.vendor.name, who)
            if person is None:
                person = await people.enrol(tx, self.vendor.name, who, self.clock.now())
            message, due_at = say(*words), self.clock.now() + later
            owed = Owed(key, person.id or 0, "answer", message, due_at, **values)
            await deliveries.enqueue(tx, [owed], self.clock.now())

    async def rows(self) -> dict[str, Delivery]:
        async with self.database.reading() as tx:
            return {row.key: row for row in await tx.scalars(select(Delivery).order_by(col(Delivery.id)))}

    async def status(self, key: str = "k") -> str:
        return (await self.rows())[key].status

    async def claimed_by_another(self, *, ago: timedelta) -> None:
        """Somebody took up everything that is due, then died."""
        async with self.database.transaction() as tx:
            rows = await sending.due(tx, self.clock.now(), [self.vendor.name], 100)
            ids = [row.id or 0 for row in rows]
            await sending.claim(tx, ids, "dead", "their-batch", self.clock.now())
            await deliveries.record(tx, ids, sent_at=self.clock.now() - ago)


@pytest.fixture
def post(database: Database, clock: ManualClock) -> Post:
    return Post(database, clock, Scripted())


# --- batches, parts, order


async def test_the_same_words_go_out_in_calls_of_the_vendors_size(post: Post) -> None:
    for number in range(7):
        await post.owe(f"k{number}", f"u{number}", "今日一题")
    await post.owe("other", "u9", "别的")
    assert await post.courier().run_once() == 8
    assert [len(recipients) for recipients, _, _ in post.vendor.calls] == [3, 3, 1, 1]
    assert len({key for _, _, key in post.vendor.calls}) == 4, "every call has a key of its own"
    assert {row.status for row in (await post.rows()).values()} == {SENT}
    assert await post.courier().run_once() == 0


async def test_what_the_vendor_said_is_kept(post: Post) -> None:
    await post.owe("k", "u", "您好")
    await post.courier().run_once()
    row = (await post.rows())["k"]
    assert (row.status, row.message_id, row.parts_sent, row.tries, row.error) == (SENT, "m1", 1, 1, "")
    assert row.sent_at == post.clock.now()


async def test_the_intent_is_committed_before_the_call(post: Post) -> None:
    seen: list[tuple[str, str | None]] = []

    async def look() -> Sent:
        row = (await post.rows())["k"]
        seen.append((row.status, row.batch))
        return Sent()

    post.vendor.script = [look]
    await post.owe("k", "u", "您好")
    await post.courier().run_once()
    assert seen == [(SENDING, post.vendor.calls[0][2].removesuffix(".0"))]


async def test_parts_go_out_in_order_each_with_its_own_key(post: Post) -> None:
    await post.owe("k", "u", "一", "二", "三")
    await post.courier().run_once()
    assert post.vendor.texts == ["一", "二", "三"]
    batch = post.vendor.calls[0][2].removesuffix(".0")
    assert [key for _, _, key in post.vendor.calls] == [f"{batch}.0", f"{batch}.1", f"{batch}.2"]


async def test_a_failed_part_is_sent_again_and_the_earlier_ones_are_not(post: Post) -> None:
    post.vendor.script = [Sent(), Temporary("忙", retry_after=5.0)]
    await post.owe("k", "u", "一", "二", "三")
    courier = post.courier()
    await courier.run_once()
    assert (await post.rows())["k"].parts_sent == 1
    post.clock.advance(seconds=6)
    await courier.run_once()
    assert post.vendor.texts == ["一", "二", "二", "三"]
    assert await post.status() == SENT


async def test_one_persons_messages_keep_their_order(post: Post) -> None:
    post.vendor.script = [Temporary("忙", retry_after=5.0)]
    for key in ("点评", "例答", "提醒"):
        await post.owe(key, "alice", key)
    await post.owe("题", "bob", "题")
    courier = post.courier()
    for _ in range(5):
        await courier.run_once()
    assert post.vendor.texts == ["点评", "题"], "alice's later messages wait for the first, bob's do not"
    post.clock.advance(seconds=6)
    while await courier.run_once():
        pass
    assert post.vendor.texts == ["点评", "题", "点评", "例答", "提醒"]


async def test_what_is_due_tomorrow_holds_nothing_up(post: Post) -> None:
    await post.owe("tomorrow", "alice", "明天", later=timedelta(days=1))
    await post.owe("now", "alice", "现在")
    await post.courier().run_once()
    assert post.vendor.texts == ["现在"]
    post.clock.advance(days=1)
    await post.courier().run_once()
    assert post.vendor.texts == ["现在", "明天"]


async def test_a_message_that_failed_for_good_lets_the_next_one_through(post: Post) -> None:
    post.vendor.script = [Permanent("不行")]
    await post.owe("one", "alice", "一")
    await post.owe("two", "alice", "二")
    courier = post.courier()
    while await courier.run_once():
        pass
    assert {key: row.status for key, row in (await post.rows()).items()} == {"one": FAILED, "two": SENT}


async def test_messages_of_platforms_that_are_off_wait(post: Post) -> None:
    await post.owe("k", "u", "您好")
    assert await post.courier_of({}).run_once() == 0
    assert await post.status() == DUE


# --- what the vendor may say


async def test_people_who_were_not_reached_are_told_apart(post: Post) -> None:
    post.vendor.script = [Sent("m", {"u1": "不在可见范围"})]
    for number in range(3):
        await post.owe(f"k{number}", f"u{number}", "一", "二")
    await post.courier().run_once()
    rows = await post.rows()
    assert [rows[f"k{number}"].status for number in range(3)] == [SENT, FAILED, SENT]
    assert rows["k1"].error == "不在可见范围"
    assert [recipients for recipients, _, _ in post.vendor.calls] == [("u0", "u1", "u2"), ("u0", "u2")]


async def test_people_who_can_be_reached_later_get_it_later_and_nobody_else_twice(post: Post) -> None:
    throttled = {"u1": "对方限流", "u2": "对方限流"}
    post.vendor.script = [Sent("m", failed={"u0": "没有这个人"}, later=throttled), Sent("m")]
    for number in range(3):
        await post.owe(f"k{number}", f"u{number}", "一", "二")
    await post.owe("after", "u1", "后来的")
    courier = post.courier()
    assert await courier.run_once() == 3
    rows = await post.rows()
    assert [rows[f"k{number}"].status for number in range(3)] == [FAILED, DUE, DUE]
    assert (rows["k1"].error, rows["k1"].parts_sent) == ("对方限流", 0)
    assert rows["k1"].due_at == rows["k2"].due_at > post.clock.now(), "they go out together again"
    assert await courier.run_once() == 0, "what comes after it waits for it"
    post.clock.advance(seconds=10)
    while await courier.run_once():
        pass
    assert [recipients for recipients, _, _ in post.vendor.calls] == [("u0", "u1", "u2"), *[("u1", "u2")] * 2, ("u1",)]
    assert await post.status("k1") == await post.status("k2") == await post.status("after") == SENT


async def test_a_later_part_that_can_be_had_later_does_not_repeat_the_earlier(post: Post) -> None:
    post.vendor.script = [Sent("m"), Sent("m", later={"u1": "对方限流"})]
    for number in range(2):
        await post.owe(f"k{number}", f"u{number}", "一", "二")
    courier = post.courier()
    await courier.run_once()
    assert await post.status("k0") == SENT
    post.clock.advance(seconds=10)
    await courier.run_once()
    assert await post.status("k1") == SENT
    assert post.vendor.reached["u0", "一"] == post.vendor.reached["u0", "二"] == post.vendor.reached["u1", "一"] == 1


async def test_who_could_never_be_reached_in_a_day_is_given_up(post: Post) -> None:
    post.vendor.script = [Sent("m", later={"u": "对方限流"})] * 1000
    await post.owe("k", "u", "一")
    courier = post.courier()
    for _ in range(1000):
        if await post.status() != DUE:
            break
        post.clock.set((await post.rows())["k"].due_at)
        await courier.run_once()
    row = (await post.rows())["k"]
    assert (row.status, row.error) == (FAILED, "对方限流")


async def test_temporary_comes_again_when_the_vendor_says(post: Post) -> None:
    post.vendor.script = [Temporary("频率", code="45009", retry_after=60.0)]
    await post.owe("k", "u", "您好")
    courier = post.courier()
    await courier.run_once()
    row = (await post.rows())["k"]
    assert (row.status, row.tries, row.error) == (DUE, 1, "45009 频率")
    assert row.due_at == post.clock.now() + timedelta(seconds=60)
    post.clock.advance(seconds=59)
    assert await courier.run_once() == 0
    post.clock.advance(seconds=1)
    assert await courier.run_once() == 1
    assert await post.status() == SENT
    assert len({key for _, _, key in post.vendor.calls}) == 1, "a repeat carries the same key"


async def test_the_pauses_grow_and_an_old_message_is_given_up(post: Post) -> None:
    post.vendor.script = [Temporary("忙")] * 1000
    await post.owe("k", "u", "您好")
    courier, pauses = post.courier(), []
    while (row := (await post.rows())["k"]).status == DUE:
        pauses.append((row.due_at - post.clock.now()).total_seconds())
        post.clock.set(max(row.due_at, post.clock.now()))
        await courier.run_once()
        assert len(pauses) < 600, "never given up"
    assert (await post.rows())["k"].status == FAILED
    tries = pauses[1:]
    assert 1.5 < tries[0] < 2.5
    assert 6 < tries[2] < 10
    assert max(tries) <= 361
    assert sum(tries) > 600, "a vendor may be down for a while"


async def test_misconfigured_keeps_the_message_until_somebody_mended_it(post: Post) -> None:
    post.vendor.script = [Misconfigured("IP 不可信", code="60020", retry_after=300.0, advice="加可信 IP")] * 20
    await post.owe("k", "u", "您好")
    courier = post.courier()
    for _ in range(20):
        assert await courier.run_once() == 1
        assert await post.status() == DUE
        post.clock.advance(seconds=300)
    await courier.run_once()
    assert await post.status() == SENT


async def test_permanent_is_not_tried_again(post: Post) -> None:
    post.vendor.script = [Permanent("没有这个人", code="81013")]
    await post.owe("k", "u", "您好")
    await post.owe("other", "v", "别的")
    courier = post.courier()
    await courier.run_once()
    post.clock.advance(days=1)
    assert await courier.run_once() == 0
    rows = await post.rows()
    assert (rows["k"].status, rows["k"].error, rows["other"].status) == (FAILED, "81013 没有这个人", SENT)


async def test_ambiguous_is_repeated_only_where_the_vendor_sees_through_it(post: Post) -> None:
    post.vendor.script = [Ambiguous("超时")]
    for number in range(3):
        await post.owe(f"k{number}", f"u{number}", "您好")
    courier = post.courier()
    await courier.run_once()
    await post.owe("k3", "u3", "您好")
    post.clock.advance(seconds=10)
    await courier.run_once()
    first, again, new = post.vendor.calls
    assert again == first, "the same people, words and key"
    assert new[0] == ("u3",), "who came later is not in it"
    assert new[2] != first[2]


async def test_elsewhere_ambiguous_becomes_unknown(post: Post) -> None:
    post.vendor.repeat_safe = False
    post.vendor.script = [Ambiguous("超时")]
    await post.owe("k", "u", "您好")
    courier = post.courier()
    await courier.run_once()
    post.clock.advance(days=1)
    assert await courier.run_once() == 0
    assert await post.status() == UNKNOWN
    assert len(post.vendor.calls) == 1


async def test_a_fault_of_ours_holds_up_nobody_else(post: Post) -> None:
    """Whatever breaks in an adapter, the other people get their messages, and the row is not left half-way."""
    post.vendor.script = [KeyError("no such field")]
    post.vendor.repeat_safe = False
    await post.owe("broken", "alice", "一")
    await post.owe("fine", "bob", "二")
    await post.courier().run_once()
    rows = await post.rows()
    assert (rows["broken"].status, rows["fine"].status) == (UNKNOWN, SENT)


async def test_a_message_without_anything_to_show_is_not_owed_for_ever(post: Post) -> None:
    await post.owe("empty", "alice", "")
    await post.owe("next", "alice", "二")
    courier = post.courier()
    for _ in range(3):
        await courier.run_once()
    rows = await post.rows()
    assert (rows["empty"].status, rows["next"].status) == (FAILED, SENT)


async def test_a_message_that_cannot_be_rendered_holds_up_nobody(post: Post) -> None:
    await post.owe("broken", "alice", "一")
    await post.owe("fine", "bob", "二")
    async with post.database.transaction() as tx:
        for row in await tx.scalars(select(Content).where(col(Content.message).contains("一"))):
            row.message = say("一", title="cannot be rendered").to_json()
    await post.courier().run_once()
    rows = await post.rows()
    assert (rows["broken"].status, rows["fine"].status) == (FAILED, SENT)


async def test_lost_content_is_a_failure_not_a_crash(post: Post) -> None:
    await post.owe("k", "u", "您好")
    async with post.database.transaction() as tx:
        for row in await tx.scalars(select(Content)):
            await tx.delete(row)
    await post.courier().run_once()
    row = (await post.rows())["k"]
    assert (row.status, row.error) == (FAILED, "内容不见了")


# --- too late, called off


async def test_what_has_expired_is_cancelled(post: Post) -> None:
    await post.owe("late", "u", "题", expires_at=post.clock.now() + timedelta(minutes=5))
    await post.owe("fine", "v", "题", expires_at=post.clock.now() + timedelta(minutes=50))
    post.clock.advance(minutes=5)
    await post.courier().run_once()
    rows = await post.rows()
    assert (rows["late"].status, rows["late"].error) == (CANCELLED, "过了截止时间")
    assert rows["fine"].status == SENT
    assert post.vendor.reached == {("v", "题"): 1}


async def test_what_is_called_off_at_the_last_moment_is_not_sent(post: Post) -> None:
    async def call_off() -> Sent:
        async with post.database.transaction() as tx:
            person = await people.by_identity(tx, "scripted", "v")
            assert person is not None
            assert await deliveries.cancel_owed(tx, person.id or 0, ["answer"]) == 1
        return Sent()

    post.vendor.script = [call_off]
    await post.owe("one", "u", "一")
    await post.owe("two", "v", "二")
    await post.courier().run_once()
    assert post.vendor.texts == ["一"]
    assert await post.status("two") == CANCELLED


# --- several senders, senders that die


async def test_couriers_at_once_never_send_twice(post: Post) -> None:
    for number in range(40):
        await post.owe(f"k{number}", f"u{number}", f"题{number % 3}", "第二段")
    couriers = [post.courier() for _ in range(4)]
    for _ in range(3):
        await asyncio.gather(*(courier.run_once() for courier in couriers))
    assert {row.status for row in (await post.rows()).values()} == {SENT}
    assert len(post.vendor.reached) == 80
    assert set(post.vendor.reached.values()) == {1}


async def test_what_a_dead_sender_left_is_sent_again_where_that_is_safe(post: Post) -> None:
    for number in range(2):
        await post.owe(f"k{number}", f"u{number}", "您好")
    await post.claimed_by_another(ago=timedelta(seconds=61))
    courier = post.courier()
    assert await courier.run_once() == 0, "what somebody is sending is left alone"
    assert await courier.recover() == 2
    await courier.run_once()
    assert post.vendor.calls == [(("u0", "u1"), "您好", "their-batch.0")], "as the dead one would have sent it"
    assert {row.status for row in (await post.rows()).values()} == {SENT}


@pytest.mark.parametrize("why", ["no repeats", "too long ago", "platform is off"])
async def test_elsewhere_it_becomes_unknown(post: Post, why: str) -> None:
    await post.owe("k", "u", "您好")
    post.vendor.repeat_safe = why != "no repeats"
    await post.claimed_by_another(ago=timedelta(seconds=1801 if why == "too long ago" else 61))
    courier = post.courier()
    if why == "platform is off":
        courier = replace(courier, platforms={})
    assert await courier.recover() == 1
    row = (await post.rows())["k"]
    assert (row.status, row.error) == (UNKNOWN, "发送中断，不确定是否送达")
    assert await post.courier().run_once() == 0


async def test_who_may_still_be_alive_is_left_alone(post: Post) -> None:
    await post.owe("k", "u", "您好")
    await post.claimed_by_another(ago=timedelta(seconds=59))
    assert await post.courier().recover() == 0
    assert await post.status() == SENDING


async def test_several_replicas_recover_each_row_once(post: Post) -> None:
    for number in range(12):
        await post.owe(f"k{number}", f"u{number}", "您好")
    await post.claimed_by_another(ago=timedelta(seconds=90))
    couriers = [post.courier() for _ in range(4)]

    async def recover_and_send(courier: Courier) -> int:
        found = await courier.recover()
        await courier.run_once()
        return found

    assert sum(await asyncio.gather(*(recover_and_send(courier) for courier in couriers))) == 12
    while await couriers[0].run_once():
        pass
    assert len(post.vendor.reached) == 12
    assert set(post.vendor.reached.values()) == {1}


@pytest.mark.parametrize("repeat_safe", [True, False])
async def test_a_database_that_is_away_after_the_call_leaves_nothing_half_way(
    database_url: str, clock: ManualClock, repeat_safe: bool
) -> None:
    """The vendor has it, our record fails: the same process must settle the row later, not only after a restart."""
    database = FlakyDatabase(database_url)
    post = Post(database, clock, Scripted(repeat_safe=repeat_safe))
    try:

        async def goes_away() -> Sent:
            database.busy = 1
            return Sent("m")

        post.vendor.script = [goes_away]
        await post.owe("k", "u", "一")
        await post.owe("next", "u", "二")
        courier = post.courier()
        with pytest.raises(StorageBusy):
            await courier.run_once()
        assert await post.status() == SENDING
        clock.advance(seconds=61)
        assert await courier.recover() == 1
        while await courier.run_once():
            pass
        assert await post.status("k") == (SENT if repeat_safe else UNKNOWN)
        assert await post.status("next") == SENT
        keys = {key for _, text, key in post.vendor.calls if text == "一"}
        assert len(keys) == 1
    finally:
        await database.close()


async def test_a_stopped_sender_leaves_its_work_to_the_next(post: Post) -> None:
    started = asyncio.Event()

    async def hangs() -> Sent:
        started.set()
        await asyncio.sleep(3600)
        return Sent()

    post.vendor.script = [hangs]
    await post.owe("k", "u", "您好")
    work = asyncio.create_task(post.courier().run_once())
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    post.clock.advance(seconds=61)
    courier = post.courier()
    assert await courier.recover() == 1
    await courier.run_once()
    assert await post.status() == SENT


# --- pace


async def test_calls_are_spaced_under_the_vendors_rate(post: Post) -> None:
    post.vendor.limits = Limits(part_bytes=2048, recipients=1, calls_per_second=100.0)
    loop, times = asyncio.get_running_loop(), []

    async def note() -> Sent:
        times.append(loop.time())
        return Sent()

    spans = []
    for turn in range(3):  # a first call that is held up by the machine makes one span short
        times.clear()
        post.vendor.script = [note] * 6
        for number in range(6):
            await post.owe(f"k{turn}{number}", f"u{number}", "您好")
        await post.courier().run_once()
        assert len(times) == 6
        spans.append(times[-1] - times[0])
    assert max(spans) >= 0.049, "six calls at 100 a second take at least 50 ms"
