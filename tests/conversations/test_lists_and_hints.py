"""What a walk through the chat stumbled over: bare numbers after a list, words that miss, answers without a way on."""

from __future__ import annotations

from datetime import date

import pytest

from storage.models import Role
from tests.chat import LESSON, Friend, World

SPOKEN = "您挣的都是辛苦钱，心里肯定不舒服。年费三百我现在就给您申请退，五个工作日到账。您看先办哪一笔？"
POOR = "合同是您自己签的，手续费退不了，您看的那些视频都是瞎说的，别信。"


@pytest.mark.parametrize(("command", "number", "heard"), [("演练", "9", "演练｜"), ("错题", "1", "一题｜开口就要")])
async def test_a_bare_number_belongs_to_the_list_shown_last(
    alice: Friend, command: str, number: str, heard: str
) -> None:
    await alice.says(POOR)
    await alice.says("话术 退费")
    await alice.says(command)
    await alice.says(number)
    alice.hears(heard)
    alice.hears_not("何时用")


async def test_a_search_after_a_list_takes_the_numbers_back(alice: Friend) -> None:
    await alice.says(POOR)
    await alice.says("演练")
    await alice.says("话术 退费")
    await alice.says("1")
    alice.hears("话术｜", "何时用")


async def test_a_number_inside_a_drill_starts_no_other(alice: Friend) -> None:
    await alice.says(POOR)
    await alice.says("演练")
    await alice.says("9")
    await alice.says("2")
    alice.hears("唐女士（火气")
    alice.hears_not("演练｜")


async def test_a_number_after_the_verdicts_asks_for_the_reason(alice: Friend) -> None:
    await alice.says(POOR)
    await alice.says("话术 退费")
    await alice.says("申诉")
    await alice.says("1")
    alice.hears("用一句话说说为什么不对", "例如“申诉 1 ")


async def test_a_number_after_the_queue_shows_the_case(world: World, alice: Friend) -> None:
    trainer = await world.person("何静", "培训部", Role.TRAINER, learns=False)
    await alice.says(POOR)
    await alice.says("申诉 1 我一开口就说了合同的事")
    await trainer.says("申诉队列")
    await trainer.says("1")
    trainer.hears("申诉｜1 号", "学员的回答")
    assert "申诉队列" in trainer.buttons


async def test_words_to_a_customer_right_after_the_feedback_may_be_another_try(alice: Friend) -> None:
    await alice.says(POOR)
    await alice.says(SPOKEN)
    alice.hears("要是想把这句当作再答，先打“再答”")
    assert "再答" in alice.buttons
    await alice.says("退费")
    alice.hears_not("当作再答")


async def test_much_later_they_are_a_search_like_any_other(world: World, alice: Friend) -> None:
    await alice.says(POOR)
    await world.at("10:00")
    await alice.says(SPOKEN)
    alice.hears("按话术查")
    alice.hears_not("当作再答")


async def test_taking_an_answer_back_says_that_its_appeal_is_void(alice: Friend) -> None:
    await alice.says(POOR)
    await alice.says("申诉 1 我一开口就说了合同的事")
    await alice.says("撤回")
    alice.hears("已撤回", "对它的申诉也一起作废了")


async def test_without_an_appeal_taking_back_does_not_speak_of_one(alice: Friend) -> None:
    await alice.says(POOR)
    await alice.says("撤回")
    alice.hears("已撤回")
    alice.hears_not("申诉")


@pytest.mark.parametrize("words", ["谁没答", "没答的人", "落后的人"])
async def test_a_manager_who_asks_for_stragglers_sees_who_has_not_answered(world: World, words: str) -> None:
    boss = await world.person("周敏", "客服中心", Role.MANAGER, learns=False)
    await world.person("小林")
    await world.campaign(LESSON)
    await world.at("09:40")
    await boss.says(words)
    boss.hears("推送了还没答 1 人：小林", "不看个人分数")


@pytest.mark.parametrize(
    ("role", "group", "buttons"),
    [
        (Role.MANAGER, "主管", ["团队", "周榜", "晨会"]),
        (Role.TRAINER, "培训", ["申诉队列", "活动", "话术"]),
        (Role.COMPLIANCE, "培训", ["申诉队列", "工时", "话术"]),
        (Role.OPERATOR, "运维", ["状态", "重发", "话术"]),
    ],
)
async def test_help_begins_with_ones_own_work(world: World, role: Role, group: str, buttons: list[str]) -> None:
    person = await world.person("同事", "总部", role, learns=False)
    await person.says("帮助")
    text = person.hears(group, "查话术")
    assert text.index(f"\n{group}\n") < text.index("\n查话术\n")
    assert person.buttons == buttons


async def test_help_about_a_command_offers_it(alice: Friend) -> None:
    await alice.says("帮助 申诉")
    assert alice.buttons == ["申诉"]


async def test_the_list_of_campaigns_leads_to_the_draft_that_waits(world: World) -> None:
    one = await world.person("吴越", "培训部", Role.TRAINER, learns=False)
    other = await world.person("何静", "培训部", Role.TRAINER, learns=False)
    await one.says(f"活动 新建 合规柔性催收 从 {date(2026, 11, 25):%m-%d}")
    await other.says("活动")
    (preview, _) = other.buttons
    await other.says(preview)
    other.hears("待批准")
    assert any(says.startswith("活动 批准") for says in other.buttons)


async def test_a_short_insult_makes_the_customer_angrier(world: World) -> None:
    alice = await world.person("小林")
    await alice.says("演练 drill-refund-all")
    await alice.says("滚，爱退不退")
    alice.hears("火气 ●●●●○")
