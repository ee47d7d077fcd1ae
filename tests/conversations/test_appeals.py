"""申诉, from the button under the feedback to the corrected score, on both databases."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from handlers.manager import week_of
from lessons.model import Criterion
from lessons.scoring.result import Mark, Score
from storage import appeals, assignments, attempts, audit, boards
from storage.models import Appeal, Attempt, Role
from tests.chat import LESSON, Friend, World

COLD = "合同是您自己签的，手续费退不了，您看的那些视频都是瞎说的，别信。"
FINE = (
    "唐女士，五千八得起多少个大早才挣得回来，您想问个明白太应该了。年费三百我现在就帮您申请退，五个工作日到账；"
    "晚还那六百四我提交减免复核，十八号前给您打电话，结果要看审核。分期手续费办的时候跟您确认过费率，收了的退不了，"
    "没到期那笔可以提前结清。我把明细发您，咱先看哪一笔？"
)
HALF = "唐女士，开面馆挣的都是辛苦钱，突然看到扣了五千八，心里肯定不舒服。分期手续费当时确认过费率，这个退不了。"
PROMISE = "您先消消气，这五千八我做主给您全部退回，我跟主管打个招呼就行，最晚十八号钱就到您卡上。"
REASON = "我一开口就说了合同的事，语气是平的"


@pytest.fixture
async def trainer(world: World) -> Friend:
    return await world.person("何静", "培训部", Role.TRAINER, learns=False)


@pytest.fixture
async def bob(world: World) -> Friend:
    """A second learner; ask for him before alice, so that the campaign reaches both."""
    return await world.person("小包")


async def last_attempt(world: World, person: Friend) -> Attempt:
    async with world.database.reading() as tx:
        return (await attempts.recent(tx, person.id, 1))[0]


async def stored(world: World, number: int = 1) -> Appeal:
    async with world.database.reading() as tx:
        row = await appeals.get(tx, number)
    assert row is not None
    return row


async def filed(alice: Friend, reply: str = COLD, words: str = f"申诉 1 {REASON}") -> None:
    await alice.says(reply)
    await alice.says(words)
    alice.hears("号，两个工作日内有结果")


# --- filing


async def test_the_feedback_offers_an_appeal_after_the_second_try_and_the_model(alice: Friend) -> None:
    await alice.says(COLD)
    assert alice.buttons[:2] == ["再答", "申诉"]
    assert len(alice.buttons) <= 6
    await alice.says("再答")
    await alice.says(COLD + "不用再问了。")
    assert alice.buttons[:3] == ["再答", "例答", "申诉"]


async def test_the_verdicts_are_listed_with_numbers_and_quotes(alice: Friend) -> None:
    await alice.says(COLD)
    await alice.says("申诉")
    alice.hears("申诉｜开口就要退全部费用", "1. 先跟·接住情绪：", "2. 后带", "5. 表达：", "打“申诉 序号 一句话理由”")
    alice.hears("11月30日前都可以", "两个工作日内有结果")


async def test_filing_says_the_number_and_the_day(alice: Friend, world: World) -> None:
    await alice.says(COLD)
    await alice.says(f"申诉 1 {REASON}")
    alice.hears("收到，你的申诉是 1 号，两个工作日内有结果", "先跟·接住情绪", "最晚11月25日")
    await alice.says("申诉 我的")
    alice.hears("我的申诉｜1 件", "1 号", "等结果，最晚11月25日")
    row = await stored(world)
    assert (row.subject, row.reason, row.status) == ("empathy", REASON, appeals.OPEN)


@pytest.mark.parametrize(
    ("words", "subject"), [("双赢方案 我给了结清的办法", "solution"), ("2，我明明先问了他", "lead")]
)
async def test_an_item_is_meant_by_name_or_number(alice: Friend, world: World, words: str, subject: str) -> None:
    await filed(alice, words=f"申诉 {words}")
    assert (await stored(world)).subject == subject


async def test_a_red_line_can_be_appealed(alice: Friend, world: World, trainer: Friend) -> None:
    await alice.says(PROMISE)
    alice.hears("重来", "红线")
    await alice.says("申诉")
    alice.hears("6. 红线·承诺权限外", "按红线算")
    await alice.says("申诉 6 题里写了主管可以全退这一笔")
    await trainer.says("申诉 1 成立 这家的授权表里确实写着可以全退")
    trainer.hears("1 号：成立，重来")
    row = await last_attempt(world, alice)
    assert row.band > 0
    assert Score.from_dict(row.score).red_lines == ()
    await alice.reads()
    alice.hears("“红线·承诺权限外的退费、减免、赔付或放款”不再算数")


async def test_the_reason_is_masked(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice, words="申诉 1 客户13812345678听完就不闹了，我接住了")
    assert (await stored(world)).reason == "客户[手机号]听完就不闹了，我接住了"


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ("申诉 1", "用一句话说说为什么不对，4 到 200 个字"),
        ("申诉 1 不对", "现在是 2 个字"),
        (f"申诉 1 {'长' * 201}", "现在是 201 个字"),
        ("申诉 9 我说得没错呀", "没有这一项，序号是 1 到"),
        ("申诉 情商 我说得没错呀", "没看懂是哪一项"),
    ],
)
async def test_what_is_not_a_sentence_about_one_item_is_not_filed(
    alice: Friend, world: World, words: str, heard: str
) -> None:
    await alice.says(COLD)
    await alice.says(words)
    alice.hears(heard)
    async with world.database.reading() as tx:
        assert await appeals.count_waiting(tx) == 0


@pytest.mark.parametrize("length", [4, 200])
async def test_the_shortest_and_the_longest_reason_count(alice: Friend, length: int) -> None:
    await filed(alice, words=f"申诉 1 {'对' * length}")


async def test_one_appeal_for_each_item(alice: Friend, world: World) -> None:
    await filed(alice)
    await alice.says("申诉 1 再说一遍我接住了")
    alice.hears("已经申诉过了，1 号")
    await alice.says("申诉 4 我给了办法的呀")
    alice.hears("你的申诉是 2 号")
    async with world.database.reading() as tx:
        assert await appeals.count_waiting(tx) == 2


async def test_what_was_met_needs_no_appeal(alice: Friend) -> None:
    await alice.says(FINE)
    assert "申诉" not in alice.buttons
    await alice.says("申诉 1 我接住了的，你看看")
    alice.hears("没有扣分的项，不用申诉")


async def test_an_item_that_was_met_is_not_filed(alice: Friend, world: World) -> None:
    await alice.says(HALF)
    score = Score.from_dict((await last_attempt(world, alice)).score)
    marks = [verdict.mark for verdict in score.criteria.values()]
    await alice.says(f"申诉 {marks.index(Mark.HIT) + 1} 我做到了的，你看看")
    alice.hears("判的是“做到了”，没有扣分，不用申诉")


async def test_seven_days_and_no_longer(alice: Friend, world: World) -> None:
    await alice.says(COLD)
    await world.jump(world.clock.now() + timedelta(days=7))
    await alice.says("申诉")
    alice.hears("1. 先跟")
    await world.jump(world.clock.now() + timedelta(seconds=1))
    await alice.says(f"申诉 1 {REASON}")
    alice.hears("过了 7 天，不能再申诉了")


async def test_with_nothing_to_appeal_one_sees_ones_own(alice: Friend) -> None:
    await alice.says("申诉")
    alice.hears("现在没有能申诉的点评", "打“申诉”")


async def test_a_choice_has_nothing_to_appeal(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("练习 6W3H：头一个问题怎么问")
    await alice.says("A")
    assert "申诉" not in alice.buttons
    await alice.says("申诉")
    alice.hears("没有逐项评分，没有能申诉的项")


async def test_a_drill_cannot_be_appealed(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("演练 1")
    await alice.says(COLD)
    await alice.says("申诉")
    alice.hears("现在没有能申诉的点评")


async def test_taking_the_answer_back_voids_the_appeal(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice)
    await alice.says("撤回")
    alice.hears("已撤回")
    assert (await stored(world)).status == appeals.VOID
    await alice.says("申诉 我的")
    alice.hears("回答已撤回，作废")
    await trainer.says("申诉队列")
    trainer.hears("没有等着定的申诉")
    await trainer.says("申诉 1 成立 他说得没错")
    trainer.hears("1 号已经定了：回答已撤回，作废")


async def test_the_first_answer_can_be_appealed_after_a_second_try(alice: Friend, world: World) -> None:
    await alice.says(COLD)
    await alice.says("再答")
    await alice.says("您别急，分期手续费收了退不了，年费我给您申请退。")
    await alice.says("申诉")
    assert "申诉 首答" in alice.buttons
    await alice.says("申诉 首答")
    alice.hears("打“申诉 首答 序号 一句话理由”")
    await alice.says(f"申诉 首答 1 {REASON}")
    alice.hears("你的申诉是 1 号")
    async with world.database.reading() as tx:
        attempt = await attempts.get(tx, (await stored(world)).attempt_id)
    assert attempt is not None
    assert (attempt.number, attempt.text) == (1, COLD)


# --- deciding


async def test_the_queue_shows_words_reason_and_evidence_but_no_name(alice: Friend, trainer: Friend) -> None:
    await filed(alice)
    await trainer.says("申诉队列")
    trainer.hears("申诉队列｜1 件", "开口就要退全部费用 · 先跟·接住情绪", COLD, f"理由：{REASON}", "评分判的是")
    trainer.hears_not(alice.name)
    await trainer.says("申诉 1")
    trainer.hears("唐女士说：", COLD, REASON, "题里要的：", "理由会原样告诉学员")
    trainer.hears_not(alice.name)


async def test_who_is_late_is_marked(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice)
    await world.at("09:00", date(2026, 11, 25))
    await trainer.says("申诉队列")
    trainer.hears("今天到期")
    await world.at("09:00", date(2026, 11, 26))
    await trainer.says("申诉队列")
    trainer.hears("已超过两个工作日")


async def test_a_learner_sees_no_queue_and_decides_nothing(alice: Friend, world: World) -> None:
    await filed(alice)
    await alice.says("申诉队列")
    alice.hears("要有相应角色才能用")
    await alice.says("申诉 1 成立 我觉得我说得对")
    alice.hears("已经申诉过了")
    assert (await stored(world)).status == appeals.OPEN


async def test_upheld_the_score_rises_and_the_learner_is_told_why(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice)
    before = await last_attempt(world, alice)
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    trainer.hears("1 号：成立", "→", "结果会告诉学员")
    await alice.reads()
    alice.hears("申诉有结果了｜开口就要退全部费用", "你说得对", "→", "开口没有怪他，语气也稳")
    after, row = await last_attempt(world, alice), await stored(world)
    assert after.points > before.points
    assert (row.band, row.points) == (before.band, before.points)
    assert (row.new_band, row.new_points) == (after.band, after.points)
    assert row.score == before.score
    assert Score.from_dict(after.score).criteria[Criterion.EMPATHY].mark is Mark.HIT
    assert (after.score["band"], after.score["points"]) == (after.band, after.points)
    async with world.database.reading() as tx:
        entry = (await audit.entries(tx, 1))[0]
        assert (entry.action, entry.subject, entry.actor_id) == ("appeal.uphold", "1", trainer.id)
        assert await audit.broken_at(tx) is None
        assert REASON not in str(entry.detail)


async def test_the_board_follows(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice)
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    async with world.database.reading() as tx:
        (row,) = [row for row in await boards.week(tx, *week_of(world.today, 0)) if row.person_id == alice.id]
    assert row.points == (await last_attempt(world, alice)).points


async def test_not_upheld_nothing_changes_and_the_learner_is_told_kindly(
    alice: Friend, world: World, trainer: Friend
) -> None:
    await filed(alice)
    before = await last_attempt(world, alice)
    await trainer.says("申诉 1 不成立 提到合同是在讲道理，还没有说到他的难处")
    trainer.hears("1 号：不成立")
    await alice.reads()
    alice.hears("这次没有改", "难得", "还没有说到他的难处", "练习 开口就要退全部费用")
    after = await last_attempt(world, alice)
    assert (after.band, after.points, after.score) == (before.band, before.points, before.score)
    await alice.says("申诉 我的")
    alice.hears("不成立", "还没有说到他的难处")
    async with world.database.reading() as tx:
        assert (await audit.entries(tx, 1))[0].action == "appeal.reject"


async def test_a_decision_is_final_and_needs_a_reason(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice)
    await trainer.says("申诉 1 成立")
    trainer.hears("要写一句理由")
    assert (await stored(world)).status == appeals.OPEN
    await trainer.says("申诉 1 不成立 还没有说到他的难处")
    await trainer.says("申诉 1 成立 我改主意了，成立")
    trainer.hears("1 号已经定了：不成立", "定了就不再改")
    assert (await stored(world)).status == appeals.REJECTED


async def test_nobody_decides_their_own_case(world: World) -> None:
    both = await world.person("吴越", "培训部", Role.TRAINER)
    await world.campaign(LESSON)
    await world.at("09:30")
    await filed(both)
    await both.says("申诉 1 成立 我说得确实不错")
    both.hears("自己的申诉要请另一位")
    assert (await stored(world)).status == appeals.OPEN


async def test_two_trainers_at_the_same_time_one_wins(alice: Friend, world: World, trainer: Friend) -> None:
    other = await world.person("梁正", "合规部", Role.COMPLIANCE, learns=False)
    await filed(alice)
    await asyncio.gather(
        trainer.says("申诉 1 成立 开口没有怪他，语气也稳"), other.says("申诉 1 不成立 还没有说到他的难处")
    )
    row = await stored(world)
    winner, loser = (trainer, other) if row.decided_by == trainer.id else (other, trainer)
    winner.hears("1 号：")
    loser.hears("定了")
    async with world.database.reading() as tx:
        assert [entry.action for entry in await audit.entries(tx) if entry.action.startswith("appeal.")] == [
            "appeal.uphold" if row.status == appeals.UPHELD else "appeal.reject"
        ]
    await alice.reads()
    assert alice.text.count("申诉有结果了") == 1


async def test_two_upheld_items_of_one_answer_add_up(alice: Friend, world: World, trainer: Friend) -> None:
    other = await world.person("梁正", "合规部", Role.COMPLIANCE, learns=False)
    await filed(alice)
    await alice.says("申诉 4 我给了提前结清的办法")
    await asyncio.gather(trainer.says("申诉 1 成立 开口没有怪他，语气也稳"), other.says("申诉 2 成立 说清了能办什么"))
    row = await last_attempt(world, alice)
    marks = {c: verdict.mark for c, verdict in Score.from_dict(row.score).criteria.items()}
    assert (marks[Criterion.EMPATHY], marks[Criterion.SOLUTION]) == (Mark.HIT, Mark.HIT)
    grader, lesson = world.program.desk.scorer, world.program.desk.catalogue.lessons[LESSON]
    both = grader.corrected(lesson, COLD, grader.score(lesson, COLD), frozenset({"empathy", "solution"}))  # type: ignore[arg-type]
    assert (row.band, row.points) == (both.band, both.points)


# --- the ladder


async def test_a_first_answer_that_rises_over_the_mark_leaves_the_ladder(
    alice: Friend, world: World, trainer: Friend
) -> None:
    await alice.says(COLD)
    async with world.database.reading() as tx:
        assert (await assignments.card(tx, alice.id, LESSON)) is not None
    for number in range(1, 6):
        await alice.says(f"申诉 {number} 这一项我觉得我做到了")
    for number in range(1, 6):
        await trainer.says(f"申诉 {number} 成立 又听了一遍，是做到了")
    assert (await last_attempt(world, alice)).band >= 3
    async with world.database.reading() as tx:
        assert (await assignments.card(tx, alice.id, LESSON)) is None


async def test_a_practice_try_moves_no_card(alice: Friend, world: World, trainer: Friend) -> None:
    await alice.says(COLD)
    async with world.database.reading() as tx:
        before = await assignments.card(tx, alice.id, LESSON)
    await alice.says("再答")
    await alice.says("您别急，分期手续费收了退不了，年费我给您申请退。")
    await alice.says("申诉")
    for number in range(1, 6):
        await alice.says(f"申诉 {number} 这一项我觉得我做到了")
    for number in range(1, 6):
        await trainer.says(f"申诉 {number} 成立 又听了一遍，是做到了")
    async with world.database.reading() as tx:
        after = await assignments.card(tx, alice.id, LESSON)
    assert before is not None
    assert after is not None
    assert (after.step, after.passes, after.due_on) == (before.step, before.passes, before.due_on)


# --- 申诉即修规


async def test_who_said_the_same_is_corrected_and_told_once(
    bob: Friend, alice: Friend, world: World, trainer: Friend
) -> None:
    await bob.reads()
    await bob.says(COLD.replace("，", " ").replace("。", "！"))
    await filed(alice)
    before = await last_attempt(world, bob)
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    trainer.hears("另外 1 条说法一样的回答也一起改了")
    await bob.reads()
    bob.hears("评分更正｜开口就要退全部费用", "有同事和你说过一样的话")
    bob.hears_not("小林", REASON, "开口没有怪他")
    after, row = await last_attempt(world, bob), await stored(world)
    assert after.points > before.points
    assert row.others == [
        {
            "attempt": after.id,
            "band": before.band,
            "points": before.points,
            "new_band": after.band,
            "new_points": after.points,
        }
    ]
    await bob.reads()
    bob.hears_nothing()


async def test_who_said_something_else_is_left_alone(bob: Friend, alice: Friend, world: World, trainer: Friend) -> None:
    await bob.reads()
    await bob.says(COLD + "您再想想。")
    before = await last_attempt(world, bob)
    await filed(alice)
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    await bob.reads()
    bob.hears_nothing()
    assert (await last_attempt(world, bob)).points == before.points


async def test_two_appeals_about_the_same_words_are_decided_together(
    bob: Friend, alice: Friend, world: World, trainer: Friend
) -> None:
    await bob.reads()
    await filed(bob)
    await filed(alice)
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    assert [(await stored(world, number)).status for number in (1, 2)] == [appeals.UPHELD, appeals.UPHELD]
    for person in (alice, bob):
        await person.reads()
        assert person.text.count("你说得对") == 1
        person.hears_not("评分更正")
    await trainer.says("申诉队列")
    trainer.hears("没有等着定的申诉")


async def test_the_same_words_later_are_judged_as_upheld(
    bob: Friend, alice: Friend, world: World, trainer: Friend
) -> None:
    await filed(alice)
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    await bob.reads()
    await bob.says(COLD)
    mine, theirs = await last_attempt(world, bob), await last_attempt(world, alice)
    assert (mine.band, mine.points) == (theirs.band, theirs.points)
    assert Score.from_dict(mine.score).criteria[Criterion.EMPATHY].mark is Mark.HIT


# --- when people are told


async def test_nobody_is_told_at_night(alice: Friend, world: World, trainer: Friend) -> None:
    await filed(alice)
    await world.at("21:30")
    await alice.reads()
    await trainer.says("申诉 1 成立 开口没有怪他，语气也稳")
    await alice.reads()
    alice.hears_nothing()
    await world.at("09:30", world.today + timedelta(days=1))
    await alice.reads()
    alice.hears("申诉有结果了")


# --- the other quick actions


async def test_the_reminder_offers_a_pause(alice: Friend, world: World) -> None:
    await world.at("15:30")
    await alice.reads()
    assert alice.buttons == ["今日", "暂停 1天"]
    await alice.says("暂停 1天")
    alice.hears_not("点评")
