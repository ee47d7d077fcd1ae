"""Buttons as cards: which messages get one, what is sent when the vendor takes none, how a card changes, the menu."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from bot.core.clock import ManualClock
from bot.core.errors import Ambiguous, Misconfigured, Permanent
from bot.core.messages import Button, Incoming, Kind, Line, Message, say
from bot.platforms.base import Notice
from bot.platforms.wecom import Wecom, menu
from bot.platforms.wecom.cards import card_of, key_of, task_id
from bot.platforms.wecom.render import render
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running
from tests.fakes.wecom.cards import CODES, Cards
from tests.fakes.wecom.menu import checked_menu

AGAIN, MODELS = Button("再答一次", "再答"), Button("看例答", "例答")
FEEDBACK = say("接住了情绪。", title="点评｜良好", buttons=(AGAIN, MODELS))
CHOICE = say(
    "A. 先道歉", "B. 先核实，再说能办什么", title="今日一题｜选一句", buttons=(Button("A", "A"), Button("B", "B"))
)
LIST = say("1. 拆开算账", title="“退费”的话术", buttons=(Button("1", "1"), Button("更多", "更多")))


def card(message: Message) -> dict[str, Any]:
    payload = render(message)[-1]
    assert payload["msgtype"] == "template_card"
    body: dict[str, Any] = payload["template_card"]
    return body


# Which messages get a card


def test_several_buttons_of_a_titled_message_are_one_card_after_the_words() -> None:
    words, buttons = render(FEEDBACK)
    assert words["markdown"]["content"] == "**点评｜良好**\n接住了情绪。"
    assert [(b["text"], b["key"]) for b in buttons["template_card"]["button_list"]] == [
        ("再答一次", "再答"), ("看例答", "例答"),
    ]  # fmt: skip
    assert buttons["template_card"]["main_title"]["title"] == "点评｜良好"


def test_letters_are_a_vote_with_the_beginning_of_each_line() -> None:
    vote = card(CHOICE)
    assert (vote["card_type"], vote["checkbox"]["mode"], vote["submit_button"]["text"]) == (
        "vote_interaction",
        0,
        "提交",
    )
    assert vote["checkbox"]["option_list"] == [
        {"id": "A", "text": "A. 先道歉"}, {"id": "B", "text": "B. 先核实，再说能办什么"},
    ]  # fmt: skip


def test_numbers_come_with_their_line() -> None:
    assert [button["text"] for button in card(LIST)["button_list"]] == ["1. 拆开算账", "更多"]


@pytest.mark.parametrize(
    "message",
    [
        say("x", title="题", buttons=(AGAIN,)),
        say("x", title="题", buttons=tuple(Button(f"钮{n}", f"字{n}") for n in range(7))),
        say("x", buttons=(AGAIN, MODELS)),
        say("x", title="题", buttons=(AGAIN, Button("也是再答", "再答"))),
        say("x", title="题", buttons=(AGAIN, Button("长", "字" * 342))),
        say("x", title="题", buttons=(AGAIN, Button(" ", "空"))),
    ],
    ids=["one", "seven", "no title", "twice the same", "key too long", "no label"],
)
def test_otherwise_buttons_are_words(message: Message) -> None:
    payloads = render(message)
    assert {payload["msgtype"] for payload in payloads} <= {"text", "markdown"}
    assert "可以回复：" in payloads[-1][payloads[-1]["msgtype"]]["content"]


def test_without_cards_every_button_is_words() -> None:
    for message in (FEEDBACK, CHOICE, LIST):
        (payload,) = render(message, cards=False)
        assert all(f"「{button.says}」" in payload["markdown"]["content"] for button in message.buttons)


def test_a_picture_comes_between_the_words_and_the_card() -> None:
    message = Message(FEEDBACK.lines, FEEDBACK.title, FEEDBACK.buttons, picture=7)
    assert [payload["msgtype"] for payload in render(message)] == ["markdown", "image", "template_card"]


_buttons = st.lists(st.builds(Button, st.text(max_size=30), st.text(max_size=600)), max_size=8).map(tuple)
_messages = st.builds(
    Message, lines=st.lists(st.builds(Line, st.text(max_size=60)), max_size=4).map(tuple),
    title=st.text(max_size=60), buttons=_buttons,
)  # fmt: skip


@given(_messages, st.text(alphabet="0123456789abcdef.", max_size=140))
def test_every_card_is_one_the_vendor_takes(message: Message, key: str) -> None:
    payload = card_of(message)
    if payload is not None:
        body = payload["template_card"]
        Cards(ManualClock(datetime(2026, 11, 20, tzinfo=UTC))).check(body | {"task_id": task_id(key, body)})
        assert not re.search("[\ud800-\udfff\x00-\x08]", str(body))


@pytest.mark.parametrize("key", ["0123456789abcdef.1", "a-b_c.12"])
def test_a_cards_id_leads_back_to_its_key(key: str) -> None:
    assert key_of(task_id(key, card(FEEDBACK))) == key_of(task_id(key, card(LIST))) == key


def test_odd_keys_make_ids_too_and_no_key_makes_a_new_one_each_time() -> None:
    for key in ("answer:1", "a@b", "字", "x" * 200):
        assert re.fullmatch(r"[0-9A-Za-z_\-@]{1,128}", task_id(key, {}))
    assert task_id("", {}) != task_id("", {})


# Sending


@pytest.fixture
async def told(fake: FakeWecom) -> AsyncIterator[tuple[Wecom, list[Notice]]]:
    """A platform whose alarms are collected."""
    notices: list[Notice] = []

    async def alarm(notice: Notice) -> None:
        notices.append(notice)

    async with running(fake, alarm=alarm) as wecom:
        yield wecom, notices


async def send(wecom: Wecom, message: Message, key: str, *people: str) -> None:
    for number, payload in enumerate(wecom.render(message)):
        await wecom.send(people or ["Alice"], payload | {"key": f"{key}.{number}"})


async def test_a_card_reaches_its_people_with_an_id_of_its_key(fake: FakeWecom, wecom: Wecom) -> None:
    await send(wecom, FEEDBACK, "batch", "alice", "bob")
    assert fake.hears("bob") == ["**点评｜良好**\n接住了情绪。", "〔卡片〕再答一次｜看例答"]
    assert [dealt.task_id for dealt in fake.cards_of("Alice")] == ["o_batch@1"]
    await send(wecom, LIST, "other")
    assert fake.cards_of("Alice")[-1].task_id == "m_other@1"


async def test_a_card_sent_again_shows_once(fake: FakeWecom, wecom: Wecom) -> None:
    payload = render(FEEDBACK)[-1] | {"key": "batch.1"}
    fake.fault("message/send", "reset", after=True)
    with pytest.raises(Ambiguous):
        await wecom.send(["Alice"], payload)
    await wecom.send(["Alice"], payload)
    assert fake.hears("Alice") == ["〔卡片〕再答一次｜看例答"]


async def test_where_the_id_is_looked_at_first_a_repeat_costs_at_most_the_words(fake: FakeWecom, wecom: Wecom) -> None:
    fake.vendor.duplicates_first = False
    payload = render(FEEDBACK)[-1] | {"key": "batch.1"}
    for _ in range(3):
        await wecom.send(["Alice"], payload)
    assert fake.hears("Alice") == ["〔卡片〕再答一次｜看例答", "可以回复：「再答」、「例答」"]


async def test_without_a_callback_address_the_buttons_are_words_and_the_operator_is_told_once(
    fake: FakeWecom, told: tuple[Wecom, list[Notice]]
) -> None:
    wecom, notices = told
    fake.vendor.cards.callback = False
    await send(wecom, FEEDBACK, "one")
    await send(wecom, CHOICE, "two")
    assert fake.unread("Alice") == [
        "**点评｜良好**\n接住了情绪。",
        "可以回复：「再答」、「例答」",
        "**今日一题｜选一句**\nA. 先道歉\nB. 先核实，再说能办什么",
        "可以回复：「A」、「B」",
    ]
    assert [(notice.code, "接收消息" in notice.words) for notice in notices] == [("43012", True)]
    assert not wecom.cards
    assert wecom.fits_passive(FEEDBACK)
    fake.vendor.cards.callback = True
    fake.advance(3600)
    await send(wecom, FEEDBACK, "three")
    assert fake.hears("Alice")[-1].startswith("〔卡片〕")


@pytest.mark.parametrize("code", sorted(set(CODES.values())))
async def test_a_card_that_is_refused_goes_out_as_words(
    fake: FakeWecom, wecom: Wecom, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    fake.fault("message/send", "errcode", code=code)
    await wecom.send(["Alice"], render(CHOICE)[-1] | {"key": "batch.1"})
    assert fake.hears("Alice") == ["可以回复：「A」、「B」"]
    assert ("wecom.card", logging.WARNING) in [(getattr(r, "action", ""), r.levelno) for r in caplog.records]
    assert wecom.cards, "one bad card does not switch them off"


async def test_a_message_with_a_card_is_not_carried_in_the_response(wecom: Wecom) -> None:
    assert not wecom.fits_passive(FEEDBACK)
    assert wecom.fits_passive(say("x", title="题", buttons=(AGAIN,)))


# Changing and taking back


def tap(handle: str, who: str = "alice") -> Incoming:
    return Incoming("wecom", who, "k", Kind.CLICK, "再答", passive=True, card="batch.1", handle=handle)


async def test_a_face_is_set_for_who_tapped_and_the_handle_works_once(fake: FakeWecom, wecom: Wecom) -> None:
    await send(wecom, FEEDBACK, "batch", "alice", "bob")
    dealt = fake.cards_of("Alice")[0]
    handle = fake.vendor.cards.code_for(dealt, ["Alice"])
    await wecom.set_face(tap(handle), "已选：再答一次")
    assert (fake.face("Alice"), fake.face("bob")) == ("已选：再答一次", "")
    for late in (tap(handle), tap("rc-nobody-gave")):
        with pytest.raises(Permanent) as caught:
            await wecom.set_face(late, "已过期")
        assert caught.value.code == "60140"
        assert late.handle not in str(caught.value)


async def test_after_72_hours_a_handle_is_dead(fake: FakeWecom, wecom: Wecom) -> None:
    await send(wecom, FEEDBACK, "batch")
    handle = fake.vendor.cards.code_for(fake.cards_of("Alice")[0], ["Alice"])
    fake.advance(72 * 3600)
    with pytest.raises(Permanent, match="72 小时"):
        await wecom.set_face(tap(handle), "已选")


async def test_a_message_is_taken_back_from_everybody(fake: FakeWecom, wecom: Wecom) -> None:
    sent = await wecom.send(["Alice", "bob"], {"msgtype": "text", "text": {"content": "发错了"}})
    await wecom.recall(sent.message_id)
    assert fake.hears("Alice") == fake.hears("bob") == []


@pytest.mark.parametrize(("seconds", "code"), [(24 * 3600 + 1, "42052"), (0, "40058")])
async def test_what_is_too_old_or_not_ours_cannot_be_taken_back(
    fake: FakeWecom, wecom: Wecom, seconds: float, code: str
) -> None:
    sent = await wecom.send(["Alice"], {"msgtype": "text", "text": {"content": "早"}})
    fake.advance(seconds)
    with pytest.raises(Permanent) as caught:
        await wecom.recall(sent.message_id if seconds else "msg-of-another-app")
    assert caught.value.code == code


# The menu


def test_the_menu_is_one_the_vendor_takes_and_every_line_is_a_command() -> None:
    body = checked_menu(menu.body())
    keys = [each["key"] for button in body["button"] for each in button.get("sub_button", [button])]
    assert all(handlers.find(key) or key in ("帮助",) for key in keys)
    assert len(set(keys)) == len(keys)


async def test_the_menu_is_set_and_read(fake: FakeWecom, wecom: Wecom) -> None:
    assert await wecom.menu() == {}
    await wecom.set_menu()
    assert menu.lines(await wecom.menu()) == menu.lines(menu.body())
    assert "  看今天的题 → 今日" in menu.lines(menu.body())


async def test_a_menu_needs_a_callback_address(fake: FakeWecom, wecom: Wecom) -> None:
    fake.vendor.cards.callback = False
    with pytest.raises(Misconfigured, match="回调地址"):
        await wecom.set_menu()
