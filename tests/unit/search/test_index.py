"""The whole search: order, floor, reasons, and that nothing breaks it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.model import METHOD_NAMES, Template
from lessons.search import Hit, Index

QUERIES = [
    "退费",
    "改征信",
    "窗口就开三个",
    "tuifei",
    "sxf",
    "峰终定律",
    "返还",
    "改正信",
    "手续费利息全给我退回来",
    "拖着不扣款",
]
NONSENSE = [
    "",
    " ",
    "😀",
    "你好",
    "今天天气不错",
    "asdfgh",
    "中午吃啥",
    "哈哈哈",
    "？？？",
    "1234",
    "hello",
    "谢谢",
    "在吗",
]


@pytest.mark.parametrize("query", NONSENSE)
def test_nonsense_and_chitchat_find_nothing(meaning_index: Index, index: Index, query: str) -> None:
    assert index.search(query) == []
    assert meaning_index.search(query) == []


@pytest.mark.parametrize("query", QUERIES)
def test_hits_come_best_first_and_within_bounds(meaning_index: Index, query: str) -> None:
    hits = meaning_index.search(query)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert len({hit.template for hit in hits}) == len(hits)


def test_no_more_hits_than_asked_for(index: Index) -> None:
    assert len(index.search("退费", 1)) == 1
    assert index.search("退费", 0) == []


def test_a_hit_carries_its_situations(index: Index) -> None:
    assert {hit.template: hit.situations for hit in index.search("年费")}["refund-two"] == ("refund",)


def quoted(hit: Hit) -> str:
    return hit.why.split("「", 1)[1].split("」", 1)[0].rstrip("…")


@pytest.mark.parametrize("query", QUERIES)
def test_the_reason_quotes_something_in_the_template(
    meaning_index: Index, templates: tuple[Template, ...], query: str
) -> None:
    held = {template.id: template for template in templates}
    for hit in meaning_index.search(query):
        template = held[hit.template]
        texts = [template.title, template.when, *template.keywords, *template.customers_say]
        texts += [METHOD_NAMES[method] for method in template.methods]
        assert any(quoted(hit) in text for text in texts), hit


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("退费", "关键词「退费」"),
        ("我要返还", "关键词「退费」（同「返还」）"),
        ("峰终定律", "方法「峰终定律」"),
        ("tuifei", "拼音「退费」"),
        ("sxf", "首字母「手续费」"),
        ("改正信", "读音相近「改征信」"),
        ("里头的人都在喝茶呢", "客户常说「里头的人还在喝茶」"),
    ],
)
def test_reasons_read_like_this(index: Index, query: str, why: str) -> None:
    assert index.search(query)[0].why == why


def test_the_same_query_gives_the_same_answer(templates: tuple[Template, ...], index: Index) -> None:
    again = Index.build(templates, synonyms=index.synonyms)
    for query in QUERIES:
        assert index.search(query) == index.search(query) == again.search(query)


def test_an_empty_catalogue_finds_nothing() -> None:
    assert Index.build([]).search("退费") == []


HOSTILE = [
    "'; DROP TABLE templates; --",
    "%s%n",
    "征信" * 2500,
    "\ud800\udfff",
    "a" * 5000,
    "退" * 5000,
    "\x00",
    "(",
    "【】",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_hostile_text_never_raises(meaning_index: Index, query: str) -> None:
    meaning_index.search(query)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="退费征信排队手续tuifeisxfzh 12，。😀\ud800咋个", max_size=40))
def test_no_text_raises(meaning_index: Index, query: str) -> None:
    hits = meaning_index.search(query)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
