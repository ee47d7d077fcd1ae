"""`python -m lessons.training` makes the shipped weights: nothing in them comes from anywhere else."""

from __future__ import annotations

import numpy as np

from lessons.scoring import Scorer, weights
from lessons.training import dataset, examples, graded, measures
from lessons.training.fit import Fitting
from tests.unit.scoring.replies import GRADED


def test_retraining_makes_the_shipped_weights() -> None:
    """The weights without sentence vectors, from scratch.

    The same kind of processor makes the same bytes (`python -m lessons.training` twice shows it). Another kind adds up
    floats in another order, so here the linear heads may differ in the last digit and the scores by next to nothing.
    """
    replies = graded.taught()
    listed = examples.examples(replies, examples.by_situation(replies))
    made = Fitting(dataset.build(listed, None)).fit(range(examples.GROUPS))
    shipped = weights.load(weights.file_of(None))
    assert np.abs(made.reply_grams.astype(int) - shipped.reply_grams).max() <= 1
    assert np.abs(made.clause_grams.astype(int) - shipped.clause_grams).max() <= 2
    new, old = Scorer(made, None), Scorer(shipped, None)
    apart = [abs(new.score(lesson, text).points - old.score(lesson, text).points) for lesson, _, text in GRADED]
    assert float(np.mean(apart)) <= 3


def test_training_never_reads_the_frozen_replies() -> None:
    texts = {reply.text for reply in graded.taught()}
    frozen = graded.load(graded.FROZEN) if graded.FROZEN.is_dir() else []
    assert not texts & {reply.text for reply in frozen}


def test_made_examples_stay_in_the_group_of_their_parents() -> None:
    replies = graded.load()[:120]
    group_of = examples.by_situation(replies)
    homes = {reply.lesson.id: group_of(reply) for reply in replies}
    for example in examples.examples(replies, group_of):
        assert example.group == homes[example.lesson.id]


def test_every_taught_reply_carries_the_words_of_its_lesson() -> None:
    """Editing a lesson must not change the weights, and replies added later count with their situation."""
    replies = graded.taught()
    assert {reply.part for reply in replies} == set(graded.PARTS)
    assert all(reply.lesson.context and reply.lesson.customer.says and not reply.lesson.facts for reply in replies)
    homes = {reply.lesson.id for reply in replies if reply.part == "graded"}
    assert {reply.lesson.id for reply in replies} == homes


def test_frozen_replies_to_new_lessons_find_them() -> None:
    fresh = [reply for reply in graded.load(graded.FROZEN, only="frozen-b") if reply.lesson.answers]
    assert {reply.lesson.id for reply in fresh} - {reply.lesson.id for reply in graded.taught()}


def test_kappa_is_one_for_agreement_and_nothing_for_chance() -> None:
    assert measures.qwk([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], 5) == 1.0
    assert abs(measures.qwk([0, 0, 4, 4], [0, 4, 0, 4], 5)) < 1e-9


def test_the_weights_file_is_small() -> None:
    for name in ("use3", None):
        assert weights.file_of(name).stat().st_size < 5_000_000
