"""A drill in chat: the customer answers back, it can be left, resumed and taken back, and a question goes before it."""

from __future__ import annotations

import pytest

from storage import attempts
from tests.chat import LESSON, Friend, World

GOOD = (
    "唐姐，七年、五千八，那是您多少个凌晨四点熬汤换来的，搁我我也得问个清楚。咱把这笔账拆开来，您看先看年费，还是先看分期？",
    "分期那三回，页面跟短信都让您确认过费率，收了的我退不了，这话得跟您说实。能动的是年费三百，我现在就递上去，"
    "五个工作日到您卡里；晚还那六百四我报减免复核，十八号之前给您电话，成不成都告诉您。",
    "没影不了，十八号前我自己打给您，没批也打。剩下没到期那笔您想提前结清，后头的手续费就免收；明细我这就发您手机，"
    "您收了摊看看，有哪笔对不上直接找我，好吗？",
)
RUDE = "合同是你自己签的，费率写得清清楚楚，网上那些视频你也信？退不了就是退不了。"


async def learner(world: World) -> Friend:
    return await world.person("小林")


async def test_the_list_leads_to_a_drill_with_scene_goal_and_limits(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练")
    alice.hears("客户会还嘴", "1. ", "不上榜")
    await alice.says("演练 全退")
    alice.hears(
        "演练｜开口就要全退", "目标：", "你能办的：", "年费 300 元", "唐女士（火气 ●●●○○）：", "一分不少都能要回来"
    )


async def test_a_good_talk_ends_with_a_debrief(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says(GOOD[0])
    alice.hears("火气 ●●○○○", "还有 2 句")
    await alice.says(GOOD[1])
    alice.hears("最后一句")
    await alice.says(GOOD[2])
    text = alice.hears(
        "复盘｜", "火气：3 → 2 → 1 → 0", "转折", "第一句「", "整场看", "先跟·接住情绪", "带走一招", "自动评分"
    )
    assert "优秀" in text or "良好" in text
    assert "演练 drill-refund-all" in alice.buttons
    await alice.says("演练")
    alice.hears("练过 1 次，最好")
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []


async def test_a_rude_talk_breaks_off_and_says_what_to_say_instead(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says(RUDE)
    alice.hears("火气 ●●●●○")
    await alice.says("规定就是这样，你跟我喊也没用，爱上哪儿告上哪儿告去。")
    alice.hears("复盘｜", "重来", "转折", "最值得重说的是第一句")


async def test_looking_up_a_template_does_not_answer_the_customer(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says("话术 退费")
    await alice.says("1")
    alice.hears("何时用")
    await alice.says(GOOD[0])
    alice.hears("火气 ●●○○○")


async def test_leaving_and_coming_back(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says(GOOD[0])
    await alice.says("退出演练")
    alice.hears("七天内打“演练 继续”能接着来", "现在打字就是查话术")
    await alice.says("征信")
    alice.hears_not("火气")
    world.clock.advance(days=2)
    await alice.says("演练 继续")
    alice.hears("接着演练", "上次你说到：“唐姐", "还有 2 句")
    await alice.says(GOOD[1])
    alice.hears("最后一句")


async def test_after_a_week_it_starts_anew(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says("退出演练")
    world.clock.advance(days=8)
    await alice.says("演练")
    assert "演练 继续" not in alice.buttons


async def test_the_last_word_can_be_taken_back_for_two_minutes(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says("撤回")
    alice.hears("这场还没说话")
    await alice.says(RUDE)
    await alice.says("撤回")
    alice.hears("客户没听见那句", "火气 ●●●○○", "还有 3 句")
    await alice.says(RUDE)
    world.clock.advance(seconds=121)
    await alice.says("撤回")
    alice.hears("已经过了两分钟")


async def test_a_question_that_comes_in_goes_before_the_drill(world: World) -> None:
    alice = await learner(world)
    await world.campaign(LESSON)
    await alice.says("演练 drill-refund-all")
    await world.at("09:40")
    await alice.reads()
    alice.hears("今日一题")
    await alice.says(GOOD[1])
    alice.hears("点评｜")
    await alice.says("演练 继续")
    await alice.says(GOOD[0])
    alice.hears("火气 ●●○○○")


async def test_an_open_question_waits_while_somebody_drills(world: World, alice: Friend) -> None:
    await alice.says("演练 drill-refund-all")
    await alice.says(GOOD[0])
    alice.hears("火气 ●●○○○")
    await alice.says("算了")
    alice.hears("还有一道题开着，打字就是作答")
    await alice.says(GOOD[1])
    alice.hears("点评｜")


async def test_help_says_what_typing_does_now(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says("帮助")
    alice.hears("现在在演练：直接打字就是回客户")


async def test_unknown_drills_and_none_at_all(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 火星")
    alice.hears("没有叫“火星”的演练")
    await alice.says("演练 99")
    alice.hears("没有叫“99”的演练")
    await alice.says("退出演练")
    alice.hears("现在没有在演练")
    await alice.says("演练 继续")
    alice.hears("没有停下来的演练")


async def test_a_drill_goes_on_in_the_version_it_was_begun_in(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    catalogue = world.program.desk.catalogue
    held = dict(catalogue.drills)
    catalogue.drills.clear()
    try:
        await alice.says(GOOD[0])
        alice.hears("火气 ●●○○○")
        await alice.says("退出演练")
        await alice.says("演练")
        alice.hears("现在没有演练")
        world.clock.advance(minutes=1)
        await alice.says("演练 继续")
        alice.hears("接着演练")
    finally:
        catalogue.drills.update(held)


@pytest.mark.parametrize("command", ["今日", "再答", "练习 排队太久", "错题 1"])
async def test_a_question_put_before_one_leaves_the_drill(world: World, alice: Friend, command: str) -> None:
    await alice.says(RUDE)
    await alice.says("演练 drill-refund-all")
    await alice.says(command)
    await alice.says(GOOD[1])
    alice.hears_not("火气")
    await alice.says("演练 继续")
    alice.hears("唐女士（火气 ●●●○○）")


async def test_small_talk_is_not_said_to_the_customer(world: World) -> None:
    alice = await learner(world)
    await alice.says("演练 drill-refund-all")
    await alice.says("好的")
    alice.hears("客户没听见")
    await alice.says(GOOD[0])
    alice.hears("还有 2 句")
