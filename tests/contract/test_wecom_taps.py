"""Taps on cards, on both databases: one effect, the right face for the right person, a refusal one can read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.clock import ManualClock
from bot.platforms.wecom.cards import key_of
from storage.database import Database
from storage.models import Attempt, Favourite, Inbox
from tests.chat import LESSON
from tests.contract.wecom_office import Office, Opened, office_of
from tests.conversations.test_daily_loop import GOOD
from tests.fakes.wecom import FakeWecom


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[FakeWecom]:
    async with FakeWecom(("Alice", "Bob", "Carol"), clock=clock) as fake:
        yield fake
        assert fake.errors == []


@pytest.fixture
async def office(fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock) -> AsyncIterator[Office]:
    async with office_of(fake, database, opened, clock) as office:
        yield office


@pytest.fixture
async def asked(office: Office) -> Office:
    """Alice and Bob have today's choice question before them, as one card sent in one call."""
    await office.join("Alice", "Bob")
    await office.world.campaign(office.choice().id)
    await office.world.at("09:30")
    office.fake.unread("Alice")
    assert office.fake.cards_of("Alice") == office.fake.cards_of("Bob")
    return office


async def updated(fake: FakeWecom, count: int) -> None:
    """Wait until so many cards have been changed by a call; it happens beside the response."""
    async with asyncio.timeout(5):
        while len(fake.requests("message/update_template_card")) < count:  # noqa: ASYNC110  # the vendor's side
            await asyncio.sleep(0.01)


async def test_a_vote_is_an_answer_and_only_ones_own_card_changes(asked: Office) -> None:
    fake = asked.fake
    pushed = await fake.tap("Alice", "B")
    await asked.deliver()
    assert (pushed.face, pushed.reply) == ("已选：B", None)
    assert (fake.face("Alice"), fake.face("Bob")) == ("已选：B", "")
    assert any("带走一招" in text for text in fake.unread("Alice"))
    await fake.tap("Bob", "A")
    assert (fake.face("Alice"), fake.face("Bob")) == ("已选：B", "已选：A")
    assert await asked.count(Attempt) == 2


async def test_the_vendors_repeats_of_a_tap_are_one_answer(asked: Office) -> None:
    pushed = await asked.fake.tap("Alice", "B", lost=2)
    await asked.deliver()
    assert [attempt.face for attempt in pushed.attempts] == ["已选：B"] * 3
    assert (await asked.count(Attempt), asked.fake.face("Alice")) == (1, "已选：B")


async def test_a_second_tap_changes_nothing_and_says_so(asked: Office) -> None:
    fake = asked.fake
    await fake.tap("Alice", "B")
    again = await fake.tap("Alice", "B")
    assert (again.face, again.reply) == ("已选：B", None), "the same button twice is no news"
    other = await fake.tap("Alice", "C")
    assert other.reply == "这道题已经选过了，一题只选一次。想再试，打“再答”。"
    await updated(fake, 1)
    assert fake.face("Alice") == "已选：B"
    assert await asked.count(Attempt) == 1


async def test_two_taps_at_once_are_one_answer(asked: Office) -> None:
    await asyncio.gather(*(asked.fake.tap("Alice", letter) for letter in "ABCA"))
    await asked.deliver()
    assert await asked.count(Attempt) == 1
    assert asked.fake.face("Alice").startswith("已选：")


async def test_after_72_hours_a_card_is_history(asked: Office) -> None:
    fake = asked.fake
    card = fake.cards_of("Alice")[0]
    fake.advance(72 * 3600 + 600)
    pushed = await fake.tap("Alice", "B", card=card)
    assert pushed.reply == "这张卡片放了三天多，不再管用了。还需要的话，直接打字“今日”看现在的题。"
    await updated(fake, 1)
    assert fake.face("Alice", card) == "已过期"
    assert await asked.count(Attempt) == 0


async def test_a_card_that_can_no_longer_be_changed_is_refused_all_the_same(
    asked: Office, caplog: pytest.LogCaptureFixture
) -> None:
    fake = asked.fake
    card = fake.cards_of("Alice")[0]
    old = fake.vendor.cards.code_for(card, ["Alice"])
    fake.advance(72 * 3600 + 600)
    key, selected = card.picked("B")
    pushed = await fake.click_card("Alice", key, card.task_id, selected, kind="vote_interaction", handle=old)
    assert "三天多" in (pushed.reply or "")
    await updated(fake, 1)
    assert fake.face("Alice", card) == ""
    await asyncio.sleep(0)
    assert "card.face" in [getattr(record, "action", "") for record in caplog.records]
    assert old not in caplog.text


async def test_an_answered_or_closed_question_takes_no_vote(asked: Office) -> None:
    fake = asked.fake
    await asked.says("Alice", "B")
    late = await fake.tap("Alice", "C")
    assert late.reply == "这道题已经过了，不能再选。"
    await asked.world.at("18:10")
    closed = await fake.tap("Bob", "A")
    assert closed.reply == "这道题已经过了，不能再选。"
    await updated(fake, 2)
    assert (fake.face("Alice"), fake.face("Bob")) == ("已过", "已过")
    assert await asked.count(Attempt) == 1


