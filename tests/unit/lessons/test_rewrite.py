"""The learner's own text with one change: placed where it belongs, everything else verbatim, short enough."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.feedback.rewrite import added, replaced
from lessons.model import Criterion

TEXT = "唐女士，您先别急。年费三百我现在申请，五个工作日到账。您看行吗？"
CUE = "五千八，得卖多少碗面"


@pytest.mark.parametrize(
    ("criterion", "words", "expected"),
    [
        (Criterion.EMPATHY, CUE, f"唐女士，【{CUE}，】您先别急。年费三百我现在申请，五个工作日到账。您看行吗？"),
        (
            Criterion.EMPATHY,
            f"唐姐，{CUE}",
            f"唐女士，【{CUE}，】您先别急。年费三百我现在申请，五个工作日到账。您看行吗？",
        ),
        (Criterion.LEAD, "咱先看哪一笔", TEXT + "【咱先看哪一笔？】"),
        (Criterion.LEAD, "我先把明细发您", TEXT + "【我先把明细发您。】"),
        (
            Criterion.EXPLAIN,
            "办的时候确认过",
            "唐女士，您先别急。【办的时候确认过。】年费三百我现在申请，五个工作日到账。您看行吗？",
        ),
        (
            Criterion.SOLUTION,
            "明细今晚发您",
            "唐女士，您先别急。年费三百我现在申请，五个工作日到账。【明细今晚发您。】您看行吗？",
        ),
    ],
)
def test_an_addition_goes_where_it_belongs(criterion: Criterion, words: str, expected: str) -> None:
    assert added(TEXT, criterion, words, "年费三百我现在申请").text == expected


def test_a_farewell_stays_last() -> None:
    assert added("我给您查。谢谢您的理解。", Criterion.SOLUTION, "今天五点前回话").text == (
        "我给您查。【今天五点前回话。】谢谢您的理解。"
    )


def test_a_reply_without_a_stop_is_joined() -> None:
    assert added("我这就去查", Criterion.SOLUTION, "五点前回您").text == "我这就去查，【五点前回您。】"


def test_a_long_reply_shows_only_what_is_around_the_change() -> None:
    change = added("甲" * 100 + "。" + "乙" * 100 + "。", Criterion.EXPLAIN, "原因是这样", "乙乙乙乙乙乙").text
    assert len(change) < 90
    assert change.startswith("…甲")
    assert "甲。【原因是这样。】乙" in change


def test_a_replacement_takes_the_rest_of_its_sentence() -> None:
    text = "您别急。我跟领导一说肯定没问题，您放一百个心。18号见。"
    change = replaced(text, "我跟领导一说肯定没问题", "结果以审核为准")
    assert change.text == "您别急。【结果以审核为准。】18号见。"


def test_words_that_are_not_there_give_the_new_sentence_alone() -> None:
    assert replaced("完全别的话", "没有说过", "您听我说").text == "您听我说。"


@given(st.text(max_size=300), st.sampled_from(list(Criterion)), st.text(min_size=1, max_size=20))
def test_nothing_but_the_addition_is_ours(text: str, criterion: Criterion, words: str) -> None:
    change = added(text, criterion, words).text
    assert len(change) <= 120 + 40 + 30
    head, _, rest = change.partition("【")
    tail = rest.rpartition("】")[2]
    for own in (head.strip("…，").strip(), tail.strip("…").strip()):
        assert re.sub(r"\s", "", own) in re.sub(r"\s", "", text) or "【" in text or "】" in text


@given(st.text(max_size=200), st.data())
def test_replacing_any_part_of_any_text_is_safe(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert "您听我说" in replaced(text, text[start:end], "您听我说").text
