"""A drill goes where the replies take it: temper, reactions, the end, the turning point, the points."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lessons import catalogue
from lessons.catalogue import canonical, parse_drill
from lessons.drills.course import MOST_TEMPER, Course, Said, result
from lessons.drills.debrief import debrief
from lessons.drills.model import Drill, Ending, Turn
from lessons.drills.rehearsal import rehearse
from lessons.model import Criterion, Lesson, RedLine
from lessons.scoring.result import Breach, Flag, Mark, Score, Tier, Verdict

CONTENT = catalogue.load()
DRILL = CONTENT.drills["drill-refund-all"]
SITUATION = CONTENT.lessons[DRILL.situation]
assert isinstance(SITUATION, Lesson)

GOOD, HALF, BAD, LEAK, THREAT, STUFFED = "说得好", "差一点", "顶回去", "全退给您", "让您好看", "退费年费分期"


def score_of(lesson: Lesson, text: str) -> Score:
    """A judge that goes by one word, so that the course is tested and not the scorer."""
    mark = Mark.HIT if text.startswith(GOOD) else Mark.MISS
    band = {GOOD: 4, HALF: 2}.get(text[:3], 1)
    rules = {LEAK: RedLine.OVERPROMISE, THREAT: RedLine.THREAT}
    breaches = (Breach(rules[text], Tier.CONFIRMED, text),) if text in rules else ()
    flags = (Flag.STUFFING,) if text == STUFFED else ()
    return Score(lesson.id, band, band * 25, {c: Verdict(mark, text) for c in Criterion}, breaches, flags, "test")


def talk(*texts: str, drill: Drill = DRILL) -> Course:
    course = Course(drill, SITUATION)  # type: ignore[arg-type]
    for text in texts:
        if course.ending is None:
            course = course.after(text, score_of)
    return course


def test_it_begins_with_the_customer_of_the_situation() -> None:
    course = talk()
    assert course.customer_says == SITUATION.customer.says  # type: ignore[union-attr]
    assert (course.temper, course.ending) == (DRILL.temper, None)


def test_good_replies_calm_the_customer_step_by_step() -> None:
    course = talk(GOOD, GOOD, GOOD)
    assert [said.temper for said in course.said] == [2, 1, 0]
    assert course.ending is Ending.CALM
    assert (result(course).band, result(course).points, result(course).turning) == (4, 100, 0)


def test_bad_replies_end_the_talk_before_its_limit() -> None:
    course = talk(BAD, BAD, BAD)
    assert len(course.said) == 2
    assert course.ending is Ending.GONE
    assert result(course).band == 0


def test_half_measures_leave_it_where_it_was() -> None:
    course = talk(HALF, HALF, HALF)
    assert course.ending is Ending.TENSE
    assert result(course).turning is None
    assert "没有哪一句" in debrief(course, CONTENT.rules).plain


def test_a_recovery_names_the_reply_that_turned_it_and_is_not_excellent() -> None:
    course = talk(BAD, GOOD, GOOD)
    assert course.ending is Ending.CALM
    found = result(course)
    assert (found.turning, found.weakest) == (1, 0)
    assert found.band == 3


def test_after_a_reply_that_did_not_calm_the_next_must_calm_first() -> None:
    later = talk(GOOD).needs
    assert Criterion.EMPATHY not in later
    assert talk(BAD).needs == (Criterion.EMPATHY, *later)


def test_a_promise_nobody_may_make_pleases_the_customer_and_spoils_the_talk() -> None:
    course = talk(LEAK, GOOD, GOOD)
    assert course.said[0].turn is Turn.SAME
    assert "录着音" in course.said[0].answer
    found = result(course)
    assert (found.band, found.turning, found.weakest) == (0, 0, 0)
    assert "红线" in debrief(course, CONTENT.rules).plain


def test_a_threat_makes_it_worse_at_once() -> None:
    assert talk(THREAT).said[0].turn is Turn.ANGRIER


def test_keywords_in_a_row_are_no_reply() -> None:
    assert talk(STUFFED).said[0].turn is Turn.ANGRIER


def test_the_customer_picks_up_what_was_said() -> None:
    assert "光三百块" in talk("说得好，三百我来办").customer_says
    assert "光三百块" not in talk(GOOD).customer_says


def test_the_next_reply_is_scored_against_what_the_customer_says_now() -> None:
    course = talk(GOOD)
    assert course.lesson.customer.says == course.customer_says
    assert SITUATION.customer.says in course.lesson.context  # type: ignore[union-attr]
    assert course.lesson.authority == SITUATION.authority  # type: ignore[union-attr]


def test_taking_back_restores_the_talk() -> None:
    assert talk(GOOD, BAD).taken_back() == talk(GOOD)


def test_a_talk_survives_being_stored() -> None:
    course = talk(GOOD, THREAT)
    again = tuple(Said.from_data(said.to_data()) for said in course.said)
    assert [(s.text, s.turn, s.temper, s.answer, s.score.to_dict()) for s in again] == [
        (s.text, s.turn, s.temper, s.answer, s.score.to_dict()) for s in course.said
    ]
    assert parse_drill(canonical(DRILL)) == DRILL


@given(st.lists(st.sampled_from([GOOD, HALF, BAD, LEAK, THREAT, STUFFED]), min_size=3, max_size=3))
def test_every_talk_ends_within_its_limit_and_can_be_told(texts: list[str]) -> None:
    course = talk(*texts)
    assert course.ending is not None
    assert len(course.said) <= len(DRILL.exchanges)
    assert all(0 <= said.temper <= MOST_TEMPER for said in course.said)
    found = result(course)
    assert 0 <= found.points <= 100
    assert found.points % 5 == 0
    assert not (found.band and any(said.score.confirmed for said in course.said))
    message = debrief(course, CONTENT.rules)
    assert "转折" in message.plain
    assert "带走一招" in message.plain


def changed(**values: object) -> dict[str, object]:
    return {**DRILL.model_dump(mode="json"), **values}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["exchanges"][0]["calmer"][-1].update(when={"words": ["年费"]}), "最后一条不写 when"),
        (lambda d: d["exchanges"][0]["same"].insert(0, {"says": "哦"}), "最后一条不写 when"),
        (lambda d: d["exchanges"][0]["same"][0].update(when={}), "至少写一项"),
        (lambda d: d["scripts"][0]["turns"].append(d["scripts"][0]["turns"][0]), "多于 exchanges 的轮数"),
    ],
)
def test_a_drill_that_cannot_be_played_is_refused(change: Callable[[dict[str, object]], None], says: str) -> None:
    data = DRILL.model_dump(mode="json")
    change(data)
    with pytest.raises(ValidationError, match=says):
        Drill.model_validate(data)


def test_rehearsing_finds_what_plays_otherwise_than_written() -> None:
    scripts = (
        DRILL.scripts[0].model_copy(
            update={"turns": tuple(t.model_copy(update={"say": BAD}) for t in DRILL.scripts[0].turns)}
        ),
        DRILL.scripts[0].model_copy(
            update={"turns": tuple(t.model_copy(update={"say": GOOD}) for t in DRILL.scripts[0].turns)}
        ),
        DRILL.scripts[0].model_copy(
            update={
                "ends": Ending.GONE,
                "turns": tuple(t.model_copy(update={"say": GOOD}) for t in DRILL.scripts[0].turns),
            }
        ),
    )
    good = tuple(exchange.model_copy(update={"good": GOOD}) for exchange in DRILL.exchanges)
    found = list(rehearse(DRILL.model_copy(update={"scripts": scripts, "exchanges": good}), SITUATION, score_of))  # type: ignore[arg-type]
    assert [at for at, _ in found] == [
        ("scripts", 0, "turns", 0, "then"),
        ("scripts", 0, "turns", 1, "then"),
        ("scripts", 0, "turns", 2),
        ("scripts", 2, "ends"),
    ]


def test_a_good_line_that_does_not_calm_is_found() -> None:
    good = tuple(exchange.model_copy(update={"good": HALF}) for exchange in DRILL.exchanges)
    found = dict(rehearse(DRILL.model_copy(update={"scripts": (), "exchanges": good}), SITUATION, score_of))  # type: ignore[arg-type]
    assert ("exchanges", 0, "good") in found
