"""What every score promises, whatever the text: no exception, steps of five, verbatim quotes, the same again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.model import Criterion
from lessons.scoring import Scorer
from lessons.scoring.result import Flag, Mark, Score, Tier
from lessons.scoring.total import POINTS
from tests.unit.scoring.replies import CASH, GRADED, LOCKED

SCORER = Scorer.built_in()

PHRASES = st.lists(
    st.sampled_from(
        [
            "您",
            "着急",
            "我",
            "今天",
            "给您",
            "，",
            "。",
            "？",
            "登记",
            "密码",
            "不",
            "保证",
            "6月12日",
            "\n",
            "😀",
            "ok",
            " ",
            "“",
            "”",
        ]
    ),
    max_size=60,
).map("".join)
TEXTS = st.one_of(st.text(max_size=300), PHRASES)


def check(score: Score, text: str) -> None:
    assert 0 <= score.band <= 4
    assert score.points % 5 == 0
    low, high = POINTS[score.band]
    assert low <= score.points <= high
    assert set(score.criteria) == set(Criterion)
    for verdict in score.criteria.values():
        assert (verdict.quote is not None) == (verdict.mark in {Mark.HIT, Mark.PARTIAL})
        assert verdict.quote is None or verdict.quote in text
        assert 0 <= verdict.confidence <= 1
    for breach in score.red_lines:
        assert breach.quote
        assert breach.quote in text
    if any(breach.tier is Tier.CONFIRMED for breach in score.red_lines):
        assert score.band == 0
    assert Score.from_dict(score.to_dict()).to_dict() == score.to_dict()


@settings(max_examples=150)
@given(TEXTS)
def test_any_text_gets_a_sound_score(text: str) -> None:
    score = SCORER.score(CASH, text)
    check(score, text)
    assert SCORER.score(CASH, text) == score


@pytest.mark.parametrize(
    "text",
    ["", " ", "好", "。", "我" * 5000, "您好，" * 1700, "😀" * 300, "I am so sorry to hear that.", "\ud800", "a\x00b",
     "\u200b\u200d\ufeff", "١٢٣", "ﷺ", "Ａ１", "\r\n\t", "“", "？？？", "1" * 400],
)  # fmt: skip
def test_strange_texts_are_no_good_answer(scorer: Scorer, text: str) -> None:
    score = scorer.score(LOCKED, text)
    check(score, text)
    assert score.band == 0


def test_quotes_survive_zero_width_and_full_width_characters(scorer: Scorer) -> None:
    text = "卢先生，寄丢\u200b了二十天，怪我们。今天１７点前先发电子证明给您，十二号前特快到，您看行吗？"
    score = scorer.score(LOCKED, text)
    check(score, text)
    assert score.criteria[Criterion.SOLUTION].quote


def test_many_at_once_are_scored_like_one_at_a_time(scorer: Scorer) -> None:
    pairs = [(lesson, text) for lesson, _, text in GRADED]
    assert scorer.score_many(pairs) == [scorer.score(lesson, text) for lesson, text in pairs]


def test_threads_agree() -> None:
    fresh = Scorer.built_in()
    pairs = [(lesson, text) for lesson, _, text in GRADED] * 3
    alone = [fresh.score(lesson, text) for lesson, text in pairs]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda pair: fresh.score(*pair), pairs)) == alone


def test_a_set_of_other_words_around_the_same_reply_changes_nothing_invisible(scorer: Scorer) -> None:
    text = GRADED[0][2]
    assert scorer.score(CASH, text + "  \n").points == scorer.score(CASH, text).points


def test_the_version_names_the_weights(scorer: Scorer) -> None:
    assert scorer.version.startswith("offline-1.")
    assert scorer.score(CASH, "您好，请坐，我来帮您看看。").scorer == scorer.version


def test_long_texts_are_cut_and_say_so(scorer: Scorer) -> None:
    text = "您先别急，我来帮您查一查这笔钱。" * 60
    assert Flag.TOO_LONG in scorer.score(CASH, text).flags
