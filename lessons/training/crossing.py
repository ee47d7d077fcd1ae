"""Scores for every graded reply by a scorer that was taught nothing about its situation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.embed import Embedder
from lessons.scoring.result import Score
from lessons.scoring.scorer import Scorer
from lessons.training import dataset, examples
from lessons.training.fit import Fitting
from lessons.training.graded import Graded

Say = Callable[[str], None]


def crossed_scores(
    bare: Sequence[Graded], asked: Sequence[Graded], embedder: Embedder | None, say: Say = lambda _: None
) -> tuple[list[Score], NDArray[np.int64]]:
    """The score of each of `asked`, its group (6 of the 90 situations) left out of everything learnt; and the groups.

    `bare` and `asked` are the same replies; `asked` may carry the built-in lessons.
    """
    group_of = examples.by_situation(bare)
    data = dataset.build(examples.examples(bare, group_of), examples.speech(), embedder)
    fitting = Fitting(data)
    groups = np.array([group_of(reply) for reply in bare])
    scores: dict[int, Score] = {}
    for held in range(examples.GROUPS):
        weights = fitting.fit([group for group in range(examples.GROUPS) if group != held])
        rows = np.flatnonzero(groups == held).tolist()
        scorer = Scorer(weights, embedder)
        answers = scorer.score_many([(asked[row].lesson, asked[row].text) for row in rows])
        scores.update(zip(rows, answers, strict=True))
        say(f"{held + 1}/{examples.GROUPS}")
    return [scores[row] for row in range(len(bare))], groups
