"""A score as words a learner wants to read: what worked, the one thing to change, the red line, the model answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from bot.core.messages import Line, Message, good, hint, quote, strong, warn
from lessons.feedback import rewrite
from lessons.feedback.words import (
    FLAGS,
    GENERAL,
    MISSED,
    NOT_HEARD,
    NOT_HELPED,
    OPENINGS,
    PARTIAL,
    PRAISE,
    SAFER,
    SAFER_THAN_ASKING,
    TOUCHED,
)
from lessons.model import CRITERION_NAMES, RED_LINE_NAMES, Criterion, Knowledge, Lesson, RedLine, Rule, Track
from lessons.scoring.result import BAND_NAMES, Breach, Flag, Mark, Score, Tier, Verdict

_WEIGHTS = {
    Criterion.SOLUTION: 3.0,
    Criterion.EMPATHY: 2.6,
    Criterion.EXPLAIN: 1.8,
    Criterion.LEAD: 1.6,
    Criterion.EXPRESSION: 1.4,
}

_STOPS = "。！？!?；;，,、 "
_UNJUDGED = {Flag.EMPTY, Flag.TOO_SHORT, Flag.NO_CHINESE, Flag.COPIED, Flag.GRADER, Flag.STUFFING, Flag.OFF_TOPIC}
_MANY = 3
_RUN = 5
_SECRET = re.compile(r"密码|验证码|校验码|短信码|口令|动态码|位数|个数字|(?:念|报|读)给我")
_QUOTE_ROOM = 32
_OPENING_COUNT = len(OPENINGS[4])


def points_text(score: Score) -> str:
    """`良好 · 75 分`."""
    return f"{BAND_NAMES[score.band]} · {score.points} 分"


def opening_of(score: Score, text: str, last: int) -> int:
    """Which opening to use: settled by the text, never the one used last."""
    number = _number(text) % _OPENING_COUNT
    return (number + 1) % _OPENING_COUNT if number == last else number


def review(lesson: Lesson, score: Score, text: str, opening: int, rules: dict[str, Rule]) -> Message:
    """What the learner reads first: band, verdicts with quotes and praise, red lines, and the one thing to change."""
    lines: list[Line] = [Line(_openings(score)[opening])]
    lines += [warn(FLAGS[flag]) for flag in score.flags]
    lines += breaches(score, rules, lesson.track)
    if not set(score.flags) & _UNJUDGED:
        lines += _verdicts(score, text)
        lines += _changed(lesson, score, text)
    return Message(tuple(lines), title=f"点评｜{points_text(score)}")


def _openings(score: Score) -> tuple[str, ...]:
    """Those of the band, or of what the marks plainly show: only one half done, or nothing done in full."""
    if score.band not in (2, 3) or not score.criteria:
        return OPENINGS[score.band]
    heard, helped = (score.criteria[c].mark is Mark.HIT for c in (Criterion.EMPATHY, Criterion.SOLUTION))
    if score.band == 3:
        return OPENINGS[3] if heard or helped else TOUCHED
    return OPENINGS[2] if heard == helped else NOT_HELPED if heard else NOT_HEARD


def models(lesson: Lesson) -> Message | None:
    """What the learner compares with: a good and a bad answer with reasons, and the tip."""
    if lesson.answers is None:
        return None
    answers = lesson.answers
    lines = [
        strong("可以这样接"),
        quote(answers.good.text),
        *(good(why) for why in answers.good.why),
        strong("别这样接"),
        quote(answers.bad.text),
        *(warn(why) for why in answers.bad.why),
    ]
    if lesson.tip:
        lines += [strong("带走一招"), Line(lesson.tip)]
    return Message(tuple(lines), title="对照着看")


def choice(lesson: Knowledge, picked: int) -> Message:
    """What the learner reads after choosing: right or not, why, and the explanation."""
    chosen = lesson.choices[picked]
    right = next(option for option in lesson.choices if option.right)
    lines = [good(f"选对了。{chosen.why}") if chosen.right else warn(f"这一项不合适。{chosen.why}")]
    if not chosen.right:
        lines.append(good(f"更合适的是 {lesson.right_letter}：{right.text}。{right.why}"))
    lines.append(Line(lesson.explain))
    if lesson.tip:
        lines += [strong("带走一招"), Line(lesson.tip)]
    return Message(tuple(lines), title="答对了" if chosen.right else "再看一眼")


def basis(rule_ids: Sequence[str], rules: dict[str, Rule]) -> str:
    """`《消费投诉处理管理办法》（2020-03-01 起施行）`, of the rules that are known."""
    known = [rules[rule_id] for rule_id in rule_ids if rule_id in rules]
    dates = (f"（{rule.effective} 起施行）" if rule.effective else "" for rule in known)
    return "、".join(f"《{rule.name}》{rule.article or ''}{date}" for rule, date in zip(known, dates, strict=True))


def breaches(score: Score, rules: dict[str, Rule], track: Track) -> list[Line]:
    """Every red line with the words that cross it, then the rules they rest on; a suspicion is no accusation."""
    lines = [warn(f"红线：{RED_LINE_NAMES[b.rule]}。你说的是「{short(b.quote)}」") for b in score.confirmed]
    if lines:
        crossed = {breach.rule for breach in score.confirmed}
        here = [rule for rule in rules.values() if not rule.tracks or track in rule.tracks]
        cited = basis([rule.id for rule in here if crossed & set(rule.red_lines)], rules)
        lines.append(hint("踩到红线，其他说得再好也只能到“重来”。" + (f"依据：{cited}" if cited else "")))
    for breach in score.red_lines:
        if breach.tier is Tier.SUSPECTED:
            name = RED_LINE_NAMES[breach.rule]
            lines.append(hint(f"再看一眼：「{short(breach.quote)}」会不会被听成“{name}”？没有按红线算。"))
    return lines


def _praised(score: Score) -> Criterion | None:
    """The criterion that was done best: the one worth most among those hit with words to quote."""
    hit = [c for c, v in score.criteria.items() if v.mark is Mark.HIT and v.quote and c is not Criterion.EXPRESSION]
    return max(hit, key=lambda c: (score.criteria[c].confidence, _WEIGHTS[c]), default=None)


def _verdicts(score: Score, text: str) -> list[Line]:
    """A line a criterion; where most are missing, one line for all of them."""
    praised = _praised(score)
    missed = [
        c
        for c, verdict in score.criteria.items()
        if verdict.mark is Mark.MISS and not verdict.quote and c is not Criterion.EXPRESSION
    ]
    together = missed if len(missed) >= _MANY else []
    lines = [
        _verdict(c, _telling(clear_of_breaches(verdict, score), score), text, praised=c is praised)
        for c, verdict in score.criteria.items()
        if c not in together
    ]
    names = "、".join(CRITERION_NAMES[criterion] for criterion in together)
    return [*lines, Line(f"○ 还没看到：{names}")] if together else lines


def _telling(verdict: Verdict, score: Score) -> Verdict:
    """A half-done verdict without a quote that shows nothing: a form of address, or words praised a line above."""
    words = verdict.quote or ""
    praised = any(words in (other.quote or "") for other in score.criteria.values() if other.mark is Mark.HIT)
    bare = verdict.mark is Mark.PARTIAL and (len(words) < _RUN or praised)
    return replace(verdict, quote=None) if bare else verdict


def clear_of_breaches(verdict: Verdict, score: Score) -> Verdict:
    """The verdict without its quote where that holds words that cross a line, or may: nobody is praised for those."""
    words = verdict.quote or ""
    near = any(b.quote and (b.quote in words or words in b.quote or _overlap(words, b.quote)) for b in score.red_lines)
    return replace(verdict, quote=None) if near else verdict


def _overlap(one: str, other: str) -> bool:
    """Whether the texts share a run of characters too long for chance."""
    return any(one[i : i + _RUN] in other for i in range(len(one) - _RUN + 1))


def _verdict(criterion: Criterion, verdict: Verdict, text: str, *, praised: bool) -> Line:
    name, words = CRITERION_NAMES[criterion], f"「{short(verdict.quote)}」" if verdict.quote else ""
    if criterion is Criterion.EXPRESSION and verdict.mark is not Mark.MISS:
        words = ""  # it is earned by the whole
    if verdict.mark is Mark.HIT:
        praise = PRAISE[criterion][_number(text) % len(PRAISE[criterion])] if praised or not words else ""
        return good(f"{name}：{words}{'，' if words and praise else ''}{praise}")
    if verdict.mark is Mark.PARTIAL:
        return Line(f"△ {name}：{words + '，' if words else ''}{PARTIAL[criterion]}")
    if verdict.mark is Mark.NOT_NEEDED:
        return Line(f"－ {name}：这一题不需要")
    return Line(f"○ {name}：{MISSED[criterion]}" + (f"，「{short(verdict.quote)}」拖了后腿" if words else ""))


def _changed(lesson: Lesson, score: Score, text: str) -> list[Line]:
    """The one change worth most, made in the learner's own text."""
    if score.confirmed:
        return _without_breach(lesson, score.confirmed[0], score, text)
    gaps = {Mark.MISS: 1.0, Mark.PARTIAL: 0.5}
    worth = {c: _WEIGHTS[c] * gaps.get(v.mark, 0.0) for c, v in score.criteria.items()}
    criterion = max(worth, key=lambda c: worth[c], default=None)
    if criterion is None or worth[criterion] == 0:
        return []
    if score.band <= 1 and score.criteria[Criterion.EMPATHY].mark is Mark.MISS:
        criterion = Criterion.EMPATHY  # nothing else is heard before
    point = lesson.points.get(criterion, GENERAL[criterion])
    words = _cue(lesson, criterion, text)
    head = [strong(f"最值得补的一步：{CRITERION_NAMES[criterion]}"), Line(_stopped(point.want))]
    heard = score.criteria[Criterion.EMPATHY].mark is Mark.HIT
    if criterion is Criterion.EXPRESSION or (score.band <= 1 and not heard):
        return [*head, *_anew(lesson, score, text)]
    offer = score.criteria[Criterion.SOLUTION].quote
    change = rewrite.added(text, criterion, words, offer)
    return [*head, hint("加在你的话里（【】是加上的）："), quote(change.text)]


