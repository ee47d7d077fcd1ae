"""How a message looks in DingTalk: text, markdown, cards, limits, and words that never become markup."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages import Button, Line, Message, Style, good, hint, quote, say, strong, warn
from bot.platforms.dingtalk.render import CARD_BYTES, PART_BYTES, TEXT_BYTES, clean, render

QUESTION = say(
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
WORDS = "\n".join(
    [
        "  今天的题：  ",
        "  > 客户：你们凭什么  ",
        "  > 扣我的年费？  ",
        "",
        "  请打字回答。  ",
        "  **说法**  ",
        "  ✓ 先接住情绪  ",
        "  ⚠ 别承诺减免  ",
        "  约 3 分钟  ",
    ]
)
TITLE = "  #### 一句话接住  \n\n"
TYPED = "\n\n  可以回复：「提示」、「跳过」  "
LINKED = (
    "\n\n  [看提示](dtmd://dingtalkclient/sendMessage?content=%E6%8F%90%E7%A4%BA)"
    "　[跳过](dtmd://dingtalkclient/sendMessage?content=%E8%B7%B3%E8%BF%87)  "
)


def text(words: str) -> dict[str, object]:
    return {"msgtype": "text", "text": {"content": words}}


def markdown(title: str, words: str) -> dict[str, object]:
    return {"msgtype": "markdown", "markdown": {"title": title, "text": words}}


BUBBLE = say("你好", quote("喂"), buttons=(Button("帮助", "帮助"),))
BUTTONS = {
    "button1": "看提示", "says1": "提示", "button2": "跳过", "says2": "跳过",
    **{f"{name}{number}": "" for number in (3, 4, 5, 6) for name in ("button", "says")},
    "more": "",
}  # fmt: skip
GOLDEN = {
    "bubble": (render(BUBBLE), [text("你好\n「喂」\n可以回复：「帮助」")]),
    "question": (render(QUESTION), [markdown("一句话接住", TITLE + WORDS + TYPED)]),
    "question with links": (render(QUESTION, tap_links=True), [markdown("一句话接住", TITLE + WORDS + LINKED)]),
    "question as a card": (
        render(QUESTION, card=True),
        [{"msgtype": "card", "card": {"title": "一句话接住", "content": WORDS, **BUTTONS}}],
    ),
    "card without buttons": (render(say("好", title="题"), card=True), [markdown("题", "  #### 题  \n\n  好  ")]),
    "bubble with links": (
        render(BUBBLE, tap_links=True),
        [
            markdown(
                "你好",
                "  你好  \n  > 喂  \n\n  [帮助](dtmd://dingtalkclient/sendMessage?content=%E5%B8%AE%E5%8A%A9)  ",
            )
        ],
    ),
    "picture": (render(Message((Line("周榜"),), picture=7)), [text("周榜")]),
    "nothing": (render(say(" \n")), []),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name: str) -> None:
    payloads, expected = GOLDEN[name]
    assert payloads == expected
    assert json.loads(json.dumps(payloads)) == payloads


def shown(message: Message) -> str:
    """A titled message's markdown without title and spaces around rows."""
    found = render(message)[0]["markdown"]["text"]
    return "\n".join(row.strip() for row in found.split("\n")).split("\n\n", 1)[1]


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("**粗** *斜*", "＊＊粗＊＊ ＊斜＊"),
        ("# 标题", "＃ 标题"),
        ("  > 引", "＞ 引"),
        ("- 列\n+ 列", "－ 列\n＋ 列"),
        ("---\n===", "－--\n＝=="),
        ("1. 一\n12) 二", "1． 一\n12） 二"),
        ("1.5 倍，2025 年", "1.5 倍，2025 年"),
        ("3 > 2，#1", "3 > 2，#1"),
        ('<font color="red">红</font>', '＜font color="red">红＜/font>'),
        ("[点我](dtmd://x) ![图](http://x)", "[点我］(dtmd://x) ![图］(http://x)"),
        ("`码`", "‘码‘"),
        ("尾号****1234", "尾号＊＊＊＊1234"),
    ],
)
def test_words_in_a_card_make_no_markup(typed: str, seen: str) -> None:
    assert shown(say(typed, title="题")) == seen
    assert shown(say(quote(typed), title="题")) == "\n".join(f"> {row}" for row in seen.split("\n"))


