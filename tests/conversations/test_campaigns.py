"""Trainers schedule lessons from the chat; what is sent keeps to working time, whatever happens to the clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlmodel import select

from bot.core.calendar import Shift
from bot.core.clock import SHANGHAI
from storage import audit, campaigns
from storage.models import Assignment, Delivery, Person, Role
from tests.chat import Friend, World


async def trainers(world: World) -> tuple[Friend, Friend]:
    first = await world.person("何老师", "培训部", Role.TRAINER, learns=False)
    return first, await world.person("吴老师", "培训部", Role.TRAINER, learns=False)


async def test_from_draft_to_the_first_question(world: World) -> None:
    he, wu = await trainers(world)
    alice = await world.person("小林", "信用卡中心")
    bob = await world.person("小周", "城东支行")
    await he.says("活动 新建 合规柔性催收 从 11-24 给 信用卡中心")
    he.hears("活动｜合规柔性催收·信用卡中心", "待批准", "信用卡中心（1 人）", "11月24日 周二", "09:03–09:27")
    await he.says("活动 批准")
    he.hears("自己建的活动要请另一位")
    await wu.says("活动 批准 collection-1124")
    wu.hears("已批准", "进行中")
    await world.at("09:40", date(2026, 11, 24))
    await alice.reads()
    alice.hears("今日一题")
    await bob.reads()
    bob.hears_nothing()


async def test_every_change_leaves_an_audit_row_and_the_chain_holds(world: World) -> None:
    he, wu = await trainers(world)
    await he.says("活动 新建 合规柔性催收")
    await wu.says("活动 批准 collection-1124")
    for words in ("暂停", "恢复", "结束"):
        await wu.says(f"活动 {words} collection-1124")
    wu.hears("结束后不能再开")
    assert "活动 结束 collection-1124 确认" in wu.buttons
    await wu.says("活动 结束 collection-1124 确认")
    wu.hears("已结束")
    async with world.database.reading() as tx:
        rows = await audit.entries(tx)
        assert [row.action for row in reversed(rows)] == [
            "campaign.create", "campaign.approve", "campaign.status", "campaign.status", "campaign.status",
        ]  # fmt: skip
        assert {row.actor for row in rows} == {"何老师", "吴老师"}
        assert await audit.broken_at(tx) is None


async def test_pausing_and_resuming(world: World) -> None:
    he, wu = await trainers(world)
    alice = await world.person("小林")
    await he.says("活动 新建 合规柔性催收")
    await wu.says("活动 批准 collection-1124")
    await wu.says("活动 暂停 collection-1124")
    wu.hears("已暂停")
    await world.at("10:00", date(2026, 11, 24))
    await alice.reads()
    alice.hears_nothing()
    await wu.says("活动 恢复 collection-1124")
    wu.hears("已恢复")
    await world.at("10:00", date(2026, 11, 25))
    await alice.reads()
    alice.hears("今日一题")


async def test_learners_cannot_schedule(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("活动")
    alice.hears("要有相应角色")


async def test_a_compliance_officer_may_approve(world: World) -> None:
    he, _ = await trainers(world)
    officer = await world.person("梁正", "合规部", Role.COMPLIANCE, learns=False)
    await he.says("活动 新建 合规柔性催收")
    await officer.says("活动 批准 collection-1124")
    officer.hears("已批准")


async def test_bad_wishes_are_explained(world: World) -> None:
    he, _ = await trainers(world)
    await he.says("活动 新建 天体物理")
    he.hears("想排哪条主线", "合规柔性催收")
    await he.says("活动 新建 合规柔性催收 从 11-20")
    he.hears("不能早于今天")
    await he.says("活动 新建 合规柔性催收 给 月球支行")
    he.hears("没有部门“月球支行”")
    await he.says("活动 批准 nothing")
    he.hears("没有编号“nothing”的活动")
    await he.says("活动 跳舞")
    he.hears("活动后面可以跟")


async def test_nothing_is_sent_on_weekends_and_holidays(world: World) -> None:
    await world.person("小林")
    await world.campaign("unmet-interest-waiver", repeat=True, starts_on=date(2026, 11, 27))
    for day in (27, 28, 29, 30):
        await world.at("17:00", date(2026, 11, day))
    async with world.database.reading() as tx:
        days = {row.day for row in await tx.scalars(select(Assignment))}
    assert days == {date(2026, 11, 27), date(2026, 11, 30)}


async def test_shifts_and_quiet_hours(world: World) -> None:
    late = await world.person("小晚", shift_start=time(12, 30), shift_end=time(21, 0))
    night = await world.person("小夜", shift_start=time(22, 0), shift_end=time(6, 0))
    await world.campaign("unmet-interest-waiver")
    await world.at("17:30")
    await late.reads()
    late.hears("今日一题")
    await night.reads()
    night.hears_nothing()
    async with world.database.reading() as tx:
        row = (await tx.scalars(select(Assignment))).one()
    assert world.program.desk.calendar.local(row.opens_at).time() >= time(13, 30)


async def test_a_late_start_fires_once_and_a_too_late_one_is_skipped(world: World) -> None:
    alice = await world.person("小林")
    await world.campaign("unmet-interest-waiver", "unmet-marketing-calls", "unmet-historic-records", id="late")
    await world.jump(datetime(2026, 11, 23, 11, 0, tzinfo=SHANGHAI))
    await world.at("11:10")
    await alice.reads()
    assert alice.text.count("今日一题") == 1
    await world.jump(datetime(2026, 11, 24, 19, 0, tzinfo=SHANGHAI))
    await alice.reads()
    alice.hears_not("今日一题")
    async with world.database.reading() as tx:
        skipped = await campaigns.fired(tx, "late@2026-11-24T09:03")
    assert skipped is not None
    assert skipped.outcome == "skipped"


async def test_the_daily_cap_moves_the_third_question_to_another_day(world: World) -> None:
    alice = await world.person("小林")
    for number, lesson in enumerate(("unmet-interest-waiver", "unmet-marketing-calls", "unmet-historic-records")):
        await world.campaign(lesson, id=f"c-{number}")
    await world.at("17:00")
    async with world.database.reading() as tx:
        today = [row for row in await tx.scalars(select(Assignment)) if row.status == "open"]
    assert len(today) == 2
    await world.at("17:00", date(2026, 11, 24))
    await alice.reads()
    alice.hears("今日一题｜")
    async with world.database.reading() as tx:
        moved = [row for row in await tx.scalars(select(Assignment)) if row.day == date(2026, 11, 24)]
    assert len(moved) == 1


async def test_silence_ends_in_a_rest(world: World) -> None:
    alice = await world.person("小林")
    await world.campaign("unmet-interest-waiver", "unmet-marketing-calls", "unmet-historic-records", repeat=True)
    for day in (23, 24, 25):
        await world.at("18:30", date(2026, 11, day))
    await world.at("12:00", date(2026, 11, 26))
    await alice.reads()
    alice.hears("连着 3 次没等到你", "恢复")
    assert "今日一题" not in alice.heard[-1].title
    await world.at("17:30", date(2026, 11, 26))
    await alice.reads()
    alice.hears_nothing()
    await alice.says("恢复")
    await world.at("10:00", date(2026, 11, 27))
    await alice.reads()
    alice.hears("今日一题")


async def test_every_push_of_a_fortnight_lies_in_working_time(world: World) -> None:
    for number, (start, end) in enumerate(((9, 18), (8, 16), (13, 21))):
        await world.person(f"员工{number}", shift_start=time(start), shift_end=time(end))
    await world.campaign("unmet-interest-waiver", "unmet-marketing-calls", "unmet-historic-records", repeat=True)
    for ahead in range(12):
        await world.at("22:00", date(2026, 11, 23) + timedelta(days=ahead))
    calendar = world.program.desk.calendar
    async with world.database.reading() as tx:
        people = {person.id: person for person in await tx.scalars(select(Person))}
        sent = list(await tx.scalars(select(Delivery).where(Delivery.status == "sent")))
    assert len(sent) > 20
    for row in sent:
        person = people[row.person_id]
        assert row.sent_at is not None
        assert calendar.may_write(row.sent_at, Shift(person.shift_start, person.shift_end)), (row.kind, row.sent_at)
