"""Syllables, initials and the cutting of typed letters."""

import pytest

from lessons.search import pinyin


@pytest.mark.parametrize(
    ("text", "letters"),
    [("银行", "yinhang"), ("还款", "huankuan"), ("重定价", "chongdingjia"), ("行长", "hangzhang"), ("还没", "haimei")],
)
def test_polyphones_read_as_in_a_bank(text: str, letters: str) -> None:
    assert pinyin.syllables(text) in list(pinyin.spellings(letters))


def test_sounds_that_typists_mix_up_are_equal() -> None:
    assert pinyin.syllables("征信") == pinyin.syllables("真心") == next(pinyin.spellings("zenxin"))


def test_ambiguous_letters_give_every_cut_the_shortest_first() -> None:
    assert list(pinyin.spellings("xian")) == [["xian"], ["xi", "an"]]


@pytest.mark.parametrize("letters", ["asdfgh", "sxf", "12378", "", "退费"])
def test_what_is_no_pinyin_has_no_spelling(letters: str) -> None:
    assert list(pinyin.spellings(letters)) == []


def test_pinyin_that_breaks_off_is_cut_loosely() -> None:
    assert pinyin.loose_spelling("tuif") == ["tui", "f"]
    assert pinyin.loose_spelling("qwi") is None


def test_initials_are_those_of_the_characters() -> None:
    assert pinyin.initials("手续费12") == "sxf"


def test_pinyin_inside_a_chinese_query_is_spelled_out() -> None:
    assert pinyin.syllables("gai征信") == pinyin.syllables("改征信")
