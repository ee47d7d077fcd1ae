"""The daily loop as a learner lives it: the question, the answer, feedback, the second try, taking back."""

from __future__ import annotations

from datetime import date, time

import pytest

from bot.core.messages import Kind
from storage import assignments, attempts
from tests.chat import LESSON, Friend, World

GOOD = (
    "唐女士，五千八得起多少个大早才挣得回来，您想问个明白太应该了。年费三百我现在就帮您申请退，五个工作日到账；"
    "晚还那六百四我提交减免复核，十八号前给您打电话，结果要看审核。分期手续费办的时候跟您确认过费率，收了的退不了，"
    "没到期那笔可以提前结清。我把明细发您，咱先看哪一笔？"
)
RUDE = "网上说能退你找网上退去啊，合同自己签的还来闹，真是没文化，爱投诉投诉去。"


async def test_a_question_arrives_in_the_morning_off_the_half_hour(world: World) -> None:
    alice = await world.person("小林")
    await world.campaign(LESSON)
    await world.at("09:02")
    await alice.reads()
    alice.hears_nothing()
    await world.at("09:35")
    await alice.reads()
    alice.hears("今日一题｜开口就要退全部费用", "唐女士说：", "一分不少都能要回来", "现在打字就是作答", "话术 关键词")
    async with world.database.reading() as tx:
        row = (await assignments.open_of(tx, alice.id, world.clock.now()))[0]
    assert row.opens_at.minute not in (0, 30)


async def test_a_good_answer_gets_feedback_with_quotes_and_the_models(alice: Friend) -> None:
    await alice.says(GOOD)
    text = alice.hears("点评｜", "先跟·接住情绪", "可以这样接", "别这样接", "带走一招", "自动评分，仅供练习参考")
    assert any(name in text for name in ("优秀", "良好"))
    assert any(words in text for words in ("「唐女士，五千八得起多少个大早", "五千八得起多少个大早"))
    assert "再答" in alice.buttons


async def test_a_rude_answer_is_met_calmly_and_names_the_red_line(alice: Friend) -> None:
    await alice.says(RUDE)
    alice.hears("点评｜重来", "可以这样接")
    alice.hears_not("Traceback", "Error")


async def test_the_model_is_not_shown_before_answering(alice: Friend) -> None:
    await alice.says("例答")
    alice.hears("例答要先答完题才能看")


async def test_the_second_try_is_for_practice_and_the_better_one_is_shown(alice: Friend) -> None:
    await alice.says("合同是您自己签的，手续费退不了，您看的那些视频都是瞎说的，别信。")
    await alice.says("再答")
    alice.hears("再来一次", "现在打字就是作答")
    await alice.says(GOOD)
    alice.hears("首答", "（计分）", "（展示用）")


async def test_the_question_shown_last_gets_the_words(world: World, alice: Friend) -> None:
    await alice.says(RUDE)
    await alice.says("练习 branch-long-wait")
    alice.hears("李叔")
    await alice.says("再答")
    alice.hears("唐女士")
    await alice.says(GOOD)
    alice.hears("首答", "（计分）", "打字就是作答还开着的那道题")
    async with world.database.reading() as tx:
        assert {attempt.lesson_id for attempt in await attempts.recent(tx, alice.id)} == {LESSON}


