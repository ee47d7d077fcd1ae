"""First letters: whole keywords, parts of titles, and strings made of several words."""

import pytest

from lessons.model import Template
from lessons.search import Index, document, initials
from lessons.search.initials import InitialsIndex


@pytest.fixture(scope="module")
def held(templates: tuple[Template, ...]) -> InitialsIndex:
    return initials.build([document.of_template(template) for template in templates])


@pytest.mark.parametrize(("letters", "place"), [("sxf", 0), ("zxjl", 1), ("gzxzxjl", 1), ("tqhk", 3)])
def test_the_right_document_is_strongest(held: InitialsIndex, letters: str, place: int) -> None:
    assert held.score(letters).argmax() == place


@pytest.mark.parametrize("letters", ["", "a", "ddt", "asdfgh", "jjjjjj", "zzz", "x" * 40])
def test_gibberish_matches_nothing(held: InitialsIndex, letters: str) -> None:
    assert held.score(letters).max() == 0


def test_two_words_are_found_in_either_order(held: InitialsIndex) -> None:
    assert 0 < held.score("jlzx")[1] < held.score("zxjl")[1]


def test_initials_of_a_synonym_find_what_it_stands_for(index: Index) -> None:
    (first, *_) = index.search("fh")
    assert (first.template, first.why) == ("refund", "关键词「退费」（同「返还」）")
