"""A learner's own distress: care and a number, no score, no trace, and a note only where the organisation wants it."""

from __future__ import annotations

import pytest
from sqlmodel import select

from handlers.care import Cry, own_distress
from storage import assignments, attempts
from storage.database import Database
from storage.models import Inbox, Role
from tests.chat import Friend, World

CRIES = [
    "我真的不想活了", "我活不下去了，太累了", "唉，想死", "每天被骂，活着没意思", "撑到现在，死了算了", "活着真没意思",
    "客户骂得我想死，每天都这样", "我真想一死了之", "我想从楼上跳下去",
]  # fmt: skip


@pytest.mark.parametrize("text", CRIES)
async def test_a_cry_for_help_gets_care_and_no_score(world: World, alice: Friend, text: str) -> None:
    await alice.says(text)
    alice.hears("有点担心你", "12356", "110 或 120", "没有计分")
    alice.hears_not("关怀提醒", "点评")
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []
        assert await assignments.open_of(tx, alice.id, world.clock.now()), "the question stays open"


@pytest.mark.parametrize(
    "text", ["我撑不住了", "天天挨骂，我快崩溃了", "真的干不下去了", "我受不了了", "老师我撑不住了", "我被客户骂哭了"]
)
async def test_weariness_is_met_with_the_contact_and_a_rest(world: World, alice: Friend, text: str) -> None:
    await alice.says(text)
    alice.hears("天天接火气", "员工关怀", "没有计分")
    alice.hears_not("12356", "110")
    assert "暂停 3天" in alice.buttons


@pytest.mark.parametrize("text", ["暂停 不想活了", "话术 我不想活了", "提醒 活着没意思"])
async def test_it_is_heard_behind_a_command_too(world: World, alice: Friend, text: str) -> None:
    await alice.says(text)
    alice.hears("有点担心你")


async def test_it_is_heard_inside_a_drill(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("演练 drill-refund-all")
    await alice.says("我不想活了")
    alice.hears("有点担心你")
    alice.hears_not("火气")


async def test_the_words_are_not_kept(world: World, alice: Friend) -> None:
    await alice.says(CRIES[0])
    assert CRIES[0] not in await texts(world.database)
    await alice.says("帮助")
    assert "帮助" in await texts(world.database)


async def texts(database: Database) -> list[str]:
    async with database.reading() as tx:
        return [row.text for row in (await tx.scalars(select(Inbox))).all()]


async def test_nobody_is_told_unless_the_organisation_wants_it(world: World, alice: Friend) -> None:
    omar = await world.person("运维", "信息部", Role.OPERATOR, learns=False)
    await alice.says(CRIES[0])
    await omar.reads()
    omar.hears_nothing()


async def test_a_discreet_note_says_who_and_never_what(database: Database, opened, clock) -> None:  # type: ignore[no-untyped-def]
    world = World.build(database, opened, clock, care_note=True, care_contact="EAP 400-000-0000")
    alice = await world.person("小林", "客服中心")
    omar = await world.person("运维", "信息部", Role.OPERATOR, learns=False)
    await alice.says(CRIES[0])
    alice.hears("EAP 400-000-0000", "公司约定了关怀提醒", "不说你写了什么")
    await omar.reads()
    omar.hears("关怀提醒", "小林（客服中心）", "没有保存")
    omar.hears_not("不想活")
    await alice.says(CRIES[1])
    await omar.reads()
    omar.hears_nothing()
    await alice.says("我撑不住了")
    alice.hears_not("关怀提醒")


async def test_without_an_operator_nothing_is_promised(database: Database, opened, clock) -> None:  # type: ignore[no-untyped-def]
    world = World.build(database, opened, clock, care_note=True)
    alice = await world.person("小林")
    await alice.says(CRIES[0])
    alice.hears("有点担心你")
    alice.hears_not("关怀提醒")


@pytest.mark.parametrize(
    "text",
    [
        "您说“我不想活了”，我听见了，我不挂。",
        "千万别这么想，命比征信要紧，人在哪儿呢",
        "换我也撑不住了，这钱来得不容易，年费三百现在就退。",
        "搁谁都得崩溃了，我这就给查。",
        "客户说不想活了怎么办",
        "大姐，我也受不了这份工作的气，可您的事我得办",
        "这规定死了算了的说法是没有的",
        "我帮您查",
    ],
)
def test_words_for_a_customer_are_not_a_cry(text: str) -> None:
    assert own_distress(text) is None


def test_long_texts_are_replies() -> None:
    assert own_distress("我不想活了") is Cry.DANGER
    assert own_distress("我不想活了" + "，这是第一句" * 20) is None


async def test_a_reply_that_repeats_the_customers_cry_is_a_reply(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("练习 pressure-self-harm")
    await alice.says("您说“我不想活了”，我听见了，我不挂。您先离开窗边坐下来，身边有人吗？我同事正请人过去陪您。")
    alice.hears("点评｜")
