"""A message is stored once, handled once, in order per person, and never lost: not by a race, not by a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text as sql
from sqlmodel import SQLModel, select

import handlers
from bot import app
from bot.core.errors import StorageBusy
from bot.core.messages import Incoming, Kind, Message, say
from bot.dispatch import Dispatcher, Parked
from bot.library import ContentLibrary
from handlers.context import Desk, Reply, Talk
from storage import attempts, conversations, deliveries, inbox, people
from storage import settings as stored
from storage.database import Database
from storage.models import Assignment, Attempt, Delivery, Inbox, Lookup, Person
from tests.chat import Friend, World
from tests.contract.busy import taken

REPLY = "唐女士，五千八得起多少个大早才挣得回来。年费三百我现在就帮您申请退，五个工作日到账，咱先看哪一笔？"


def incoming(person: Friend, text: str, key: str = "k", **values: Any) -> Incoming:
    return Incoming("web", str(person.id), key, Kind.TEXT, text, **values)


def another(world: World, fits: Callable[[str, Message], bool] = lambda _platform, _message: False) -> Dispatcher:
    """The dispatcher of a second replica."""
    return Dispatcher(world.database, world.program.desk, world.clock, fits, lambda: None)


async def all_of(database: Database, table: type[Any]) -> list[Any]:
    async with database.reading() as tx:
        return list((await tx.scalars(select(table).order_by("id"))).all())


# --- once


async def test_ten_repeats_at_once_are_one_attempt_and_one_answer(world: World, alice: Friend) -> None:
    replicas = [world.program.dispatcher, another(world)]
    message = incoming(alice, REPLY)
    await asyncio.gather(*(replicas[number % 2].receive(message) for number in range(10)))
    assert len(await all_of(world.database, Inbox)) == 1
    assert len(await all_of(world.database, Attempt)) == 1
    await alice.reads()
    assert alice.text.count("点评｜") == 1
    alice.hears("可以这样接")


async def test_a_repeat_gets_the_answer_that_was_carried(world: World, alice: Friend) -> None:
    dispatcher = another(world, fits=lambda _platform, _message: True)
    first = await dispatcher.receive(incoming(alice, "帮助", passive=True))
    again = await dispatcher.receive(incoming(alice, "帮助", passive=True))
    assert first == again
    assert [message.title for message in first] == ["帮助"]
    await alice.reads()
    alice.hears_nothing()


async def test_what_does_not_fit_is_sent_instead(world: World, alice: Friend) -> None:
    asked: list[tuple[str, str]] = []

    def fits(platform: str, message: Message) -> bool:
        asked.append((platform, message.title))
        return False

    assert await another(world, fits).receive(incoming(alice, "帮助", passive=True)) == ()
    assert asked == [("web", "帮助")]
    await alice.reads()
    alice.hears("帮助")


async def test_of_two_messages_the_first_is_carried_and_the_second_follows(world: World, alice: Friend) -> None:
    carried = await another(world, lambda _p, _m: True).receive(incoming(alice, REPLY, passive=True))
    assert [message.title[:3] for message in carried] == ["点评｜"]
    await alice.reads()
    alice.hears_nothing()
    world.clock.advance(seconds=1)
    await alice.reads()
    alice.hears("可以这样接")
    alice.hears_not("点评｜")


async def test_a_wire_that_cannot_carry_is_not_asked_to(world: World, alice: Friend) -> None:
    assert await another(world, lambda _p, _m: True).receive(incoming(alice, "帮助")) == ()


async def test_many_messages_of_one_person_are_handled_one_after_the_other(world: World, alice: Friend) -> None:
    replicas = [world.program.dispatcher, another(world)]
    texts = [REPLY, "再答", "话术 退费", "1", "我的", "帮助", "错题", "更多"]
    await asyncio.gather(
        *(replicas[number % 2].receive(incoming(alice, text, f"k{number}")) for number, text in enumerate(texts))
    )
    rows = await all_of(world.database, Inbox)
    assert {(row.status, row.tries) for row in rows} == {(inbox.DONE, 1)}


async def test_newcomers_at_once_get_one_file_each(world: World) -> None:
    messages = [Incoming("wecom", f"new{number % 3}", f"k{number}", Kind.TEXT, "帮助") for number in range(9)]
    replicas = [world.program.dispatcher, another(world)]
    await asyncio.gather(*(replicas[number % 2].receive(each) for number, each in enumerate(messages)))
    assert len(await all_of(world.database, Person)) == 3
    assert {row.status for row in await all_of(world.database, Inbox)} == {inbox.DONE}


# --- what is stored


async def test_no_table_ever_holds_what_was_masked(world: World, alice: Friend) -> None:
    personal = ["13812345678", "11010119900101123X", "6222021234567890123", "a.b@c.com"]
    for number, words in enumerate((REPLY, "话术 退费", "练习", "请假", "随便说说", "活动 新建")):
        text = f"{words} {'，'.join(personal)}，１３９１２３４５６７８"
        await world.program.dispatcher.receive(incoming(alice, text, f"k{number}"))
        await alice.reads()
    async with world.database.reading() as tx:
        for table in SQLModel.metadata.sorted_tables:
            rows = str((await tx.execute(sql(f'SELECT * FROM "{table.name}"'))).all())
            for each in (*personal, "13912345678", "１３９１２３４５６７８"):
                assert each not in rows, f"{each} stands in {table.name}"
    assert "[手机号]" in (await all_of(world.database, Inbox))[0].text


@pytest.mark.parametrize("text", ["您好\x00再见", "\ud800您好", "\x1b[31m您好", "您" * 20_000])
async def test_any_text_can_be_stored(world: World, text: str) -> None:
    alice = await world.person("小林")
    await world.program.dispatcher.receive(incoming(alice, text))
    row = (await all_of(world.database, Inbox))[0]
    assert row.status == inbox.DONE
    assert row.text.startswith("您好" if len(text) < 20 and "\ud800" not in text and "[" not in text else row.text[:1])
    assert len(row.text) <= 6000
    assert not {"\x00", "\x1b", "\ud800"} & set(row.text)


# --- nobody and somebody


async def test_a_stranger_gets_an_answer_and_no_file(
    database: Database, opened: tuple[ContentLibrary, Desk], world: World
) -> None:
    closed = World.build(database, opened, world.clock, enrol="refuse")
    message = Incoming("wecom", "stranger", "k", Kind.TEXT, "您好")
    assert await closed.program.dispatcher.receive(message) == ()
    carried = await replace(closed.program.dispatcher, fits=lambda _p, _m: True).receive(
        replace(message, key="k2", passive=True)
    )
    assert "请联系管理员" in carried[0].plain
    assert await all_of(database, Person) == []
    rows = await all_of(database, Inbox)
    assert {(row.status, row.person_id, row.tries) for row in rows} == {(inbox.DONE, None, 1)}
    owed = await all_of(database, Delivery)
    assert [(row.platform, row.recipient, row.person_id) for row in owed] == [("wecom", "stranger", None)]


async def test_who_leaves_is_left_in_peace_until_they_write_again(world: World, alice: Friend) -> None:
    await alice.does(Kind.UNSUBSCRIBE)
    alice.hears_nothing()
    async with world.database.reading() as tx:
        assert [person.id for person in await people.learners(tx)] == []
    await alice.says("帮助")
    alice.hears("帮助")
    async with world.database.reading() as tx:
        assert alice.id in [person.id for person in await people.learners(tx)]


# --- a handler that fails


class Broken:
    """A handler that writes something and then fails, so many times; afterwards the real one answers."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.respond = handlers.respond

    async def __call__(self, talk: Talk, kind: Kind, text: str) -> Reply:
        if self.left:
            self.left -= 1
            await stored.put(talk.tx, "half", "done")
            raise RuntimeError("a fault in a handler")
        return await self.respond(talk, kind, text)


