"""The scorer keeps agreeing with people: on situations it never saw, on the graded replies, and without vectors."""

from __future__ import annotations

import numpy as np

from lessons.model import Criterion
from lessons.scoring import Scorer, weights
from lessons.scoring.result import Mark
from lessons.training import graded
from lessons.training.measures import mae, qwk
from tests.unit.scoring.replies import GRADED

_LEVEL = {Mark.MISS: 0, Mark.PARTIAL: 1, Mark.HIT: 2}


def test_replies_to_situations_nobody_trained_on(scorer: Scorer) -> None:
    truth = [band for _, band, _ in GRADED]
    scored = [scorer.score(lesson, text).band for lesson, _, text in GRADED]
    assert qwk(truth, scored, 5) >= 0.75
    assert mae(truth, scored) <= 0.6


def test_a_fixed_sample_of_the_graded_replies(scorer: Scorer) -> None:
    sample = graded.load()[::9]
    scores = scorer.score_many([(reply.lesson, reply.text) for reply in sample])
    assert qwk([reply.band for reply in sample], [score.band for score in scores], 5) >= 0.85
    for criterion in (Criterion.EMPATHY, Criterion.SOLUTION):
        truth = [reply.levels[criterion] or 0 for reply in sample]
        assert qwk(truth, [_LEVEL[score.criteria[criterion].mark] for score in scores], 3) >= 0.8


def test_it_works_without_the_sentence_encoder() -> None:
    characters = Scorer(weights.load(weights.file_of(None)), None)
    assert "characters" in characters.version
    scored = [characters.score(lesson, text).band for lesson, _, text in GRADED]
    assert qwk([band for _, band, _ in GRADED], scored, 5) >= 0.6


def test_length_is_not_what_counts(scorer: Scorer) -> None:
    bands = [scorer.score(lesson, text).band for lesson, _, text in GRADED]
    lengths = [len(text) for _, _, text in GRADED]
    truth = [band for _, band, _ in GRADED]
    assert np.corrcoef(bands, truth)[0, 1] > np.corrcoef(bands, lengths)[0, 1] + 0.2
