"""Forgetting one person: nothing of what they said or are called is left, and nobody else loses anything."""

from __future__ import annotations

from typing import Any

from sqlmodel import select

from bot.judge import reply_hash
from storage import deliveries, erase, people
from storage.database import Database
from storage.models import Attempt, Content, Delivery, Judgement, Person, Token
from tests.chat import Friend, World
from tests.contract.test_retention import SECRET, everything
from tests.conversations.test_daily_loop import GOOD


async def forget(world: World, person: Friend) -> erase.Erased:
    async with world.database.transaction() as tx:
        row = await people.get(tx, person.id)
        assert row is not None
        return await erase.erase(tx, row, reply_hash)


async def rows(database: Database, table: Any, person: Friend) -> list[Any]:
    async with database.reading() as tx:
        return list((await tx.scalars(select(table).where(table.person_id == person.id))).all())


async def test_nothing_of_a_person_is_left(world: World, alice: Friend) -> None:
    await alice.says(f"{GOOD}{SECRET}")
    await alice.says(f"话术 退费{SECRET}")
    now = world.clock.now()
    async with world.database.transaction() as tx:
        (attempt,) = (await tx.scalars(select(Attempt))).all()
        tx.add(Judgement(lesson_id="L", digest="d", reply=reply_hash(attempt.text), model="m", prompt="p",
                         outcome="ok", raw=SECRET, milliseconds=1, at=now))  # fmt: skip
        tx.add(Token(name=f"dingtalk:app:session:{alice.id}", value=SECRET, expires_at=now))
        tx.add(Token(name=f"dingtalk:app:session:9{alice.id}", value="kept", expires_at=now))
    band, points = attempt.band, attempt.points
    done = await forget(world, alice)
    assert (done.replies, done.messages) == (1, 2)
    left = await everything(world.database)
    for words in (SECRET, "小林", GOOD[:8]):
        assert words not in left, words
    assert "kept" in left
    (kept,) = await rows(world.database, Attempt, alice)
    assert (kept.band, kept.points, kept.text) == (band, points, "")
    assert {row.recipient for row in await rows(world.database, Delivery, alice)} == {""}


async def test_what_is_owed_to_them_is_never_sent(world: World, alice: Friend) -> None:
    async with world.database.transaction() as tx:
        ids = [row.id or 0 for row in await tx.scalars(select(Delivery))]
        await deliveries.record(tx, ids, status=deliveries.UNKNOWN)
    await forget(world, alice)
    assert {row.status for row in await rows(world.database, Delivery, alice)} == {deliveries.CANCELLED}


async def test_others_keep_what_they_share(world: World, alice: Friend) -> None:
    bob = await world.person("小王")
    for friend in (alice, bob):
        await friend.says("帮助")
    await bob.says(f"话术 退费{SECRET}")
    await forget(world, alice)
    assert SECRET in await everything(world.database)
    async with world.database.reading() as tx:
        contents = {row.digest for row in await tx.scalars(select(Content))}
    assert {row.content for row in await rows(world.database, Delivery, bob)} <= contents
    await bob.says("我的")
    assert bob.heard


async def test_who_writes_again_is_somebody_new(world: World, alice: Friend) -> None:
    await forget(world, alice)
    await alice.says("帮助")
    async with world.database.reading() as tx:
        newcomers = [row for row in await tx.scalars(select(Person)) if row.id != alice.id and row.active]
        old = await people.get(tx, alice.id)
    assert old is not None
    assert (old.name, old.active, old.staff_no) == (erase.GONE, False, None)
    assert any(row.name not in {"小林", erase.GONE} for row in newcomers)