async def _half_done(world: World) -> str | None:
    async with world.database.reading() as tx:
        return await stored.get(tx, "half")


async def test_a_failed_message_is_kept_and_answered_later(
    world: World, alice: Friend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "respond", Broken(1))
    await alice.says(REPLY, key="k")
    alice.hears_nothing()
    row = (await all_of(world.database, Inbox))[0]
    assert (row.status, row.tries, row.text) == (inbox.NEW, 1, REPLY)
    assert await _half_done(world) is None, "nothing of a failed handler stays"

    assert await world.program.dispatcher.resume() == 0, "not at once: its own transaction might still be running"
    world.clock.advance(seconds=21)
    assert await world.program.dispatcher.resume() == 1
    await alice.reads()
    alice.hears("点评｜")
    row = (await all_of(world.database, Inbox))[0]
    assert (row.status, row.tries) == (inbox.DONE, 2)
    assert await world.program.dispatcher.resume() == 0


async def test_after_three_tries_it_apologises_and_goes_on(
    world: World, alice: Friend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "respond", Broken(3))
    await alice.says(REPLY, key="k")
    for tries in (1, 2):
        assert (await all_of(world.database, Inbox))[0].tries == tries
        world.clock.advance(seconds=21)
        await world.program.dispatcher.resume()
    await alice.reads()
    alice.hears("刚才那条没处理成", "你的话没有丢")
    alice.hears_not("RuntimeError", "Traceback")
    row = (await all_of(world.database, Inbox))[0]
    assert (row.status, row.tries, row.text) == (inbox.FAILED, 3, REPLY)
    assert await _half_done(world) is None
    world.clock.advance(seconds=21)
    assert await world.program.dispatcher.resume() == 0
    await alice.says(REPLY)
    alice.hears("点评｜")


