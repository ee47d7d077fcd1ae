"""Messages keep everything through JSON; equal messages have equal digests."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages import Button, Line, Message, Style, dump, good, hint, load, quote, say, strong, warn

TEXTS = st.text(max_size=20)
LINES = st.builds(Line, TEXTS, st.sampled_from(Style))
MESSAGES = st.builds(
    Message,
    st.lists(LINES, max_size=4).map(tuple),
    TEXTS,
    st.lists(st.builds(Button, TEXTS, TEXTS), max_size=3).map(tuple),
    st.none() | st.integers(1, 10**9),
)


@given(MESSAGES)
def test_a_message_survives_json(message: Message) -> None:
    again = Message.from_json(message.to_json())
    assert again == message
    assert again.digest == message.digest
    assert "\n" not in message.to_json()


@given(st.lists(MESSAGES, max_size=3).map(tuple))
def test_several_messages_survive_json(messages: tuple[Message, ...]) -> None:
    assert load(dump(messages)) == messages
    assert isinstance(json.loads(dump(messages)), list)


@given(MESSAGES, MESSAGES)
def test_digests_are_equal_exactly_for_equal_messages(one: Message, other: Message) -> None:
    assert (one.digest == other.digest) is (one == other)


def test_everything_that_is_shown_counts_for_the_digest() -> None:
    message = say("您好", title="题")
    others = [
        say("您好", title="卡"),
        say(strong("您好"), title="题"),
        message.with_buttons(Button("帮助", "帮助")),
        Message(message.lines, message.title, picture=1),
    ]
    assert len({message.digest, *(other.digest for other in others)}) == 5


def test_lines_keep_their_meaning() -> None:
    message = say("一", strong("二"), quote("三"), hint("四"), good("五"), warn("六"))
    assert [line.style for line in message.lines] == [
        Style.PLAIN,
        Style.STRONG,
        Style.QUOTE,
        Style.HINT,
        Style.GOOD,
        Style.WARN,
    ]
    assert message.plain == "一\n二\n三\n四\n五\n六"
    assert say("一", title="题").plain == "题\n一"


def test_buttons_are_replaced_not_changed() -> None:
    message = say("您好", buttons=(Button("旧", "旧"),))
    assert message.with_buttons().buttons == ()
    assert message.buttons == (Button("旧", "旧"),)
