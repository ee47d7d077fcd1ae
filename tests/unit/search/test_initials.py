"""First letters: whole keywords, parts of titles, and strings made of several words."""

import pytest

from lessons.model import Template
from lessons.search import document, initials
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


def test_a_synonym_counts_a_little_less(held: InitialsIndex) -> None:
    assert 0 < held.score("tq", ["tf"])[0] < held.score("tf")[0]
