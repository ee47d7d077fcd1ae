"""The nightly clean-up: texts go, numbers stay; in small steps, once a night, on both databases."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, text
from sqlmodel import col, select

from bot.core.errors import StorageBusy
from bot.core.messages import say
from bot.retention import Retention
from lessons.scoring.result import Score
from storage import boards, deliveries, retention
from storage.database import Database
from storage.deliveries import Owed
from storage.models import (
    Assignment,
    Attempt,
    ChatLine,
    Content,
    Conversation,
    Delivery,
    DrillRun,
    Inbox,
    Judgement,
    LoginToken,
    Lookup,
    Picture,
    Review,
    Token,
)
from tests.chat import Friend, World
from tests.conversations.test_daily_loop import GOOD

SECRET = "只有我自己知道的话"


def keeper(world: World, **settings: int) -> Retention:
    return Retention(world.database, world.clock, replace(world.program.settings, **settings), batch=2, pause=0)


async def all_of(world: World, table: Any) -> list[Any]:
    async with world.database.reading() as tx:
        return list((await tx.scalars(select(table))).all())


async def count(world: World, table: Any) -> int:
    async with world.database.reading() as tx:
        return int(await tx.scalar(select(func.count()).select_from(table)) or 0)


async def everything(database: Database) -> str:
    """Every value of every table, as one text."""
    names = [table.name for table in Attempt.metadata.sorted_tables]
    async with database.engine.connect() as connection:
        rows = [row for name in names for row in await connection.execute(text(f'SELECT * FROM "{name}"'))]
    return repr(rows)


@pytest.fixture
async def busy(world: World, alice: Friend) -> Friend:
    """A learner who has answered, searched and talked, and further rows of every kind that ages."""
    await alice.says(f"{GOOD}{SECRET}")
    await alice.says(f"话术 退费{SECRET}")
    now = world.clock.now()
    async with world.database.transaction() as tx:
        tx.add(Judgement(lesson_id="L", digest="d", reply="r", model="m", prompt="p", outcome="ok", raw=SECRET,
                         milliseconds=1, at=now))  # fmt: skip
        tx.add(DrillRun(person_id=alice.id, drill_id="D", digest="d", situation="s", status="open",
                        said=[{"text": SECRET}], band=3, points=70, started_at=now, touched_at=now))  # fmt: skip
        tx.add(Picture(name="board-1", png=b"png", created_at=now))
        tx.add(Token(name="wecom:a:1", value="t", expires_at=now))
        tx.add(LoginToken(hash="h" * 64, kind="link", person_id=alice.id, created_at=now, expires_at=now))
    return alice


async def test_young_rows_are_left_alone(world: World, busy: Friend) -> None:
    world.clock.advance(days=29)
    before = await everything(world.database)
    done = await keeper(world).sweep()
    assert {name for name, number in done.items() if number} <= {"logins"}
    assert SECRET in before
    assert SECRET in await everything(world.database)


async def test_after_the_texts_days_no_word_of_anybody_is_left(world: World, busy: Friend) -> None:
    (before,) = await all_of(world, Attempt)
    world.clock.advance(days=181)
    await keeper(world).sweep()
    left = await everything(world.database)
    for words in (SECRET, GOOD[:8], "png"):
        assert words not in left, words
    (after,) = await all_of(world, Attempt)
    assert (after.band, after.points, after.number, after.scorer) == (
        before.band, before.points, before.number, before.scorer,
    )  # fmt: skip
    then, now = Score.from_dict(before.score), Score.from_dict(after.score)
    assert {name: verdict.mark for name, verdict in then.criteria.items()} == {
        name: verdict.mark for name, verdict in now.criteria.items()
    }
    assert [row.status for row in await all_of(world, DrillRun)] == ["done"]
    assert [(row.band, row.points) for row in await all_of(world, DrillRun)] == [(3, 70)]
    for table in (ChatLine, Picture, Conversation, LoginToken, Token):
        assert await count(world, table) == 0, table
    for table in (Inbox, Delivery, Lookup, Judgement):
        assert await count(world, table) > 0, table


async def test_after_the_rows_days_only_numbers_are_left(world: World, busy: Friend) -> None:
    world.clock.advance(days=761)
    await keeper(world).sweep()
    for table in (Inbox, Delivery, Lookup, Content):
        assert await count(world, table) == 0, table
    for table in (Attempt, Assignment):
        assert await count(world, table) > 0, table


async def test_boards_ladder_and_progress_do_not_notice(world: World, alice: Friend) -> None:
    await alice.says("不知道")
    await alice.says("提交")
    monday = date(2026, 11, 23)

    async def numbers() -> tuple[Any, ...]:
        async with world.database.reading() as tx:
            board = await boards.week(tx, monday, monday + timedelta(days=6))
            ladder = [
                (row.person_id, row.lesson_id, row.step, row.passes, row.due_on)
                for row in await tx.scalars(select(Review).order_by(col(Review.id)))
            ]
        return board, ladder

    before = await numbers()
    assert before[0][0].points is not None
    assert before[1], "a weak answer comes back"
    world.clock.advance(days=800)
    await alice.says("我的")
    mine = alice.text
    await keeper(world).sweep()
    assert await numbers() == before
    await alice.says("我的")
    assert alice.text == mine


async def test_a_second_night_finds_nothing_more_to_blank(world: World, busy: Friend) -> None:
    world.clock.advance(days=181)
    assert (await keeper(world).sweep())["attempt texts"] == 1
    assert sum((await keeper(world).sweep()).values()) == 0


async def test_what_comes_later_is_blanked_when_its_time_comes(world: World, busy: Friend) -> None:
    world.clock.advance(days=181)
    await keeper(world).sweep()
    await busy.says(f"话术 保险{SECRET}")
    assert SECRET in await everything(world.database)
    world.clock.advance(days=181)
    await keeper(world).sweep()
    assert SECRET not in await everything(world.database)


async def test_a_content_still_in_use_stays(world: World, alice: Friend) -> None:
    async def owe(key: str) -> None:
        now = world.clock.now()
        async with world.database.transaction() as tx:
            await deliveries.enqueue(tx, [Owed(key, alice.id, "answer", say("早上好"), now)], now)

    await owe("first")
    world.clock.advance(days=181)
    await owe("second")
    await keeper(world).sweep()
    assert [say("早上好").digest] == [row.digest for row in await all_of(world, Content)]
    while await world.program.courier.run_once():
        pass
    assert {row.status for row in await all_of(world, Delivery) if row.key == "second"} == {"sent"}
    world.clock.advance(days=181)
    await keeper(world).sweep()
    assert await count(world, Content) == 0


async def test_it_runs_at_night_and_once(world: World, busy: Friend) -> None:
    world.clock.advance(days=190)
    for hour, works in ((1, False), (2, True), (4, False), (12, False)):
        local = world.program.desk.calendar.local(world.clock.now() + timedelta(days=hour == 1))
        world.clock.set(local.replace(hour=hour, minute=30))
        assert bool(await keeper(world).nightly()) is works, hour
    world.clock.advance(hours=14)
    assert await keeper(world).nightly() == 0, "another night, nothing left to do"


async def test_one_of_two_replicas_does_it(world: World, busy: Friend) -> None:
    world.clock.set(world.program.desk.calendar.local(world.clock.now() + timedelta(days=190)).replace(hour=3))
    first, second = keeper(world), keeper(world)
    assert bool(await first.nightly()) is True
    assert await second.nightly() == 0


async def test_what_fails_does_not_stop_the_rest(
    world: World, busy: Friend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_args: Any) -> int:
        raise StorageBusy

    monkeypatch.setitem(retention.STEPS, "attempt texts", broken)
    world.clock.advance(days=181)
    done = await keeper(world).sweep()
    assert "attempt texts" not in done
    assert done["inbox texts"] > 0
    (line,) = [record for record in caplog.records if getattr(record, "action", "") == "retention.failed"]
    assert line.levelno == logging.ERROR
    assert vars(line)["ids"] == {"subject": "attempt texts"}


async def test_steps_are_small(world: World, busy: Friend) -> None:
    """A batch is never larger than it may be, so no lock is held for long."""
    world.clock.advance(days=800)
    cutoffs = retention.Cutoffs(world.clock.now(), world.clock.now(), world.clock.now())
    for name, step in retention.STEPS.items():
        assert await step(world.database, cutoffs, 1) <= 1, name


def test_a_score_loses_its_quotes_and_nothing_else() -> None:
    score = {"band": 1, "criteria": {"lead": {"verdict": "hit", "quote": "我来"}},
             "red_lines": [{"rule": "insult", "tier": "confirmed", "quote": "滚"}], "flags": []}  # fmt: skip
    assert retention.unquoted(score) == {
        "band": 1, "criteria": {"lead": {"verdict": "hit", "quote": None}},
        "red_lines": [{"rule": "insult", "tier": "confirmed", "quote": ""}], "flags": [],
    }  # fmt: skip
    assert retention.unquoted({"choice": "A"}) == {"choice": "A"}
