"""What is left of a query before anything is looked up."""

import pytest

from lessons.search import normalise


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("退费", "退费"),
        ("话术 退费", "退费"),
        ("请问一下客户要退费怎么说😊", "退费"),
        ("那个……征信怎么回复呀？？", "征信"),
        ("ＴＵＩ费", "tui费"),
        ("钱咋个退嘛", "钱怎么退"),
        ("您", "你"),
        ("点解唔俾我攞钱", "为什么不给我拿钱"),
        ("早点解冻", "早点解冻"),
        ("要什么子女证明", "要什么子女证明"),
        ("伊拉哪能勿讲嗦", "他们怎么不讲"),
        ("怎么办", ""),
        ("😀👍", ""),
        ("客户经理离职", "客户经理离职"),
        ("老客户没额度", "老客户没额度"),
    ],
)
def test_politeness_and_emoji_go_and_the_topic_stays(typed: str, left: str) -> None:
    assert normalise.query(typed) == left


def test_a_long_text_is_cut() -> None:
    assert len(normalise.query("征信" * 5000)) == normalise.LONGEST


def test_lone_surrogates_and_controls_vanish() -> None:
    assert normalise.fold("退\ud800费\x00\u200b") == "退 费"
