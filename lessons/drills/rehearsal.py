"""Plays a drill's scripted runs and its own good lines, and says where they go otherwise than written."""

from __future__ import annotations

from collections.abc import Iterable

from lessons.drills.course import Course, ScoreOf, result
from lessons.drills.model import Drill, Script, Turn
from lessons.model import Lesson

At = tuple[str | int, ...]

_TURNS = {Turn.CALMER: "缓和", Turn.SAME: "没动", Turn.ANGRIER: "更火"}


def rehearse(drill: Drill, situation: Lesson, score_of: ScoreOf) -> Iterable[tuple[At, str]]:
    """(place in the file, reason) for everything that does not play as written."""
    for number, script in enumerate(drill.scripts):
        yield from _played(Course(drill, situation), script, ("scripts", number), score_of)
    unsaid = tuple(exchange.model_copy(update={"good": exchange.aim}) for exchange in drill.exchanges)
    course = Course(drill.model_copy(update={"exchanges": unsaid}), situation)  # or the good lines would be copies
    for number, exchange in enumerate(drill.exchanges):
        course = course.after(exchange.good, score_of)
        turn = course.said[-1].turn
        if turn is not Turn.CALMER:
            yield ("exchanges", number, "good"), f"照这么说，客户{_TURNS[turn]}（{turn}）；好说法要让客户缓和（calmer）"


def _played(course: Course, script: Script, at: At, score_of: ScoreOf) -> Iterable[tuple[At, str]]:
    for number, wanted in enumerate(script.turns):
        if course.ending is not None:
            yield (*at, "turns", number), f"说到第 {number} 句就结束了（{course.ending}），后面的说不到"
            return
        course = course.after(wanted.say, score_of)
        turn = course.said[-1].turn
        if turn is not wanted.then:
            score = course.said[-1].score
            marks = "、".join(f"{criterion} {verdict.mark}" for criterion, verdict in score.criteria.items())
            red = "；红线 " + "、".join(b.rule for b in score.confirmed) if score.confirmed else ""
            reason = f"客户变成{_TURNS[turn]}（{turn}），写的是 {wanted.then}；这一句评出 {marks}{red}"
            yield (*at, "turns", number, "then"), reason
    if course.ending is not script.ends:
        yield (*at, "ends"), f"结果是 {course.ending or '还没结束'}，写的是 {script.ends}"
    elif not script.band[0] <= (band := result(course).band) <= script.band[1]:
        yield (*at, "band"), f"整场评出来是 {band}，写的是 {script.band[0]} 到 {script.band[1]}"