def _anew(lesson: Lesson, score: Score, text: str) -> list[Line]:
    """A reply whose tone is wrong is not mended by adding to it: the worst words go, a beginning takes their place."""
    worst = score.criteria[Criterion.EXPRESSION].quote
    start, offer = _cue(lesson, Criterion.EMPATHY, text), _cue(lesson, Criterion.SOLUTION, text)
    words = f"{start.rstrip(_STOPS)}。{offer.rstrip(_STOPS)}"
    if score.band > 1 and worst and worst in text:
        return [hint(f"把「{short(worst)}」换掉（【】是换上的）："), quote(rewrite.replaced(text, worst, words).text)]
    return [hint("换成这样开头："), quote(words + "。")]


def _without_breach(lesson: Lesson, breach: Breach, score: Score, text: str) -> list[Line]:
    """The words that cross the line taken out, a safe way to say the same in their place."""
    asks = breach.rule is RedLine.PRIVACY and _SECRET.search(breach.quote)
    words = SAFER_THAN_ASKING if asks else SAFER[breach.rule]
    change = rewrite.replaced(text, breach.quote, words)
    kept = any(verdict.mark is Mark.HIT for verdict in score.criteria.values())
    if not kept:
        return [hint("可以改说："), quote(words + "。")]
    return [hint("先改这一处（【】是换上的）："), quote(change.text)]


def _cue(lesson: Lesson, criterion: Criterion, text: str) -> str:
    """One way to do it in this lesson that the learner has not used; settled by the text."""
    point = lesson.points.get(criterion, GENERAL[criterion])
    fresh = [cue for cue in point.cues if cue not in text] or list(GENERAL[criterion].cues)
    return fresh[_number(text) % len(fresh)]


def _stopped(text: str) -> str:
    return text.rstrip("。") + "。"


def short(text: str | None) -> str:
    """A quote short enough for one line of a phone."""
    clean = " ".join((text or "").split())
    return clean if len(clean) <= _QUOTE_ROOM else clean[: _QUOTE_ROOM - 1] + "…"


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big")
