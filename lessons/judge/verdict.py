"""What the model said → a Score: read strictly, every quote looked up in the reply, added up by one fixed table.

The model answers yes or no; it never decides. What it cannot do, whatever it says:
- earn anything without words that stand in the reply,
- undo a gate or a confirmed red line of the offline scorer,
- be believed about a reply when it says yes to a control question,
- lift a reply more than MOST_RAISE bands above the offline score, or at all when the text speaks to the marker.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from lessons.judge.answers import Answer
from lessons.judge.guard import Sign, sign_of
from lessons.judge.questions import CONTROLS, EXPLAIN_NEEDED, PROMPT, id_of, pair_of
from lessons.model import Criterion, Lesson, RedLine
from lessons.scoring.gates import VOID
from lessons.scoring.normalise import Plain, is_chinese, normalise
from lessons.scoring.result import Breach, Flag, Mark, Score, Tier, Verdict
from lessons.scoring.total import POINTS

#: What the names of these scorers begin with: the rules and their version.
PREFIX = "judge-1."

#: How many bands the model may lift a reply above the offline score. A model that is talked round gains no more.
MOST_RAISE = 1

#: What a criterion is worth; a hit counts twice its weight, a partial once (the proportions of the feedback).
WEIGHTS = {
    Criterion.SOLUTION: 15,
    Criterion.EMPATHY: 13,
    Criterion.EXPLAIN: 9,
    Criterion.LEAD: 8,
    Criterion.EXPRESSION: 7,
}
#: The least share of what can be earned, in per cent, for bands 2, 3 and 4. With the five labels of the graded replies
#: in place of the model's answers this gives the labelled band in 95 of 100 replies of band 1 and above.
CUTS = (25, 55, 85)

_LEVELS = {Mark.HIT: 2, Mark.PARTIAL: 1, Mark.MISS: 0}
_LEAST_CHINESE = 2
_STEP = 5
_EDGE = " \n\"',.。,;:!?~()"


@dataclass(frozen=True)
class _Reply:
    """A reply whose quotes can be looked up."""

    plain: Plain

    def words_of(self, quote: str) -> str | None:
        """The learner's own words behind a quote; None when they are not there or say nothing."""
        wanted = normalise(quote).text.strip(_EDGE)
        start = self.plain.text.find(wanted)
        if start < 0 or sum(map(is_chinese, wanted)) < _LEAST_CHINESE:
            return None
        return self.plain.quote(start, start + len(wanted))

    def earned(self, answers: Mapping[str, Answer], name: str) -> str | None:
        """The words that make a yes count."""
        answer = answers.get(name)
        return self.words_of(answer.quote) if answer is not None and answer.yes else None


def scorer_id(model: str) -> str:
    """The name under which these scores are kept: rules, model and wording of the questions."""
    return f"{PREFIX}{model}.{PROMPT}"


def flags_of(text: str, offline: Score) -> tuple[Flag, ...]:
    """The offline scorer's flags, and GRADER where the text plainly speaks to whoever marks it."""
    found = set(offline.flags)
    if sign_of(text) is Sign.PLAIN:
        found.add(Flag.GRADER)
    return tuple(flag for flag in Flag if flag in found)


def is_void(text: str, offline: Score) -> bool:
    """Whether the reply counts as no answer whatever a model says; then none need be asked."""
    return bool(VOID & set(flags_of(text, offline)))


def add_up(lesson: Lesson, text: str, answers: Mapping[str, Answer], offline: Score, scorer: str) -> Score:
    """The score of one reply from the model's answers, never milder than the offline gates and red lines.

    A question without an answer counts as no; `answers` may be empty for a void reply. Returns `offline` itself when
    a control question shows that the model is not to be believed about this reply.
    """
    found = flags_of(text, offline)
    void = bool(VOID & set(found))
    if not void and any(name in answers and answers[name].yes for name in CONTROLS):
        return offline
    reply = _Reply(normalise(text))
    marks = {c: Verdict(Mark.MISS) if void else _verdict(c, reply, answers) for c in Criterion}
    crossed = _breaches(reply, {} if void else answers, offline)
    return _total(Score(lesson.id, 0, 0, marks, crossed, found, scorer), text, offline)


