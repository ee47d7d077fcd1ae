"""Folded text → the terms that the character index counts: single characters, neighbours, and whole Latin words."""

from __future__ import annotations

import re

_RUN = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]+")


def terms(text: str) -> list[str]:
    """`退费12378` → 退, 费, 退费, 12378; in the order of the text, repeats kept."""
    found: list[str] = []
    for run in _RUN.findall(text):
        if run.isascii():
            found.append(run)
        else:
            found.extend(run)
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return found


def weight(term: str) -> float:
    """How much a term says by its shape alone: one character little, two characters or a Latin word much."""
    return 1.0 if len(term) > 1 else SINGLE


SINGLE = 0.35