async def test_a_strangers_message_that_fails_is_apologised_for_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "respond", Broken(3))
    await world.program.dispatcher.receive(Incoming("wecom", "new", "k", Kind.TEXT, "您好"))
    for _ in range(2):
        world.clock.advance(seconds=21)
        await world.program.dispatcher.resume()
    assert (await all_of(world.database, Inbox))[0].status == inbox.FAILED
    assert [row.recipient for row in await all_of(world.database, Delivery)] == ["new"]


async def test_one_bad_message_holds_up_nobody(world: World, alice: Friend, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = await world.person("小白")
    monkeypatch.setattr(handlers, "respond", Broken(2))
    await alice.says("帮助", key="k")
    await bob.says("帮助")
    bob.hears_nothing()
    world.clock.advance(seconds=21)
    assert await world.program.dispatcher.resume() == 2
    await bob.reads()
    bob.hears("帮助")


async def test_replicas_that_resume_at_once_handle_a_message_once(world: World, alice: Friend) -> None:
    async with world.database.transaction() as tx:
        await inbox.store(tx, incoming(alice, REPLY), REPLY, world.clock.now())
    world.clock.advance(seconds=21)
    replicas = [world.program.dispatcher, another(world), another(world)]
    await asyncio.gather(*(each.resume() for each in replicas))
    rows = await all_of(world.database, Inbox)
    assert [(row.status, row.tries) for row in rows] == [(inbox.DONE, 1)]
    assert len(await all_of(world.database, Attempt)) == 1
    assert await all_of(world.database, Lookup) == [], "a second handling would have been a search"
    await alice.reads()
    assert alice.text.count("点评｜") == 1


async def test_a_scorer_that_fails_loses_nothing(
    database: Database, opened: tuple[ContentLibrary, Desk], world: World, alice: Friend
) -> None:
    class Failing:
        slow = False

        def score(self, _lesson: object, _text: str) -> Any:
            raise ValueError("no weights")

        async def prepare(self, _lesson: object, _text: str) -> None:
            raise ValueError("no weights")

    desk = replace(world.program.desk, scorer=Failing())
    dispatcher = replace(world.program.dispatcher, desk=desk)
    assert await dispatcher.receive(incoming(alice, REPLY)) == ()
    assert [(row.status, row.tries) for row in await all_of(database, Inbox)] == [(inbox.NEW, 1)]
    world.clock.advance(seconds=21)
    await world.program.dispatcher.resume()
    assert len(await all_of(database, Attempt)) == 1


# --- a database that is away


async def test_a_message_waits_in_memory_while_the_database_is_busy(world: World, alice: Friend) -> None:
    parked = world.program.parked
    async with taken(world.database):
        with pytest.raises(StorageBusy):
            await parked.receive(incoming(alice, REPLY))
        assert await parked.retry() == 1
    assert await parked.retry() == 0
    await alice.reads()
    alice.hears("点评｜")
    await parked.receive(incoming(alice, REPLY))  # the vendor was told to send it again
    assert len(await all_of(world.database, Attempt)) == 1
    await alice.reads()
    alice.hears_nothing()


class Door:
    """A receiver that is shut, open, or broken for one sender."""

    def __init__(self) -> None:
        self.shut = True
        self.broken = ""
        self.got: list[Incoming] = []

    async def __call__(self, message: Incoming) -> tuple[Message, ...]:
        if self.shut:
            raise StorageBusy
        if message.sender == self.broken:
            raise ValueError(message.key)
        self.got.append(message)
        return (say("好"),)


def letter(key: str, sender: str = "alice") -> Incoming:
    return Incoming("wecom", sender, key, Kind.TEXT, "您好", passive=True)


async def test_parked_messages_go_on_in_order_and_can_no_longer_be_answered_in_the_response() -> None:
    door = Door()
    parked = Parked(door)
    for key in ("1", "2", "1", "3"):
        with pytest.raises(StorageBusy):
            await parked.receive(letter(key))
    assert await parked.retry() == 3
    door.shut = False
    assert await parked.retry() == 0
    assert [message.key for message in door.got] == ["1", "2", "3"]
    assert not any(message.passive for message in door.got)


async def test_the_vendors_repeat_takes_a_message_out_of_memory() -> None:
    door = Door()
    parked = Parked(door)
    with pytest.raises(StorageBusy):
        await parked.receive(letter("1"))
    door.shut = False
    assert await parked.receive(letter("1")) == (say("好"),)
    assert await parked.retry() == 0
    assert len(door.got) == 1


async def test_memory_is_bounded() -> None:
    parked = Parked(Door(), most=2)
    for key in ("1", "2", "3"):
        with pytest.raises(StorageBusy):
            await parked.receive(letter(key))
    assert await parked.retry() == 2


async def test_one_parked_message_that_breaks_holds_up_no_other() -> None:
    door = Door()
    parked = Parked(door)
    for key, sender in (("1", "mallory"), ("2", "alice")):
        with pytest.raises(StorageBusy):
            await parked.receive(letter(key, sender))
    door.shut, door.broken = False, "mallory"
    assert await parked.retry() == 1
    assert [message.key for message in door.got] == ["2"]
    door.broken = ""
    assert await parked.retry() == 0


async def test_an_answer_that_cannot_be_written_is_not_half_written(world: World, alice: Friend) -> None:
    """Everything of a message is one transaction: with the delivery table away nothing is stored at all."""

    async def broken(*_arguments: object, **_values: object) -> list[int]:
        raise StorageBusy

    original = deliveries.enqueue
    deliveries.enqueue = broken  # type: ignore[assignment]
    try:
        with pytest.raises(StorageBusy):
            await world.program.dispatcher.receive(incoming(alice, REPLY))
    finally:
        deliveries.enqueue = original
    assert await all_of(world.database, Inbox) == []
    assert await all_of(world.database, Attempt) == []
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []
        assert await conversations.load(tx, alice.id) == {}
        questions = (await tx.scalars(select(Assignment))).all()
    assert {row.status for row in questions} == {"open"}
    await alice.says(REPLY, key="k")
    alice.hears("点评｜")


async def test_a_program_is_whole(world: World) -> None:
    assert isinstance(world.program, app.Program)
    assert world.program.parked is not None
    assert timedelta(0) == world.clock.now().utcoffset()
