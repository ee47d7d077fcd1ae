"""What is kept of calls to the judge, on both databases, and what 状态 tells operators about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core.clock import ManualClock
from handlers.context import Desk, Talk
from handlers.operator import status
from handlers.state import State
from storage import judgements
from storage.database import Database
from storage.models import Judgement, Person, Role


def row(clock: ManualClock, outcome: str, milliseconds: int) -> Judgement:
    return Judgement(
        lesson_id="x", digest="d", reply="r", model="m", prompt="p", outcome=outcome, raw="判",
        milliseconds=milliseconds, tokens_in=10, tokens_out=2, at=clock.now(),
    )  # fmt: skip


async def test_calls_are_summed_up(database: Database, clock: ManualClock) -> None:
    async with database.transaction() as tx:
        assert await judgements.summary(tx, clock.now()) == judgements.Summary()
        for number in range(1, 21):
            await judgements.add(tx, row(clock, "ok" if number <= 18 else "timeout", number * 100))
        await judgements.add(tx, row(clock, judgements.SKIPPED, 0))
        clock.advance(hours=1)
        await judgements.add(tx, row(clock, "malformed", 9000))
    async with database.reading() as tx:
        whole = await judgements.summary(tx, clock.now() - timedelta(hours=1))
        late = await judgements.summary(tx, clock.now())
        newest = await judgements.recent(tx, 2)
    assert whole.outcomes == {"ok": 18, "timeout": 2, "skipped": 1, "malformed": 1}
    assert (whole.asked, whole.fallen_back) == (22, 4)
    assert (whole.median_ms, whole.p95_ms) == (1100, 2000)
    assert (whole.tokens_in, whole.tokens_out) == (220, 44)
    assert (late.outcomes, late.median_ms, late.p95_ms) == ({"malformed": 1}, 9000, 9000)
    assert [each.outcome for each in newest] == ["malformed", "skipped"]


async def test_only_skipped_calls_have_no_speed(database: Database, clock: ManualClock) -> None:
    async with database.transaction() as tx:
        await judgements.add(tx, row(clock, judgements.SKIPPED, 0))
        summed = await judgements.summary(tx, clock.now())
    assert (summed.asked, summed.fallen_back, summed.median_ms, summed.p95_ms) == (1, 1, 0, 0)


async def test_operators_see_today_and_only_where_there_is_a_judge(
    database: Database, clock: ManualClock, opened: tuple[object, Desk]
) -> None:
    desk = opened[1]
    settings = replace(desk.settings, judge_url="http://127.0.0.1:9", judge_model="m", judge_price_in=1_000_000)
    async with database.transaction() as tx:
        await judgements.add(tx, row(clock, "ok", 100))
        clock.advance(hours=24)
        await judgements.add(tx, row(clock, "timeout", 4000))
        person = Person(id=1, name="运维", department_id=1, created_at=clock.now())
        for judged, wanted in ((replace(desk, settings=settings), True), (desk, False)):
            reply = await status(Talk(tx, judged, person, frozenset({Role.OPERATOR}), State(), clock.now()), "")
            text = "\n".join(line.text for line in reply.messages[0].lines)
            assert ("送判 1 条，改用离线评分 1 条（100%）" in text) is wanted
            assert ("判卷模型" in text) is wanted