def test_words_in_a_title_or_button_make_no_markup() -> None:
    message = say("x", title="**a\nb**", buttons=(Button("[b](c)", "<f>"),))
    assert render(message)[0]["markdown"] == {
        "title": "**a b**",
        "text": "  #### ＊＊a b＊＊  \n\n  x  \n\n  可以回复：「＜f>」  ",
    }
    linked = render(message, tap_links=True)[0]["markdown"]["text"].splitlines()[-1].strip()
    assert linked == "[［b］(c)](dtmd://dingtalkclient/sendMessage?content=%3Cf%3E)"


def test_a_bubble_keeps_its_characters() -> None:
    assert render(say("1<2 & **]]>** 😀 <b>")) == [text("1<2 & **]]>** 😀 <b>")]


def test_what_cannot_be_sent_is_left_out() -> None:
    assert clean("a\x00b\x0b\ud800c\ufffe\r\nd\re\tf😀") == "abc\nd\ne\tf😀"


def test_a_long_bubble_becomes_markdown() -> None:
    short, long = "话" * (TEXT_BYTES // 3), "话" * (TEXT_BYTES // 3 + 1)
    assert render(say(short))[0]["msgtype"] == "text"
    payload = render(say(long, "后面"))[0]["markdown"]
    assert payload["title"] == "话" * 39 + "…"
    assert payload["text"] == f"  {long}  \n  后面  "


def test_a_long_message_is_numbered_parts_in_order() -> None:
    rows = [f"第{n}行：" + "话" * 100 for n in range(60)]
    parts = [payload["markdown"]["text"] for payload in render(say(*rows, title="题"))]
    assert len(parts) > 1
    assert all(len(part.encode()) <= PART_BYTES for part in parts)
    assert parts[0].startswith(f"（1/{len(parts)}）  \n  #### 题")
    seen = [row.strip() for part in parts for row in part.split("\n") if "行：" in row]
    assert seen == rows


def test_a_row_too_long_for_markdown_is_text() -> None:
    payloads = render(say(strong("话" * 3000), title="题"))
    assert {payload["msgtype"] for payload in payloads} == {"text"}
    words = "".join(payload["text"]["content"].split("\n", 1)[1] for payload in payloads)
    assert words.replace("\n", "") == "【题】" + "话" * 3000


def test_a_message_too_long_for_a_card_comes_before_it() -> None:
    message = say(*["话" * 80] * 5, title="题", buttons=(Button("再答", "再答"),))
    before, card = render(message, card=True)
    assert before["msgtype"] == "markdown"
    assert "可以回复" not in before["markdown"]["text"]
    assert (card["card"]["content"], card["card"]["says1"]) == ("接着可以：", "再答")


def test_more_buttons_than_a_card_has_are_words_to_type() -> None:
    buttons = tuple(Button(f"第 {n} 题", f"错题 {n}") for n in range(1, 9))
    card = render(say("选", title="错题", buttons=buttons), card=True)[0]["card"]
    assert (card["button6"], card["says6"], card["more"]) == ("第 6 题", "错题 6", "「错题 7」、「错题 8」")


MESSAGES = st.builds(
    Message,
    lines=st.lists(st.builds(Line, st.text(max_size=400), st.sampled_from(Style)), max_size=12).map(tuple),
    title=st.text(max_size=60),
    buttons=st.lists(st.builds(Button, st.text(max_size=20), st.text(max_size=400)), max_size=9).map(tuple),
)


@given(MESSAGES, st.booleans(), st.booleans())
def test_every_payload_keeps_the_vendors_limits(message: Message, card: bool, links: bool) -> None:
    for payload in render(message, card=card, tap_links=links):
        part = payload[payload["msgtype"]]
        assert all(isinstance(value, str) for value in part.values())
        assert len(json.dumps(part, ensure_ascii=False).encode()) <= 15_000
        if payload["msgtype"] == "card":
            assert all(len(value.encode()) <= CARD_BYTES for value in part.values())
        elif payload["msgtype"] == "markdown":
            assert part["title"].strip()
            assert part["text"].strip()


@given(st.text(st.characters(codec=None), max_size=300))
def test_only_our_own_links_are_links(typed: str) -> None:
    message = say(typed, quote(typed), title=typed or "题", buttons=(Button(typed or "按", typed),))
    for payload in render(message, tap_links=True):
        if payload["msgtype"] == "markdown":
            links = re.findall(r"\]\(([^)]*)\)", payload["markdown"]["text"])
            assert len(links) == 1
            assert unquote(links[0].split("content=")[1]) == clean(typed)