async def test_yesterdays_card_never_answers_todays_question(asked: Office) -> None:
    fake, world = asked.fake, asked.world
    card = fake.cards_of("Alice")[0]
    await asked.says("Alice", "A")
    others = [
        lesson.id for lesson in world.program.desk.catalogue.lessons.values() if type(lesson) is type(asked.choice())
    ]
    await asked.says("Alice", f"练习 {world.program.desk.catalogue.lessons[others[1]].title}")
    assert len(fake.cards_of("Alice")) >= 2
    pushed = await fake.tap("Alice", "B", card=card)
    assert pushed.reply == "这道题已经过了，不能再选。"
    assert await asked.count(Attempt) == 1
    await fake.tap("Alice", "B")
    assert await asked.count(Attempt) == 2


async def test_a_vote_in_the_middle_of_a_drill_is_not_said_to_the_customer(asked: Office) -> None:
    fake = asked.fake
    card = fake.cards_of("Alice")[0]
    await asked.says("Alice", "演练 1")
    pushed = await fake.tap("Alice", "B", card=card)
    assert "演练还开着" in (pushed.reply or "")
    assert await asked.count(Attempt) == 0


async def test_the_buttons_after_feedback_do_what_typing_does_once(office: Office) -> None:
    fake = office.fake
    await office.join("Alice")
    await office.world.campaign(LESSON)
    await office.world.at("09:30")
    await office.says("Alice", GOOD)
    fake.unread("Alice")
    pushed = await fake.tap("Alice", "再答一次")
    fake.advance(2)
    await office.deliver()
    assert pushed.face == "已选：再答一次"
    heard = fake.unread("Alice")
    assert len([text for text in heard if "〔卡片〕" not in text]) == 1
    other = await fake.tap("Alice", "我的")
    assert other.reply == "这张卡片已经用过了。要“我的”，直接打这几个字就行。"
    await office.deliver()
    assert fake.unread("Alice") == [other.reply]


async def test_with_cards_switched_off_the_same_words_do_it(
    fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock
) -> None:
    async with office_of(fake, database, opened, clock, JIEHUA_WECOM_CARDS="off") as office:
        await office.join("Alice")
        await office.says("Alice", "话术 退费")
        assert "可以回复：「1」、「2」、「3」、「更多」" in fake.hears("Alice")[-1]
        assert fake.cards_of("Alice") == []
        assert fake.delivered("Alice")[-1].passive, "and the response itself can carry them"


async def test_every_line_of_a_list_can_be_tapped(office: Office) -> None:
    fake = office.fake
    await office.join("Alice")
    await office.says("Alice", "话术 退费")
    listed = fake.cards_of("Alice")[-1]
    for number in ("1", "2", "1"):
        pushed = await fake.tap("Alice", number, card=listed)
        assert (pushed.face, pushed.reply) == (None, None)
        fake.advance(2)
        await office.deliver()
    assert len([text for text in fake.hears("Alice") if "何时用" in text]) == 2, "the same line twice is one answer"
    await fake.tap("Alice", "收藏")
    assert (fake.face("Alice"), await office.count(Favourite)) == ("已选：收藏", 1)


async def test_an_old_list_does_not_open_a_line_of_the_new_one(office: Office) -> None:
    fake = office.fake
    await office.join("Alice")
    await office.says("Alice", "话术 退费")
    old = fake.cards_of("Alice")[-1]
    await office.says("Alice", "话术 泄露")
    assert fake.cards_of("Alice")[-1] != old
    pushed = await fake.tap("Alice", "1", card=old)
    assert "序号变了" in (pushed.reply or "")
    await updated(fake, 1)
    assert fake.face("Alice", old) == "已过"
    assert not any("何时用" in text for text in fake.hears("Alice"))


@pytest.mark.parametrize("task", ["o_nobody@0", "t1", "o_", "m_x"])
async def test_a_card_that_is_not_ours_does_nothing(office: Office, task: str) -> None:
    await office.join("Alice")
    pushed = await office.fake.click_card("Alice", "暂停 3天", task)
    assert pushed.reply == "这张卡片认不出来了。直接打字“暂停 3天”就行。"
    assert await office.count(Inbox) == 2


async def test_somebody_elses_card_or_button_does_nothing(asked: Office) -> None:
    fake = asked.fake
    await asked.join("Carol")
    card = fake.cards_of("Alice")[0]
    assert key_of(card.task_id).endswith(".1")
    stranger = await fake.click_card("Carol", "B", card.task_id)
    assert "认不出来" in (stranger.reply or "")
    odd = await fake.click_card("Alice", "活动 结束 c1", card.task_id)
    assert "认不出来" in (odd.reply or "")
    assert await asked.count(Attempt) == 0
