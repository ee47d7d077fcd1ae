"""What is owed to a group: ordinary deliveries to its robot, each once, twenty a minute by whoever sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from bot.core.clock import ManualClock
from bot.core.messages import Line, Message, say
from bot.delivery import Courier
from bot.delivery.turns import turns_of
from bot.platforms.wecom_robot import WecomRobot
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Delivery
from tests.fakes.wecom_robot import FakeWecomRobot

GROUP = ("wecom_robot", "group")
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


@pytest.fixture
async def group(clock: ManualClock) -> AsyncIterator[FakeWecomRobot]:
    async with FakeWecomRobot(clock) as group:
        yield group


async def _png(_picture: int) -> bytes:
    return PNG


class Post:
    """A post office with one robot for each sender: replicas share the database and nothing else."""

    def __init__(self, database: Database, clock: ManualClock, group: FakeWecomRobot) -> None:
        self.database, self.clock, self.group = database, clock, group
        self.robots: list[WecomRobot] = []

    async def courier(self) -> Courier:
        robot = WecomRobot(self.group.url, clock=self.clock, picture_of=_png, timeout=2)
        await robot.start()
        self.robots.append(robot)
        return Courier(self.database, {robot.name: robot}, self.clock, turns_of(self.database))

    async def owe(self, *messages: Message) -> None:
        now = self.clock.now()
        owed = [Owed(f"k{n}", 0, "group", message, now, address=GROUP) for n, message in enumerate(messages)]
        async with self.database.transaction() as tx:
            assert await deliveries.enqueue(tx, owed, now) == []

    async def rows(self) -> list[Delivery]:
        async with self.database.reading() as tx:
            return list(await tx.scalars(select(Delivery).order_by(col(Delivery.id))))


@pytest.fixture
async def post(database: Database, clock: ManualClock, group: FakeWecomRobot) -> AsyncIterator[Post]:
    post = Post(database, clock, group)
    yield post
    for robot in post.robots:
        await robot.stop()


async def test_it_belongs_to_nobody_and_is_sent_once(post: Post, group: FakeWecomRobot) -> None:
    courier = await post.courier()
    await post.owe(say("早"))
    await post.owe(say("早"))
    await courier.run_once()
    await courier.run_once()
    assert group.posts == [("text", "早")]
    (row,) = await post.rows()
    assert (row.person_id, row.platform, row.recipient, row.status) == (None, *GROUP, "sent")


async def test_people_and_groups_may_be_owed_together(database: Database, clock: ManualClock) -> None:
    now = clock.now()
    async with database.transaction() as tx:
        person = await people.enrol(tx, "web", "someone", now)
        owed = [
            Owed("p", person.id or 0, "board", say("给你"), now),
            Owed("nobody", 4711, "board", say("给谁"), now),
            Owed("g", 0, "group", say("给大家"), now, address=GROUP),
        ]
        assert await deliveries.enqueue(tx, owed, now) == [4711]
    async with database.reading() as tx:
        rows = await tx.scalars(select(Delivery).order_by(col(Delivery.id)))
        assert [(row.platform, row.recipient) for row in rows] == [("web", "someone"), GROUP]


async def test_parts_go_out_in_order(post: Post, group: FakeWecomRobot) -> None:
    courier = await post.courier()
    await post.owe(Message((Line("周榜"),), picture=7), say("下一条"))
    while await courier.run_once():
        pass
    assert group.posts == [("text", "周榜"), ("image", PNG), ("text", "下一条")]


async def test_the_clock_set_back_does_not_silence_a_group(
    post: Post, group: FakeWecomRobot, clock: ManualClock
) -> None:
    courier = await post.courier()
    await post.owe(say("一"))
    await courier.run_once()
    clock.set(clock.now() - timedelta(hours=5))
    async with post.database.transaction() as tx:
        await deliveries.enqueue(tx, [Owed("later", 0, "group", say("二"), clock.now(), address=GROUP)], clock.now())
    for _ in range(3):
        await courier.run_once()
        clock.advance(seconds=3)
    assert group.posts == [("text", "一"), ("text", "二")]


@pytest.mark.parametrize("senders", [1, 3])
async def test_the_twenty_first_of_a_minute_waits_whoever_sends_it(
    post: Post, group: FakeWecomRobot, clock: ManualClock, senders: int
) -> None:
    couriers = [await post.courier() for _ in range(senders)]
    await post.owe(*(say(f"第{n}条") for n in range(21)))
    start, shown = clock.now(), []
    while len(group.posts) < 21 and clock.now() < start + timedelta(minutes=5):
        for courier in couriers:
            await courier.run_once()
        shown.append(((clock.now() - start).total_seconds(), len(group.posts)))
        clock.advance(seconds=1)
    assert max(count for seconds, count in shown if seconds < 60) == 20
    assert 60 <= shown[-1][0] <= 66
    assert [words for _, words in group.posts] == [f"第{n}条" for n in range(21)]
    assert [row.error for row in await post.rows()] == [""] * 21, "the vendor never had to refuse"


@pytest.mark.parametrize("kind", ["reset", "truncated"])
async def test_what_may_have_been_shown_is_unknown_and_the_next_goes_on(
    post: Post, group: FakeWecomRobot, clock: ManualClock, kind: str
) -> None:
    courier = await post.courier()
    group.fault(kind, after=True)  # type: ignore[arg-type]
    await post.owe(say("一"), say("二"))
    for _ in range(4):
        await courier.run_once()
        clock.advance(seconds=3)
    assert [row.status for row in await post.rows()] == ["unknown", "sent"]
    assert group.posts == [("text", "一"), ("text", "二")]
