"""Personal data never survives masking; what lessons talk about always does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.masking import mask
from lessons import catalogue

PHONE, ID, CARD, MAIL, PLATE, NUMBER = "[手机号]", "[身份证]", "[银行卡号]", "[邮箱]", "[车牌]", "[号码]"

PERSONAL = [
    ("13812345678", PHONE),
    ("+86 138-1234-5678", PHONE),
    ("8613812345678", PHONE),
    ("138 1234 5678", PHONE),
    ("138.1234.5678", PHONE),
    ("138 - 1234 - 5678", PHONE),
    ("1 3 8 1 2 3 4 5 6 7 8", PHONE),
    ("１３８１２３４５６７８", PHONE),
    ("138１２３４5678", PHONE),
    ("11010119900101123X", ID),
    ("110101 19900101 123x", ID),
    ("110101-1990-0101-1234", ID),
    ("１１０１０１１９９００１０１１２３Ｘ", ID),
    ("6222021234567890123", CARD),
    ("6222 0212 3456 7890", CARD),
    ("6222-0212-3456-7890-123", CARD),
    ("9558 8012 3456 7890 123", CARD),
    ("zhang.san+x@mail.example.com.cn", MAIL),
    ("ｚｈａｎｇ＠ｍａｉｌ．ｃｏｍ", MAIL),
    ("京A12345", PLATE),
    ("粤B·12345", PLATE),
    ("沪AD12345", PLATE),
    ("京a 12345", PLATE),
    ("010-12345678", NUMBER),
    ("0755 1234567", NUMBER),
    ("021 6329 1234", NUMBER),
    ("01012345678", NUMBER),
    ("110101900101123", NUMBER),  # the old, fifteen-digit ID
    ("12345678", NUMBER),
    ("1234-5678-9012", NUMBER),
    ("幺三八幺二三四五六七八", NUMBER),
    ("幺三八 幺二三四 五六七八", NUMBER),
    ("一三八，一二三四，五六七八", NUMBER),
]

HARMLESS = [
    "五千八百六十元",
    "5800元",
    "¥12345678",
    "12345678元",
    "12345678.90元",
    "100000000 元",
    "20000000份",
    "年化 3.65%，期限 180 天",
    "1234.5678901",
    "2026-11-23",
    "20261123",
    "2026.11.23",
    "2026年11月23日 09:30",
    "2024-2025-2026 三年",
    "5000 6000 2000 三笔",
    "12378",
    "95588",
    "拨打 12363 或 12345",
    "400-820-5555",
    "4008205555",
    "400-8888-888",
    "800-810-8888",
    "第1、2、3、4、5、6、7、8条",
    "一、二、三、四、五、六、七",
    "云南A类客户",
    "新VIP通道",
    "LPR 3.1%+50BP",
    "工单号 A1023",
]


@pytest.mark.parametrize(("text", "label"), PERSONAL)
def test_personal_data_is_replaced_by_its_kind(text: str, label: str) -> None:
    assert mask(text) == label


@pytest.mark.parametrize(("text", "label"), PERSONAL)
def test_the_words_around_it_stay(text: str, label: str) -> None:
    assert mask(f"我的是{text}，记一下。") == f"我的是{label}，记一下。"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_lessons_talk_about_survives(text: str) -> None:
    assert mask(text) == text
    assert mask(f"您看，{text}，对吗？") == f"您看，{text}，对吗？"


def test_several_in_one_message() -> None:
    text = "我叫李四，13812345678，身份证11010119900101123X，卡6222021234567890123，邮箱 a_b@c.cn，车京A12345。"
    assert mask(text) == f"我叫李四，{PHONE}，身份证{ID}，卡{CARD}，邮箱 {MAIL}，车{PLATE}。"


def test_full_width_punctuation_is_left_alone() -> None:
    assert mask("您好！（请稍等）～") == "您好！（请稍等）～"


def test_nothing_of_the_built_in_content_is_masked() -> None:
    """The lessons hold every kind of amount, date and hot line that replies will quote."""
    content = catalogue.load()
    items = (*content.lessons.values(), *content.templates.values(), *content.rules.values())
    texts = [text for item in items for text in _strings(item.model_dump(mode="json"))]
    assert len(texts) > 1000
    assert [text for text in texts if mask(text) != text] == []


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
AROUND = st.text(alphabet="您好，。 -.·+@a京X年月日元块万ａ２（）\n", max_size=12)
DENSE = st.text(alphabet="0123456789- .·元年X@a幺三京A+，", max_size=60)


def _wide(text: str) -> str:
    return text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})


@given(AROUND, MOBILES, AROUND, st.sampled_from(["{0}{1}{2}", "{0}-{1}-{2}", "{0} {1} {2}", "{0}·{1}·{2}"]))
def test_no_mobile_survives_in_any_surroundings(before: str, mobile: str, after: str, pattern: str) -> None:
    before = before.rstrip("２")  # a digit before it would make it another number
    after = after.lstrip("２")
    written = pattern.format(mobile[:3], mobile[3:7], mobile[7:])
    for shown in (written, _wide(written)):
        masked = mask(f"{before}{shown}{after}")
        assert written not in masked
        assert mobile not in "".join(char for char in masked if char.isdigit())


@given(DENSE)
@example("12345678-13812345678")
@example("0755-12345678-13812345678")
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    assert isinstance(mask(text), str)


@given(st.text(alphabet=st.characters(exclude_categories=("N", "L"), exclude_characters="@＠－．＋＿"), max_size=40))
def test_a_text_without_letters_and_digits_is_untouched(text: str) -> None:
    assert mask(text) == text
