"""How a message looks in WeCom: text, markdown, pictures, limits, and words that never become markup."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages import Button, Line, Message, Style, good, hint, quote, say, strong, warn
from bot.platforms.wecom.render import render
from bot.platforms.wecom.text import PART_BYTES, as_text, clean

CARD = say(
    "今天的题：",
    quote("客户：你们凭什么\n扣我的年费？"),
    "请打字回答。",
    strong("说法"),
    good("先接住情绪"),
    warn("别承诺减免"),
    hint("约 3 分钟"),
    title="一句话接住",
    buttons=(Button("看提示", "提示"), Button("跳过", "跳过")),
)

CARD_MARKDOWN = """\
**一句话接住**
今天的题：
> 客户：你们凭什么
> 扣我的年费？

请打字回答。
**说法**
<font color="info">✓ 先接住情绪</font>
<font color="warning">⚠ 别承诺减免</font>
<font color="comment">约 3 分钟</font>
可以回复：「提示」、「跳过」"""


def words(message: Message) -> list[str]:
    return [payload[payload["msgtype"]]["content"] for payload in render(message) if payload["msgtype"] != "image"]


def test_a_bubble_is_text() -> None:
    assert render(say("你好", quote("喂"), buttons=(Button("帮助", "帮助"),))) == [
        {"msgtype": "text", "text": {"content": "你好\n「喂」\n可以回复：「帮助」"}}
    ]


def test_a_card_is_markdown() -> None:
    assert render(CARD, cards=False) == [{"msgtype": "markdown", "markdown": {"content": CARD_MARKDOWN}}]


def test_a_picture_follows_the_words() -> None:
    message = Message(lines=(Line("周榜"),), picture=7)
    assert [payload["msgtype"] for payload in render(message)] == ["text", "image"]
    assert render(message)[1] == {"msgtype": "image", "image": {"picture": 7}}
    assert render(Message(lines=(), picture=7)) == [{"msgtype": "image", "image": {"picture": 7}}]


def test_payloads_are_plain_json() -> None:
    assert json.loads(json.dumps(render(CARD))) == render(CARD)


def test_nothing_to_say_is_no_call() -> None:
    assert render(say("")) == render(say(" \n")) == []


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("**粗**", "＊＊粗＊＊"),
        ("# 标题", "＃ 标题"),
        ("  > 引", "  ＞ 引"),
        ("3 > 2，#1", "3 > 2，#1"),
        ('<font color="warning">红</font>', '＜font color="warning">红＜/font>'),
        ("<@boss>", "＜@boss>"),
        ("[点我](http://x)", "[点我］(http://x)"),
        ("`码`", "‘码‘"),
        ("[手机号]", "[手机号]"),
        ("尾号****1234", "尾号＊＊＊＊1234"),
        ("$userName=boss$", "$userName=boss$"),
    ],
)
def test_words_in_a_card_make_no_markup(typed: str, shown: str) -> None:
    assert words(say(typed, title="题"))[0] == f"**题**\n{shown}"
    assert words(say(quote(typed), title="题"))[0] == f"**题**\n> {shown}"


def test_words_in_a_title_or_button_make_no_markup() -> None:
    card = words(say("x", title="**a\nb**", buttons=(Button("b", "<font>"),)))[0]
    assert card == "**＊＊a b＊＊**\nx\n可以回复：「＜font>」"


@pytest.mark.parametrize("typed", ['<a href="http://x">点</a>', "< A href=x>", "</a>"])
def test_words_in_a_bubble_make_no_link(typed: str) -> None:
    assert "<" not in words(say(typed))[0]


def test_other_angle_brackets_in_a_bubble_stay() -> None:
    assert words(say("1<2 & ]]> 😀 <b>")) == ["1<2 & ]]> 😀 <b>"]


def test_what_cannot_be_sent_is_left_out() -> None:
    assert clean("a\x00b\x0b\ud800c\ufffe\r\nd\re\tf😀") == "abc\nd\ne\tf😀"


def test_a_long_bubble_is_numbered_parts_in_order() -> None:
    text = "\n".join(f"第{n}行：" + "话" * 100 for n in range(40))
    parts = words(say(text))
    assert all(len(part.encode()) <= PART_BYTES for part in parts)
    assert parts[0].startswith(f"（1/{len(parts)}）\n第0行")
    assert "".join(part.split("\n", 1)[1] + "\n" for part in parts).rstrip("\n") == text


def test_a_long_card_is_cut_between_rows_and_every_part_stands_alone() -> None:
    parts = words(say(*[warn("别" * 90) for _ in range(20)], title="题"))
    assert len(parts) > 1
    assert all(len(part.encode()) <= PART_BYTES for part in parts)
    assert all(part.count("<font") == part.count("</font>") for part in parts)


def test_a_card_with_an_endless_line_becomes_text() -> None:
    payloads = render(say("话" * 3000, title="题"))
    assert {payload["msgtype"] for payload in payloads} == {"text"}
    assert re.match(r"（1/\d）\n【题】", payloads[0]["text"]["content"])


_styles = st.sampled_from(list(Style))
_words = st.text(max_size=400) | st.text(alphabet="*#>`<>[]()话\n 😀", max_size=900)
_messages = st.builds(
    Message, lines=st.lists(st.builds(Line, _words, _styles), max_size=8).map(tuple), title=st.text(max_size=20)
)


@given(_messages)
def test_any_message_fits_and_holds_only_our_markup(message: Message) -> None:
    for payload in render(message):
        content = payload[payload["msgtype"]]["content"]
        assert content.strip()
        assert len(content.encode()) <= PART_BYTES
        if payload["msgtype"] == "markdown":
            assert not re.search(r"</?(?!/?font)|`|\]\(|^\s*#", content, re.MULTILINE)
            assert content.count("<font") == content.count("</font>")


@given(_messages)
def test_text_survives_a_second_rendering(message: Message) -> None:
    text = as_text(message)
    assert clean(text) == text
