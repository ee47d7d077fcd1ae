"""Each channel by itself, on a handful of templates."""

import numpy as np
import pytest

from lessons.search import Index, lexical


def best(index: Index, query: str) -> str:
    hits = index.search(query)
    assert hits, query
    return hits[0].template


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("退费", "refund"),
        ("手续费 退回来", "refund"),
        ("我在窗口坐了一个多钟头了", "queue"),
        ("返还", "refund"),
        ("信用记录", "credit"),
        ("tuifei", "refund"),
        ("gai zheng xin", "credit"),
        ("tiqianhuankuan", "prepay"),
        ("chongdingjia", "prepay"),
        ("sxf", "refund"),
        ("gzx", "credit"),
        ("tqhk", "prepay"),
        ("shouxuf", "refund"),
        ("改正信", "credit"),
        ("提前还宽", "prepay"),
        ("峰终定律", "queue"),
        ("道歉五步", "prepay"),
        ("请问一下排队怎么安抚😅", "queue"),
    ],
)
def test_every_way_of_asking_finds_its_template(index: Index, query: str, found: str) -> None:
    assert best(index, query) == found


def test_meaning_is_compared_for_long_queries_only(meaning_index: Index) -> None:
    assert meaning_index.signals("手续费利息全给我退").seen is not None
    assert meaning_index.signals("退费").seen is None
    assert meaning_index.signals("tuifei").seen is None


def test_meaning_is_compared_when_words_are_weak(meaning_index: Index) -> None:
    assert meaning_index.signals("窗口少").seen is not None


def test_rare_terms_count_more_than_common_ones() -> None:
    terms = lexical.build([[(1.0, ["common", "rare"])], [(1.0, ["common"])], [(1.0, ["common"])]])
    assert terms.rarity("rare") > terms.rarity("common") > 0
    assert terms.rarity("unseen") >= terms.rarity("rare")


def test_a_perfect_match_is_near_one_and_unknown_terms_lower_it() -> None:
    terms = lexical.build([[(3.0, ["a", "b"])], [(3.0, ["c"])]])
    whole = terms.score({"a": 1.0, "b": 1.0})[0]
    half = terms.score({"a": 1.0, "unseen": 1.0})[0]
    assert 0.8 < whole <= 1
    assert half < whole


def test_no_documents_and_no_terms_are_fine() -> None:
    assert lexical.build([]).score({"a": 1.0}).size == 0
    assert np.all(lexical.build([[(1.0, [])]]).score({"a": 1.0}) == 0)
