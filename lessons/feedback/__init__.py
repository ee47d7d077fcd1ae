"""A score as words a learner wants to read: what worked, the one thing to change, the red line, the model answers."""

from lessons.feedback.review import (
    basis,
    breaches,
    choice,
    clear_of_breaches,
    models,
    opening_of,
    points_text,
    review,
    short,
)
from lessons.feedback.words import FALLBACK_LABEL, JUDGE_LABEL, LABEL, TRIAL

__all__ = [
    "FALLBACK_LABEL", "JUDGE_LABEL", "LABEL", "TRIAL", "basis", "breaches", "choice", "clear_of_breaches", "models",
    "opening_of", "points_text", "review", "short",
]  # fmt: skip
