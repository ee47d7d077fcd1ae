"""An operator decides about what may not have arrived: 状态, 重发, and who is left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.core.messages import say
from handlers import resend as actions
from handlers.context import TickContext
from storage import audit, deliveries, people, resend
from storage.deliveries import Owed
from storage.models import Delivery, Role
from tests.chat import Friend, World
from tests.conversations.test_daily_loop import GOOD


@pytest.fixture
async def boss(world: World) -> Friend:
    return await world.person("老杨", "信息部", Role.OPERATOR, learns=False)


async def rows(world: World) -> list[Delivery]:
    async with world.database.reading() as tx:
        return list((await tx.scalars(select(Delivery).order_by(col(Delivery.id)))).all())


async def lose(world: World, person: Friend, key: str, kind: str = "notice", **columns: Any) -> int:
    """A message to somebody of which nobody knows whether it arrived."""
    now = world.clock.now()
    async with world.database.transaction() as tx:
        await deliveries.enqueue(tx, [Owed(key, person.id, kind, say(f"话 {key}"), now)], now)
        row = (await tx.scalars(select(Delivery).where(Delivery.key == key))).one()
        await deliveries.record(tx, [row.id or 0], **{"status": deliveries.UNKNOWN, "error": "发送中断"} | columns)
    return row.id or 0


async def again(world: World, *ids: int, force: bool = False) -> actions.Outcome:
    async with world.database.transaction() as tx:
        context = TickContext(tx, world.program.desk, world.clock.now())
        found = await resend.by_id(tx, ids)
        return await actions.resend_all(context, found, actions.Actor("测试"), force=force)


async def test_what_is_unknown_is_seen_and_sent_again_once(world: World, boss: Friend) -> None:
    await world.at("10:00")
    alice = await world.person("小林")
    first = await lose(world, alice, "n1")
    await lose(world, alice, "n2")
    await boss.says("状态")
    boss.hears("有 2 条不确定送没送到", "重发")
    await boss.says("重发")
    boss.hears(f"{first}　通知　11-23 10:", "个别人会看到两遍")
    assert boss.buttons == ["重发 全部", "重发 取消 全部"]
    await boss.says(f"重发 {first}")
    boss.hears("重发 1 条，马上发出")
    await alice.reads()
    alice.hears("话 n1")
    alice.hears_not("话 n2")
    await boss.says(f"重发 {first}")
    boss.hears("没有一条能重发", "已经有人处理过")
    await alice.reads()
    alice.hears_nothing()
    old, new = [row for row in await rows(world) if row.key.startswith("n1")]
    assert (old.status, new.key, new.status) == (resend.RESENT, "n1:resend:1", deliveries.SENT)
    assert old.error == "已重发；发送中断"
    async with world.database.reading() as tx:
        (entry,) = [row for row in await audit.entries(tx) if row.action == "deliveries.resend"]
        assert (entry.actor_id, entry.detail["old"], entry.detail["new"]) == (boss.id, [old.id], [new.id])
        assert await audit.broken_at(tx) is None


async def test_all_of_them_and_giving_up(world: World, boss: Friend) -> None:
    alice = await world.person("小林")
    for number in range(3):
        await lose(world, alice, f"n{number}")
    await boss.says("重发 取消 全部")
    boss.hears("取消了 3 条")
    await boss.says("重发")
    boss.hears("没有不确定送没送到的消息")
    await lose(world, alice, "later")
    await boss.says("重发 全部")
    boss.hears("重发 1 条")
    await world.at("09:40")  # a notice waits for the working time
    await alice.reads()
    assert alice.hears("话 later")
    alice.hears_not("话 n1")


@pytest.mark.parametrize(
    ("words", "heard"), [("重发 一些", "没看懂"), ("重发 999999", "没有这样的消息"), ("重发 取消", "没有不确定")]
)
async def test_odd_words_are_explained(world: World, boss: Friend, words: str, heard: str) -> None:
    await boss.says(words)
    boss.hears(heard)


async def test_only_operators_decide(world: World) -> None:
    alice = await world.person("小林")
    await lose(world, alice, "n1")
    await alice.says("重发 全部")
    alice.hears("要有相应角色才能用")


async def test_a_second_loss_gets_the_next_number(world: World) -> None:
    alice = await world.person("小林")
    first = await lose(world, alice, "n1", parts_sent=1)
    await again(world, first)
    new = (await rows(world))[-1]
    assert (new.key, new.parts_sent) == ("n1:resend:1", 1), "parts that are known to be out are not said twice"
    async with world.database.transaction() as tx:
        await deliveries.record(tx, [new.id or 0], status=deliveries.FAILED)
    await again(world, new.id or 0)
    assert (await rows(world))[-1].key == "n1:resend:2"


async def test_what_came_too_late_is_left_alone_without_force(world: World) -> None:
    await world.at("10:05")
    alice, now = await world.person("小林"), world.clock.now()
    dead = await lose(world, alice, "dead", "challenge", expires_at=now - timedelta(minutes=1))
    old = await lose(world, alice, "old", created_at=now - timedelta(hours=25))
    outcome = await again(world, dead, old)
    assert (outcome.again, outcome.late) == ((), (dead, old))
    assert (await again(world, dead, old, force=True)).again == (dead, old)
    await alice.reads()
    alice.hears("话 dead", "话 old")


async def test_an_answered_question_is_not_asked_again(world: World, alice: Friend) -> None:
    (question,) = [row for row in await rows(world) if row.kind == "challenge"]
    async with world.database.transaction() as tx:
        await deliveries.record(tx, [question.id or 0], status=deliveries.UNKNOWN)
    await alice.says(GOOD)
    outcome = await again(world, question.id or 0)
    assert outcome.late == (question.id,)


async def test_an_open_question_is_asked_again(world: World, alice: Friend) -> None:
    (question,) = [row for row in await rows(world) if row.kind == "challenge"]
    async with world.database.transaction() as tx:
        await deliveries.record(tx, [question.id or 0], status=deliveries.UNKNOWN)
    assert (await again(world, question.id or 0)).again == (question.id,)
    new = (await rows(world))[-1]
    assert new.due_at == world.clock.now() + timedelta(minutes=2), "off the half hour, as any push"
    assert new.expires_at == question.expires_at


@pytest.mark.parametrize("force", [False, True])
async def test_nobody_is_pushed_to_outside_their_working_time(world: World, force: bool) -> None:
    await world.at("19:30")
    alice = await world.person("小林")
    push, answer = await lose(world, alice, "push", "board"), await lose(world, alice, "answer", "answer")
    outcome = await again(world, push, answer, force=force)
    assert (outcome.again, outcome.away) == ((answer,), (push,)), "an answer was asked for"


async def test_a_push_in_the_midday_quiet_comes_after_it(world: World) -> None:
    await world.at("12:30")
    alice = await world.person("小林")
    await again(world, await lose(world, alice, "push", "reminder"))
    new = (await rows(world))[-1]
    assert world.program.desk.calendar.local(new.due_at).strftime("%H:%M") > "13:30"


async def test_who_is_on_leave_is_left_in_peace(world: World) -> None:
    await world.at("10:00")
    alice = await world.person("小林")
    async with world.database.transaction() as tx:
        await people.add_absence(tx, alice.id, "leave", world.today, world.today, world.clock.now())
    push = await lose(world, alice, "push", "reminder")
    assert (await again(world, push, force=True)).away == (push,)


async def test_without_its_content_nothing_is_sent(world: World) -> None:
    alice = await world.person("小林")
    lost = await lose(world, alice, "n1", content="gone")
    assert (await again(world, lost, force=True)).other == (lost,)


async def test_two_operators_send_it_once(world: World) -> None:
    alice = await world.person("小林")
    lost = await lose(world, alice, "n1")
    async with world.database.reading() as tx:
        stale = await resend.by_id(tx, [lost])
    await again(world, lost)
    async with world.database.transaction() as tx:
        context = TickContext(tx, world.program.desk, world.clock.now())
        outcome = await actions.resend_all(context, stale, actions.Actor("另一位"))
    assert outcome.other == (lost,)
    assert [row.key for row in await rows(world)].count("n1:resend:1") == 1
