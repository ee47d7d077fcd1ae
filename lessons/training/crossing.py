"""Scores for every graded reply by a scorer that was taught nothing about its situation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lessons.scoring.embed import Embedder
from lessons.scoring.result import Score
from lessons.scoring.scorer import Scorer
from lessons.training import dataset, examples
from lessons.training.fit import Fitting
from lessons.training.graded import Graded
from lessons.training.measures import qwk

Say = Callable[[str], None]

FOLDS = 5
_CURVE_FOLDS = 3
_SHARES = (0.25, 0.5, 0.75)


class Crossing:
    """`bare` and `asked` are the same replies; `asked` may carry the built-in lessons.

    The situations are dealt out to 15 groups of 6; a fold leaves three groups out of everything learnt.
    """

    def __init__(
        self, bare: Sequence[Graded], asked: Sequence[Graded], embedder: Embedder | None, say: Say = lambda _: None
    ) -> None:
        group_of = examples.by_situation(bare)
        self._fitting = Fitting(dataset.build(examples.examples(bare, group_of), embedder))
        self._asked, self._embedder, self._say = asked, embedder, say
        self.groups = np.array([group_of(reply) for reply in bare])

    def scores(self) -> list[Score]:
        """The score of each reply, its fold left out."""
        found = {row: score for fold in range(FOLDS) for row, score in self._fold(fold, 1.0).items()}
        return [found[row] for row in range(len(self._asked))]

    def curve(self, scores: Sequence[Score]) -> dict[str, float]:
        """QWK by the share of the training situations used, on some of the folds; `scores` are those with all."""
        by_share = {share: self._some(share) for share in _SHARES}
        rows = list(by_share[_SHARES[0]])
        by_share[1.0] = {row: scores[row] for row in rows}
        truth = [self._asked[row].band for row in rows]
        return {f"{share:.0%}": qwk(truth, [found[row].band for row in rows], 5) for share, found in by_share.items()}

    def _some(self, share: float) -> dict[int, Score]:
        return {row: score for fold in range(_CURVE_FOLDS) for row, score in self._fold(fold, share).items()}

    def _fold(self, fold: int, share: float) -> dict[int, Score]:
        taught = [group for group in range(examples.GROUPS) if group % FOLDS != fold]
        weights = self._fitting.fit(taught[: round(share * len(taught))])
        rows = np.flatnonzero(self.groups % FOLDS == fold).tolist()
        asked = [(self._asked[row].lesson, self._asked[row].text) for row in rows]
        self._say(f"{share:.0%}:{fold + 1}")
        return dict(zip(rows, Scorer(weights, self._embedder).score_many(asked), strict=True))
