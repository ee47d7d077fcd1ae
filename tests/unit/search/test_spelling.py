"""Wrong characters of the right sound."""

import pytest

from lessons.model import Template
from lessons.search import Index, document
from lessons.search.spelling import Spelling


@pytest.fixture
def spelling(templates: tuple[Template, ...]) -> Spelling:
    documents = [document.of_template(template) for template in templates]
    return Spelling.build(documents, ["赎回规则"], {"手续", "续费", "正信"})


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("手序费", "手续费"),
        ("怎么提前环款啊", "怎么提前还款啊"),
        ("熟回规则", "赎回规则"),
        ("手续费", "手续费"),
        ("tuifei", "tuifei"),
        ("", ""),
    ],
)
def test_slips_are_put_right(spelling: Spelling, typed: str, right: str) -> None:
    assert spelling.corrected(typed) == right


def test_slips_that_some_template_happens_to_write(shipped: Index) -> None:
    assert shipped.search("过好了")[0].situations[0] == "branch-missed-number"


def test_a_word_in_use_or_with_nothing_in_common_is_left_alone(spelling: Spelling) -> None:
    assert spelling.corrected("正信") == "正信"
    assert spelling.corrected("腿肥") == "腿肥"
