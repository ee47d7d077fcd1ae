"""工时: compliance and managers read that nothing was pushed outside working time; the numbers equal the messages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from sqlmodel import col, select, update

from handlers import ledger
from storage.models import Delivery, Inbox, Role
from tests.chat import LESSON, World


async def test_compliance_reads_the_month_and_its_proof(world: World) -> None:
    alice = await world.person("小林", "客服中心")
    await world.person("小周", "营业部")
    officer = await world.person("梁正", "合规部", Role.COMPLIANCE, learns=False)
    await world.campaign(LESSON, reminders=())
    await world.at("09:50")
    await alice.says("您先别急，我这就帮您查。")
    await world.at("21:30")
    await alice.says("我的")
    await officer.says("工时")
    text = officer.hears("工时账｜2026 年 11 月", "推送 2 条，工作时间内 2 条", "来信 3 条，工作时间外自己来的 2 条")
    officer.hears("客服中心：推送 1，例外 0，来信 2", "营业部：推送 1，例外 0，来信 0")
    officer.hears("2026 年 11 月推送 2 条，全部在收信人的工作时间内。")
    assert "小林" not in text
    async with world.database.reading() as tx:
        stamps = list(await tx.scalars(select(Inbox.stamp).order_by(col(Inbox.id))))
    assert stamps == ["inside", "asked-outside", "asked-outside"]


async def test_a_manager_sees_their_departments_and_nobody_elses(world: World) -> None:
    await world.person("小林", "客服中心")
    await world.person("小周", "营业部")
    boss = await world.person("周敏", "营业部", Role.MANAGER, learns=False)
    await world.campaign(LESSON, reminders=())
    await world.at("09:50")
    await boss.says("工时 11月")
    boss.hears("推送 1 条")
    boss.hears_not("客服中心")


async def test_learners_are_not_shown_it_and_odd_months_are_explained(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("工时")
    alice.hears("要有相应角色")
    officer = await world.person("梁正", "合规部", Role.COMPLIANCE, learns=False)
    await officer.says("工时 十三月")
    officer.hears("哪个月？")
    await officer.says("工时 2026-03")
    officer.hears("2026 年 3 月没有推送。")


async def test_an_exception_is_listed_by_its_reason(world: World) -> None:
    """As after a mistake of ours: a stamp that says outside, one from before there were stamps, one for a person on
    call."""
    await world.person("小林")
    await world.person("小周")
    await world.person("小吴")
    officer = await world.person("梁正", "合规部", Role.COMPLIANCE, learns=False)
    await world.campaign(LESSON, reminders=())
    await world.at("09:50")
    async with world.database.transaction() as tx:
        rows = list(await tx.scalars(select(Delivery).order_by(col(Delivery.id))))
        for row, values in zip(rows, ({"stamp": "outside"}, {"stamp": ""}, {"kind": "alarm"}), strict=True):
            await tx.execute(update(Delivery).where(col(Delivery.id) == row.id).values(**values))
    await officer.says("工时")
    officer.hears("推送 1 条，工作时间内 0 条", "班次之外：题目 1 条", "其中 1 条不在收信人的工作时间内")
    officer.hears("值守消息（运维告警、关怀提醒）1 条，工作时间外 0 条", "另有 1 条是记账以前发的")


async def test_the_month_is_the_organisations_month(world: World) -> None:
    """The last minute of November belongs to November in Shanghai, where UTC is eight hours behind."""
    alice = await world.person("小林")
    for text in ("2026-11-30T15:59:30", "2026-11-30T16:00:30"):
        world.clock.set(datetime.fromisoformat(text).replace(tzinfo=UTC))
        await alice.says("我的")
    async with world.database.reading() as tx:
        accounts = [await ledger.month(tx, world.program.desk, date(2026, month, 1)) for month in (11, 12)]
    assert [account.written for month in accounts for account in month.values()] == [1, 1]


async def test_a_message_that_could_not_be_handled_is_stamped_too(world: World) -> None:
    alice = await world.person("小林", shift_start=time(14), shift_end=time(22))

    class Broken:
        @property
        def catalogue(self) -> None:
            raise RuntimeError("the content is gone")

    library = world.program.desk.library
    object.__setattr__(world.program.dispatcher.desk, "library", Broken())
    await alice.says("话术 退费")
    for _ in range(2):
        world.clock.advance(seconds=30)
        await world.program.dispatcher.resume()
    object.__setattr__(world.program.dispatcher.desk, "library", library)
    async with world.database.reading() as tx:
        row = (await tx.scalars(select(Inbox))).one()
    assert (row.status, row.person_id, row.stamp) == ("failed", alice.id, "asked-outside")


def test_months_as_people_write_them() -> None:
    today = date(2026, 2, 3)
    for words, first in {
        "": date(2026, 2, 1), "本月": date(2026, 2, 1), "上月": date(2026, 1, 1), "11月": date(2025, 11, 1),
        "2026-01": date(2026, 1, 1), "2025年12月": date(2025, 12, 1), "2": date(2026, 2, 1),
    }.items():  # fmt: skip
        assert ledger.month_of(words, today) == first, words
    for words in ("13月", "0", "明年", "2026-13", "1999-01"):
        assert ledger.month_of(words, today) is None, words
