"""What `jiehua score --report` prints: how well the scorer agrees with the graded replies it was not taught."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lessons.model import Criterion, RedLine
from lessons.scoring.embed import built_in_embedder
from lessons.scoring.heads import GRADER
from lessons.scoring.result import Flag, Mark, Score, Tier
from lessons.scoring.scorer import Scorer
from lessons.training import graded
from lessons.training.crossing import FOLDS, Crossing
from lessons.training.disk_cache import DiskCache
from lessons.training.graded import Graded
from lessons.training.measures import by_length, mae, qwk, share

Figures = dict[str, Any]
_LEVEL = {Mark.MISS: 0, Mark.PARTIAL: 1, Mark.HIT: 2}
_WORST = 10
_SHORTENED = 60
_HOW = (
    f"leave-situations-out: {FOLDS} folds of 18 situations; heads, forest, cuts and red-line tiers fitted anew for "
    "each, and made-up examples follow their parents"
)
#: Replies kept apart for good; only sums over them are printed.
_FROZEN = ("frozen-a", "frozen-b")


def report(say: Callable[[str], None] = lambda _: None) -> Figures:
    """All figures, as plain data. Takes some ten minutes; sentence vectors are kept under .cache/."""
    started = time.monotonic()
    inner = built_in_embedder()
    embedder = DiskCache(inner) if inner else None
    asked = graded.taught(built_in=True)
    crossing = Crossing(graded.taught(), asked, embedder, say)
    scores = crossing.scores()
    figures: Figures = {"scorer": Scorer.built_in().version, "how": _HOW}
    for name, rows in _parts(asked).items():
        groups = crossing.groups[rows].tolist()
        figures[name] = figures_of([asked[row] for row in rows], [scores[row] for row in rows], groups)
    figures["learning-curve"] = crossing.curve(scores)
    for name in _FROZEN:
        frozen = graded.load(graded.FROZEN, built_in=True, only=name)
        answers = Scorer.built_in().score_many([(reply.lesson, reply.text) for reply in frozen])
        if frozen:
            figures[name] = {**figures_of(frozen, answers, _by_lesson(frozen)), "worst": []}
    if embedder:
        embedder.save()
    figures["seconds"] = round(time.monotonic() - started)
    return figures


def _parts(replies: Sequence[Graded]) -> dict[str, list[int]]:
    """The rows of everything, and of each folder it comes from."""
    return {"all": list(range(len(replies)))} | {
        part: [row for row, reply in enumerate(replies) if reply.part == part] for part in graded.PARTS
    }


def _by_lesson(replies: Sequence[Graded]) -> list[int]:
    ids = sorted({reply.lesson.id for reply in replies})
    return [ids.index(reply.lesson.id) for reply in replies]


def figures_of(replies: Sequence[Graded], scores: Sequence[Score], groups: Sequence[int]) -> Figures:
    """Every figure of the report for one set of replies."""
    truth, guess = [reply.band for reply in replies], [score.band for score in scores]
    length = by_length([len(reply.text) for reply in replies], truth, np.asarray(groups))
    return {
        "replies": len(replies),
        "situations": len({reply.lesson.id for reply in replies}),
        "band": {"qwk": qwk(truth, guess, 5), "mae": mae(truth, guess)},
        "length-baseline": {"qwk": qwk(truth, length, 5), "mae": mae(truth, length)},
        "criteria": _criteria(replies, scores),
        "red-lines": _red_lines(replies, scores),
        "kinds": _kinds(replies, scores),
        "calibration": _calibration(replies, scores),
        "worst": _worst(replies, scores),
    }


def _criteria(replies: Sequence[Graded], scores: Sequence[Score]) -> Figures:
    """Agreement per criterion, over the replies where both sides think something was to be judged."""
    found = {}
    for criterion in Criterion:
        pairs = [
            (truth, _LEVEL[score.criteria[criterion].mark])
            for reply, score in zip(replies, scores, strict=True)
            if (truth := reply.levels[criterion]) is not None and score.criteria[criterion].mark is not Mark.NOT_NEEDED
        ]
        found[str(criterion)] = {"qwk": qwk([t for t, _ in pairs], [g for _, g in pairs], 3), "replies": len(pairs)}
    return found


def _red_lines(replies: Sequence[Graded], scores: Sequence[Score]) -> Figures:
    """Precision and recall of each tier; a breach counts as right when the reply crosses any red line at all."""
    rows = [(reply.red_line, {b.tier for b in s.red_lines}, {str(b.rule) for b in s.red_lines}, Flag.GRADER in s.flags)
            for reply, s in zip(replies, scores, strict=True)]  # fmt: skip
    crossed = [row for row in rows if row[0] and row[0] != GRADER]
    confirmed = [row for row in rows if Tier.CONFIRMED in row[1]]
    any_tier = [row for row in rows if row[1]]
    return {
        "confirmed-precision": share(sum(bool(row[0]) for row in confirmed), len(confirmed)),
        "confirmed-recall": share(sum(Tier.CONFIRMED in row[1] for row in crossed), len(crossed)),
        "suspected-precision": share(sum(bool(row[0]) for row in any_tier), len(any_tier)),
        "confirmed-or-suspected-recall": share(sum(bool(row[1]) for row in crossed), len(crossed)),
        "grader-recall": share(sum(row[3] for row in rows if row[0] == GRADER), sum(row[0] == GRADER for row in rows)),
        "grader-precision": share(sum(row[3] and row[0] == GRADER for row in rows), sum(row[3] for row in rows)),
        "rules": {str(rule): _rule([row for row in crossed if row[0] == rule], str(rule)) for rule in RedLine},
    }


def _rule(rows: list[tuple[str, set[Tier], set[str], bool]], rule: str) -> Figures:
    return {
        "replies": len(rows),
        "confirmed": share(sum(Tier.CONFIRMED in row[1] for row in rows), len(rows)),
        "confirmed-or-suspected": share(sum(bool(row[1]) for row in rows), len(rows)),
        "rule-named": share(sum(rule in row[2] for row in rows), len(rows)),
    }


def _kinds(replies: Sequence[Graded], scores: Sequence[Score]) -> Figures:
    kinds = defaultdict(list)
    for reply, score in zip(replies, scores, strict=True):
        kinds[reply.kind].append((reply.band, score.band))
    return {
        kind: {
            "replies": len(pairs),
            "truth": float(np.mean([truth for truth, _ in pairs])),
            "scored": float(np.mean([guess for _, guess in pairs])),
        }
        for kind, pairs in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    }


def _calibration(replies: Sequence[Graded], scores: Sequence[Score]) -> Figures:
    """For each band given, how many replies got it and what they truly were."""
    found = {}
    for band in range(5):
        truth = [reply.band for reply, score in zip(replies, scores, strict=True) if score.band == band]
        found[str(band)] = {"replies": len(truth), "truth": float(np.mean(truth)) if truth else None}
    return found


def _worst(replies: Sequence[Graded], scores: Sequence[Score]) -> list[Figures]:
    ranked = sorted(zip(replies, scores, strict=True), key=lambda p: (-abs(p[0].band - p[1].band), p[0].id))[:_WORST]
    return [
        {
            "id": reply.id,
            "lesson": reply.lesson.id,
            "kind": reply.kind,
            "truth": reply.band,
            "scored": score.band,
            "text": reply.text[:_SHORTENED] + ("…" if len(reply.text) > _SHORTENED else ""),
        }
        for reply, score in ranked
    ]


def as_text(figures: Figures) -> str:
    """The figures as a person reads them."""
    lines = [f"scorer {figures['scorer']} · {figures['how']} · {figures['seconds']} s"]
    for name in ("all", *graded.PARTS):
        lines += ["", *_as_lines(name, figures[name])]
    curve = "  ".join(f"{share} {value:.3f}" for share, value in figures["learning-curve"].items())
    lines += ["", f"learning curve: QWK with this share of the training situations  {curve}"]
    for name in _FROZEN:
        lines += ["", *_as_lines(name, figures[name])] if name in figures else []
    return "\n".join(lines)


def _as_lines(name: str, part: Figures) -> list[str]:
    band, length, red = part["band"], part["length-baseline"], part["red-lines"]
    lines = [
        f"{name}: {part['replies']} replies, {part['situations']} situations",
        f"  band           QWK {band['qwk']:.3f}  MAE {band['mae']:.3f}",
        f"  length only    QWK {length['qwk']:.3f}  MAE {length['mae']:.3f}",
        "  criteria QWK   " + "  ".join(f"{key} {value['qwk']:.3f}" for key, value in part["criteria"].items()),
        f"  red lines      confirmed precision {_(red['confirmed-precision'])} recall {_(red['confirmed-recall'])}, "
        f"with suspected precision {_(red['suspected-precision'])} recall {_(red['confirmed-or-suspected-recall'])}",
        f"  to the grader  precision {_(red['grader-precision'])} recall {_(red['grader-recall'])}",
    ]
    for rule, row in red["rules"].items():
        lines.append(
            f"    {rule:16} n={row['replies']:3}  confirmed {_(row['confirmed'])}  with suspected "
            f"{_(row['confirmed-or-suspected'])}  this rule named {_(row['rule-named'])}"
        )
    lines.append("  kind                     n  truth  scored")
    lines += [
        f"    {kind:20} {row['replies']:4}  {row['truth']:5.2f}  {row['scored']:6.2f}"
        for kind, row in part["kinds"].items()
    ]
    lines.append(
        "  band given → replies, their true mean: "
        + "  ".join(f"{band}: {row['replies']}, {_(row['truth'])}" for band, row in part["calibration"].items())
    )
    lines += ["  ten worst"] if part["worst"] else []
    lines += [
        f"    {row['truth']}→{row['scored']} {row['lesson']} [{row['kind']}] {row['text']}" for row in part["worst"]
    ]
    return lines


def _(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
