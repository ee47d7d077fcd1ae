"""Scoring a typed reply against a lesson, offline and deterministic."""

from lessons.scoring.scorer import Scorer

__all__ = ["Scorer"]