async def test_a_practice_question_can_be_dropped(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("练习 branch-long-wait")
    await alice.says("算了")
    alice.hears("现在打字就是查话术")
    await alice.says("退费")
    alice.hears("的话术" if "的话术" in alice.text else "按话术查")
    await alice.says("练习 branch-long-wait")
    alice.hears("李叔")


async def test_a_withdrawn_answer_is_not_the_best_one(world: World, alice: Friend) -> None:
    await alice.says(GOOD)
    await alice.says("撤回")
    await alice.says("再答")
    await alice.says(RUDE)
    alice.hears("首答 已撤回")
    alice.hears_not("最好一次 优秀")


async def test_copying_the_model_answer_does_not_count(world: World, alice: Friend) -> None:
    await alice.says("我帮您反映一下，请您耐心等待，我们会尽快处理您的问题。")
    lesson = world.program.desk.catalogue.lessons[LESSON]
    await alice.says("再答")
    await alice.says(lesson.answers.good.text)  # type: ignore[union-attr]
    alice.hears("和例答几乎一样", "不计分")


async def test_after_the_answer_free_text_searches_and_says_so(alice: Friend) -> None:
    await alice.says(GOOD)
    await alice.says("征信能改吗")
    alice.hears("现在没有待答的题，按话术查“征信能改吗”")


async def test_a_search_while_the_question_is_open_is_not_an_answer(world: World, alice: Friend) -> None:
    await alice.says("话术 退费")
    alice.hears("“退费”的话术", "1.")
    await alice.says("1")
    alice.hears("何时用", "别说", "依据")
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []


@pytest.mark.parametrize(
    "text",
    ["好的", "收到！", "嗯", "ok", "👍👍", "1", "...", "Hello there, how are you?"],
)
async def test_small_talk_is_not_scored_but_can_be_submitted(world: World, alice: Friend, text: str) -> None:
    await alice.says(text)
    alice.hears("没有计分")
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []
    await alice.says("提交")
    alice.hears("点评｜重来")


@pytest.mark.parametrize("text", ["我想查征信异议", "查一下退费话术", "帮我找个道歉的"])
async def test_a_wish_to_look_something_up_is_no_answer(world: World, alice: Friend, text: str) -> None:
    await alice.says(text)
    alice.hears("没有计分", "想查话术，打“话术 关键词”")
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []


async def test_taking_back_within_two_minutes(world: World, alice: Friend) -> None:
    await alice.says("我这就去查退费的流程是什么样的")
    await alice.says("撤回")
    alice.hears("已撤回，这次不计分")
    async with world.database.reading() as tx:
        assert await attempts.recent(tx, alice.id) == []
        assert await assignments.cards(tx, alice.id) == []
    await alice.says("撤回")
    alice.hears("没有可以撤回")


async def test_after_two_minutes_it_stands(world: World, alice: Friend) -> None:
    await alice.says(RUDE)
    world.clock.advance(seconds=121)
    await alice.says("撤回")
    alice.hears("已经过了两分钟")


async def test_a_bad_answer_comes_back_after_two_working_days(world: World, alice: Friend) -> None:
    await alice.says(RUDE)
    alice.hears("这题进了错题，11月25日再来一次")
    await alice.says("错题")
    alice.hears("1. 开口就要退全部费用（11月25日回来）")
    await world.jump(world.program.desk.calendar.at(date(2026, 11, 25), _clock(9, 50)))
    await alice.reads()
    alice.hears("回炉一题｜开口就要退全部费用")
    await alice.says(GOOD)
    alice.hears("再来一次")


async def test_two_passes_retire_a_lesson(world: World, alice: Friend) -> None:
    calendar = world.program.desk.calendar
    await alice.says(RUDE)
    for day in (date(2026, 11, 25), date(2026, 12, 4)):
        assert calendar.is_working(day)
        await world.jump(calendar.at(day, _clock(9, 50)))
        await alice.reads()
        alice.hears("回炉一题")
        await alice.says(GOOD)
    alice.hears("从错题里毕业了")


async def test_nothing_due_today_is_a_valid_day(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("今日")
    alice.hears("今天没有待答的题")


async def test_own_practice(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("练习 开口就要退")
    alice.hears("练一题｜开口就要退全部费用")
    await alice.says(GOOD)
    alice.hears("点评｜")
    await alice.says("我的")
    alice.hears("连续", "最近 ", "：开口就要退全部费用")


async def test_a_choice_question_is_answered_by_letter(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("练习 know-four-steps")
    alice.hears("A.", "B.", "回复字母作答")
    await alice.says("我觉得是第二个")
    alice.hears("回复字母 A 到 D")
    lesson = world.program.desk.catalogue.lessons["know-four-steps"]
    await alice.says(lesson.right_letter.lower())  # type: ignore[union-attr]
    alice.hears("答对了", "选对了")


async def test_personal_data_never_reaches_the_database(world: World, alice: Friend) -> None:
    await alice.says(GOOD + "您的手机13812345678，卡号6222021234567890123我都记下了，邮箱a.b@c.com。")
    async with world.database.reading() as tx:
        text = (await attempts.recent(tx, alice.id))[0].text
    assert "[手机号]" in text
    assert "[银行卡号]" in text
    assert "[邮箱]" in text
    assert "13812345678" not in text


@pytest.mark.parametrize(
    "text",
    ["", " ", "啊", "五" * 1900, "字" * 5000, "😀" * 40, "'; DROP TABLE person; --", "\ud800坏字", "<b>您好</b>" * 5],
)
async def test_odd_replies_get_a_helpful_answer(alice: Friend, text: str) -> None:
    await alice.says(text)
    assert alice.heard, "something must come back"
    alice.hears_not("Traceback", "Error", "None")


async def test_a_missed_question_can_still_be_practised(world: World, alice: Friend) -> None:
    await world.at("18:07")
    await alice.says("今日")
    alice.hears("今天没有待答的题")


async def test_a_mistyped_command_gets_the_nearest(alice: Friend) -> None:
    await alice.says("暂亭")
    alice.hears("是不是想打：暂停", "回复“提交”")


async def test_leave_pause_and_back(world: World) -> None:
    alice = await world.person("小林")
    await world.campaign("unmet-interest-waiver", "unmet-marketing-calls", LESSON)
    await alice.says("请假 2天")
    alice.hears("11月23日到11月24日请假")
    await world.at("10:00")
    await world.at("10:00", date(2026, 11, 24))
    await alice.reads()
    alice.hears_nothing()
    await world.at("10:00", date(2026, 11, 25))
    await alice.reads()
    alice.hears("今日一题")
    await alice.says("暂停")
    alice.hears("停发到你说“恢复”")
    await alice.says("恢复")
    alice.hears("欢迎回来")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("提醒 9:50", "09:50 之后再推给你"),
        ("提醒 3点半", "不在你的上班时间"),
        ("提醒 12:30", "午间免打扰"),
        ("提醒 25:00", "想改打"),
        ("请假 1-40", "请假写法"),
        ("请假 11-25 到 11-27", "11月25日到11月27日请假"),
        ("暂停 2周", "停发到12月6日"),
        ("暂停 很久", "暂停多久"),
        ("退出排行", "不再出现你的名字"),
        ("加入排行", "欢迎回来"),
    ],
)
async def test_settings_in_chat(world: World, words: str, answer: str) -> None:
    alice = await world.person("小林")
    await alice.says(words)
    alice.hears(answer)


async def test_the_own_time_is_kept(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("提醒 10:40")
    await world.campaign(LESSON)
    await world.at("10:35")
    await alice.reads()
    alice.hears_nothing()
    await world.at("10:50")
    await alice.reads()
    alice.hears("今日一题")


async def test_help_says_what_typing_does_now(alice: Friend) -> None:
    await alice.says("帮助")
    alice.hears("现在有一道题开着：直接打字就是作答", "话术 关键词", "撤回")
    alice.hears_not("活动", "团队")
    await alice.says("帮助 演练")
    alice.hears("演练 [序号]：和会还嘴的客户过几招", "陪练")
    await alice.says("帮助 时间")
    alice.hears("暂停 [3天]：停发一阵", "请假", "提醒 9:40")
    alice.hears_not("撤回")
    await alice.says("帮助 活动")
    alice.hears("现在有一道题开着")
    alice.hears_not("排课")


async def test_a_newcomer_is_greeted(world: World) -> None:
    alice = await world.person("小林")
    await alice.does(Kind.SUBSCRIBE)
    alice.hears("你好，小林，我是接话教练", "只在你的上班时间找你")


async def test_pictures_and_voice_are_answered_kindly(world: World) -> None:
    alice = await world.person("小林")
    await alice.does(Kind.OTHER)
    alice.hears("只看得懂文字")


async def test_small_talk_with_no_question_open_is_no_search(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("谢谢")
    alice.hears("在呢", "打字就是查话术")
    alice.hears_not("没找到")


async def test_a_repeated_message_is_one_attempt(world: World, alice: Friend) -> None:
    await alice.says(GOOD, key="same")
    first = len(alice.heard)
    await alice.says(GOOD, key="same")
    assert first >= 1
    alice.hears_nothing()
    async with world.database.reading() as tx:
        assert len(await attempts.recent(tx, alice.id)) == 1


def _clock(hour: int, minute: int) -> time:
    return time(hour, minute)
