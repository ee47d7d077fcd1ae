"""What can be disputed, how it is named, and that correcting never takes anything away."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.scoring import OfflineGrader
from lessons import appeal, catalogue
from lessons.feedback import gallery
from lessons.judge.verdict import PREFIX, corrected
from lessons.model import Criterion, Lesson, RedLine
from lessons.scoring import Scorer
from lessons.scoring.result import Breach, Flag, Mark, Score, Tier, Verdict

SCORER = Scorer.built_in()
GRADER = OfflineGrader(SCORER)
LESSONS = catalogue.load(catalogue.BUILT_IN).lessons
REPLIES = [(lesson, text) for key, text in gallery.replies() if isinstance(lesson := LESSONS[key], Lesson)]
SUBJECTS = [*map(str, Criterion), *map(str, RedLine), *map(str, appeal.FLAG_NAMES)]


def score_of(**changes: Mark) -> Score:
    marks = dict.fromkeys(Criterion, Mark.MISS) | {Criterion(name): mark for name, mark in changes.items()}
    breach = Breach(RedLine.OVERPROMISE, Tier.CONFIRMED, "我保证")
    return Score("x", 0, 5, {c: Verdict(mark) for c, mark in marks.items()}, (breach,), (), "s")


# --- correcting


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(REPLIES), st.lists(st.sampled_from(SUBJECTS), unique=True, max_size=6))
def test_correcting_never_lowers_a_band_or_points(reply: tuple[Lesson, str], granted: list[str]) -> None:
    """However many items are upheld, and in whatever order."""
    lesson, text = reply
    score = GRADER.score(lesson, text)
    for count in range(1, len(granted) + 1):
        after = GRADER.corrected(lesson, text, score, frozenset(granted[:count]))
        assert (after.band, after.points) >= (score.band, score.points)
        assert all(after.criteria[c].mark is Mark.HIT for c in Criterion if c in granted[:count] and not after.flags)
        assert not any(breach.rule in granted[:count] for breach in after.red_lines)
        score = after


@pytest.mark.parametrize("reply", REPLIES[:12], ids=lambda reply: reply[0].id)
def test_with_nothing_granted_the_total_is_the_scorers_own(reply: tuple[Lesson, str]) -> None:
    assert SCORER.corrected(*reply, frozenset()) == SCORER.score(*reply)


def test_the_total_is_recomputed_and_not_guessed() -> None:
    """Somewhere in the gallery a single item is worth a band, and two are worth more than one."""
    risen = 0
    for lesson, text in REPLIES:
        score = GRADER.score(lesson, text)
        one = GRADER.corrected(lesson, text, score, frozenset({"empathy"}))
        two = GRADER.corrected(lesson, text, score, frozenset({"empathy", "solution"}))
        assert (two.band, two.points) >= (score.band, score.points)
        risen += one.band > score.band and two.points > one.points
    assert risen >= 5


def test_a_red_line_that_was_none_no_longer_caps() -> None:
    capped = [(x, text, s) for x, text in REPLIES if len((s := GRADER.score(x, text)).confirmed) == 1]
    assert len(capped) >= 3
    for lesson, text, score in capped:
        after = GRADER.corrected(lesson, text, score, frozenset({str(score.confirmed[0].rule)}))
        assert after.band > 0
        assert after.confirmed == ()


def test_a_lifted_flag_brings_the_verdicts_that_were_never_given() -> None:
    lesson, text = next(reply for reply in REPLIES if GRADER.score(*reply).band == 4)
    score = GRADER.score(lesson, text)
    void = Score(lesson.id, 0, 0, {c: Verdict(Mark.MISS) for c in Criterion}, (), (Flag.OFF_TOPIC,), score.scorer)
    assert GRADER.corrected(lesson, text, void, frozenset({"off-topic"})) == score


def test_what_another_scorer_said_stays_but_for_what_was_granted() -> None:
    lesson, text = next(reply for reply in REPLIES if GRADER.score(*reply).band == 2)
    judged = score_of(empathy=Mark.PARTIAL, lead=Mark.HIT)
    after = GRADER.corrected(lesson, text, judged, frozenset({"empathy"}))
    assert [after.criteria[c].mark for c in Criterion] == [Mark.HIT, Mark.HIT, Mark.MISS, Mark.MISS, Mark.MISS]
    assert after.scorer == "s"


def test_a_judges_score_is_added_up_by_the_judges_table() -> None:
    marks = {"empathy": Mark.HIT, "lead": Mark.HIT, "explain": Mark.HIT, "expression": Mark.HIT}
    base = score_of(**marks)
    judged = Score("x", 2, 60, base.criteria, (), (), f"{PREFIX}m.p")
    offline = Score("x", 3, 80, base.criteria, (), (), "offline-1")
    after = corrected(judged, "您的难处我听明白了，我现在就给您登记。", {"solution"}, offline)
    assert (after.band, after.points) == (4, 100)
    low = Score("x", 1, 40, base.criteria, (), (), "offline-1")
    assert corrected(judged, "您的难处我听明白了，我现在就给您登记。", {"solution"}, low).band == 2, "one band at most"


# --- what can be disputed


def test_the_items_are_the_criteria_then_the_red_lines() -> None:
    found = appeal.items(score_of(lead=Mark.HIT, explain=Mark.NOT_NEEDED))
    assert [item.subject for item in found] == [*Criterion, RedLine.OVERPROMISE]
    assert [item.fair for item in found] == [False, True, True, False, False, False]
    assert found[5].quote == "我保证"


@pytest.mark.parametrize(
    ("flags", "subjects"),
    [
        ((Flag.OFF_TOPIC,), ["off-topic"]),
        ((Flag.COPIED,), []),
        ((Flag.COPIED, Flag.OFF_TOPIC), []),
        ((Flag.EMPTY,), []),
    ],
)
def test_of_a_void_reply_only_the_judgement_can_be_disputed(flags: tuple[Flag, ...], subjects: list[str]) -> None:
    void = Score("x", 0, 0, {c: Verdict(Mark.MISS) for c in Criterion}, (), flags, "s")
    assert [item.subject for item in appeal.items(void)] == subjects
    assert appeal.disputable(void) is bool(subjects)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("2 我明明先道歉了", ("lead", "我明明先道歉了")),
        ("2我明明先道歉了", ("lead", "我明明先道歉了")),
        ("2、我明明先道歉了", ("lead", "我明明先道歉了")),
        ("后带：我问了", ("lead", "我问了")),
        ("表达 不硬", ("expression", "不硬")),
        ("6", ("overpromise", "")),
        ("7 没有", None),
        ("0 没有", None),
        ("解 哪个", None),
        ("接住 我接了", ("empathy", "我接了")),
        ("", None),
    ],
)
def test_what_words_mean(words: str, meant: tuple[str, str] | None) -> None:
    found = appeal.meant(appeal.items(score_of()), words)
    assert (None if found is None else (str(found[0].subject), found[1])) == meant


def test_the_same_words_have_the_same_key_whatever_stands_between() -> None:
    assert appeal.reply_key("您别急，我来查！") == appeal.reply_key(" 您别急 我来\n查。")
    assert appeal.reply_key("ＯＫ，１２分钟") == appeal.reply_key("ok 12分钟")
    assert appeal.reply_key("您别急，我来查") != appeal.reply_key("您别急，我去查")
