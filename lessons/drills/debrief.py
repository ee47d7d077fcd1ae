"""What a learner reads in a drill and after it: the customer's words, then how the whole talk went."""

from __future__ import annotations

from bot.core.messages import Line, Message, good, hint, quote, strong, warn
from lessons import feedback
from lessons.drills.course import MOST_TEMPER, Course, Result, Said, result
from lessons.drills.model import Turn
from lessons.model import CRITERION_NAMES, RED_LINE_NAMES, Criterion, Rule
from lessons.scoring.result import BAND_NAMES, Mark

_MOVES = {Turn.CALMER: "降了一格", Turn.SAME: "没动", Turn.ANGRIER: "又上来一格"}
_NUMBERS = ("一", "二", "三")


def opening(course: Course) -> list[Line]:
    """The aim and the scene; the customer speaks next."""
    drill, situation = course.drill, course.situation
    return [
        hint(f"最多 {len(drill.exchanges)} 个来回 · 约 {drill.minutes} 分钟 · 目标：{drill.goal}"),
        Line(situation.context),
    ]


def answer(course: Course) -> list[Line]:
    """What the customer says now, with the temper they say it in."""
    return [
        strong(f"{course.situation.customer.name}（{course.drill.gauge} {thermometer(course.temper)}）："),
        quote(course.customer_says),
    ]


def thermometer(temper: int) -> str:
    """`●●●○○`."""
    return "●" * temper + "○" * (MOST_TEMPER - temper)


def debrief(course: Course, rules: dict[str, Rule]) -> Message:
    """How the talk went as a whole: the end, the temper, the turning point, each criterion, what to say anew."""
    assert course.ending is not None
    found = result(course)
    tempers = [course.drill.temper, *(said.temper for said in course.said)]
    lines = [
        Line(getattr(course.drill.endings, str(course.ending))),
        Line(f"{course.drill.gauge}：" + " → ".join(str(temper) for temper in tempers)),
        *_turning_point(course, found),
        *_red_lines(course, rules),
        strong("整场看"),
        *(_criterion(criterion, *row) for criterion, row in found.best.items()),
        *_anew(course, found),
        strong("带走一招"),
        Line(course.drill.tip),
    ]
    title = f"复盘｜{course.drill.title}｜{BAND_NAMES[found.band]} · {found.points} 分"
    return Message(tuple(lines), title=title)


def _turning_point(course: Course, found: Result) -> list[Line]:
    if found.turning is None:
        return [strong("转折"), Line("没有哪一句让客户松动，也没有哪一句把他惹急：话都在理，还没说到他心里。")]
    said = course.said[found.turning]
    words = f"第{_NUMBERS[found.turning]}句「{feedback.short(said.text)}」"
    return [strong("转折"), Line(f"{words}，{_because(course.drill.gauge, said)}。")]


def _because(gauge: str, said: Said) -> str:
    if said.score.confirmed:
        return f"踩了红线：{RED_LINE_NAMES[said.score.confirmed[0].rule]}"
    marks = {criterion: verdict.mark for criterion, verdict in said.score.criteria.items()}
    if said.turn is Turn.CALMER:
        done = [CRITERION_NAMES[c] for c, mark in marks.items() if mark is Mark.HIT and c is not Criterion.EXPRESSION]
        return f"{gauge}{_MOVES[said.turn]}，靠的是{'、'.join(done[:2]) or CRITERION_NAMES[Criterion.EXPRESSION]}"
    missing = [CRITERION_NAMES[c] for c, mark in marks.items() if mark is Mark.MISS]
    return f"{gauge}{_MOVES[said.turn]}，" + (
        f"缺的是{'、'.join(missing[:2])}" if missing else "话没有落到他问的那件事上"
    )


def _red_lines(course: Course, rules: dict[str, Rule]) -> list[Line]:
    lines: list[Line] = []
    for number, said in enumerate(course.said):
        if said.score.confirmed:
            lines.append(hint(f"第{_NUMBERS[number]}句"))
            lines += feedback.breaches(said.score, rules, course.situation.track)
    return lines


def _criterion(criterion: Criterion, index: int, mark: Mark, words: str | None) -> Line:
    name, where = CRITERION_NAMES[criterion], f"第{_NUMBERS[index]}句"
    quoted = f"「{feedback.short(words)}」" if words else ""
    if mark is Mark.HIT:
        return good(f"{name}：{where}{quoted or '做到了'}")
    if mark is Mark.PARTIAL:
        return Line(f"△ {name}：{where}{quoted}有这个意思，还可以更实")
    return warn(f"{name}：整场还没看到") if mark is Mark.MISS else Line(f"－ {name}：这一场不需要")


def _anew(course: Course, found: Result) -> list[Line]:
    if found.weakest is None:
        return []
    exchange = course.drill.exchanges[found.weakest]
    return [
        strong(f"最值得重说的是第{_NUMBERS[found.weakest]}句"),
        Line(exchange.aim + "。" if not exchange.aim.endswith("。") else exchange.aim),
        quote(exchange.good),
    ]