def corrected(score: Score, text: str, granted: Collection[str], offline: Score) -> Score:
    """One of these scores where a human has found otherwise; `granted` as for the offline scorer's `corrected`, and
    `offline` is what that gave."""
    marks = {c: Verdict(Mark.HIT, v.quote) if c in granted else v for c, v in score.criteria.items()}
    crossed = tuple(breach for breach in score.red_lines if breach.rule not in granted)
    found = tuple(flag for flag in score.flags if flag not in granted)
    return _total(replace(score, criteria=marks, red_lines=crossed, flags=found), text, offline)


def _total(score: Score, text: str, offline: Score) -> Score:
    """The score with band and points as its verdicts, red lines and flags make them."""
    void = bool(VOID & set(score.flags))
    band = band_of(score.criteria)
    if void or score.confirmed:
        band = 0
    elif Flag.TOO_SHORT in score.flags:
        band = min(band, 1)
    band = min(band, offline.band + (0 if sign_of(text) else MOST_RAISE))
    points = 0 if void else points_of(band, share_of(score.criteria))
    return replace(score, band=band, points=points)


def share_of(marks: Mapping[Criterion, Verdict]) -> int:
    """How much of what can be earned was earned, in per cent; what is not needed counts on neither side."""
    needed = {c: verdict.mark for c, verdict in marks.items() if verdict.mark is not Mark.NOT_NEEDED}
    most = sum(2 * WEIGHTS[c] for c in needed)
    return 100 * sum(WEIGHTS[c] * _LEVELS[mark] for c, mark in needed.items()) // most if most else 0


def band_of(marks: Mapping[Criterion, Verdict]) -> int:
    """The band by CUTS, 1 to 4 (0 is for harm and for no answer).

    Besides, as in the rating guide: 4 takes a specific acknowledgement and a concrete step, both in full; 3 takes
    some acknowledgement and some help.
    """
    band = 1 + sum(share_of(marks) >= cut for cut in CUTS)
    level = {c: _LEVELS.get(verdict.mark, 0) for c, verdict in marks.items()}
    helps = max(level[Criterion.SOLUTION], level[Criterion.EXPLAIN])
    if band == 4 and min(level[Criterion.EMPATHY], level[Criterion.SOLUTION]) < 2:
        band = 3
    if band == 3 and min(level[Criterion.EMPATHY], helps) < 1:
        band = 2
    return band


def points_of(band: int, share: int) -> int:
    """Points inside the band's own range, in steps of five: as far up as the share lies between the band's cuts."""
    edges = (0, *CUTS, 100)
    low, high = (edges[band - 1], edges[band]) if band else (0, 100)
    least, most = POINTS[band]
    steps = (most - least) // _STEP
    inside = min(max(share - low, 0), high - low)
    return least + _STEP * min(steps, inside * (steps + 1) // (high - low))


def _verdict(criterion: Criterion, reply: _Reply, answers: Mapping[str, Answer]) -> Verdict:
    words = [found for name in pair_of(criterion) if (found := reply.earned(answers, name))]
    if not words:
        needed = answers.get(EXPLAIN_NEEDED)
        if criterion is Criterion.EXPLAIN and needed is not None and not needed.yes:
            return Verdict(Mark.NOT_NEEDED)
        return Verdict(Mark.MISS)
    return Verdict(Mark.HIT if len(words) == 2 else Mark.PARTIAL, words[0])


def _breaches(reply: _Reply, answers: Mapping[str, Answer], offline: Score) -> tuple[Breach, ...]:
    """The stricter of both: what the offline scorer found stays, what the model proves is confirmed."""
    found = {breach.rule: breach for breach in offline.red_lines}
    for rule in RedLine:
        words = reply.earned(answers, id_of(rule))
        if words and (rule not in found or found[rule].tier is Tier.SUSPECTED):
            found[rule] = Breach(rule, Tier.CONFIRMED, words)
    return tuple(sorted(found.values(), key=lambda breach: (breach.tier, list(RedLine).index(breach.rule))))
