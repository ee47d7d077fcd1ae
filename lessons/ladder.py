"""Spaced return: when a lesson that went badly comes back, and when it has been learned.

A fixed ladder of 2–7–21 working days (product.md: expanding intervals add nothing over even ones, a fixed ladder is
enough). A poor answer starts on the first rung, a middling one on the second; every pass climbs one rung, a failed
return starts again at the bottom, and two passes in a row retire the lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

STEPS = (2, 7, 21)
PASS_BAND = 3
PASSES_TO_RETIRE = 2

WorkingDaysAfter = Callable[[date, int], date]
"""The n-th working day after a day."""


@dataclass(frozen=True)
class Card:
    """One person's ladder card for one lesson; `due_on` None means retired."""

    step: int
    passes: int
    due_on: date | None


def enter(band: int, day: date, after: WorkingDaysAfter) -> Card | None:
    """The card for a first answer of `band` on `day`; None when it was good enough not to come back."""
    if band >= PASS_BAND:
        return None
    step = 0 if band <= 1 else 1
    return Card(step, 0, after(day, STEPS[step]))


def returned(card: Card, band: int, day: date, after: WorkingDaysAfter) -> Card:
    """The card after the lesson came back on `day` and was answered with `band`."""
    if band < PASS_BAND:
        return Card(0, 0, after(day, STEPS[0]))
    passes = card.passes + 1
    if passes >= PASSES_TO_RETIRE:
        return Card(card.step, passes, None)
    step = min(card.step + 1, len(STEPS) - 1)
    return Card(step, passes, after(day, STEPS[step]))


def answered(card: Card | None, band: int, day: date, after: WorkingDaysAfter) -> Card | None:
    """The card after a first answer, from the one before it; practice out of turn leaves a card where it is."""
    if card is None:
        return enter(band, day, after)
    due = card.due_on is not None and card.due_on <= day
    if due or (card.due_on is None and band < PASS_BAND):
        return returned(card, band, day, after)
    return card


def replayed(answers: Iterable[tuple[date, int]], after: WorkingDaysAfter) -> Card | None:
    """The card that a lesson's first answers, (day, band) in order, lead to; None when none had to come back."""
    card: Card | None = None
    for day, band in answers:
        card = answered(card, band, day, after)
    return card
