"""How a reply relates to its lesson: shared numbers and things, offered steps, forbidden ones, copied stretches."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lessons.scoring.numbers import numbers
from lessons.scoring.reading import Reading
from lessons.scoring.things import pairs

NAMES = (
    "numbers-shared",
    "numbers-own",
    "pairs-in-scene",
    "pairs-in-says",
    "pairs-in-can",
    "pairs-in-cannot",
    "steps-by-words",
    "step-best-words",
    "forbidden-best-words",
    "copied-scene",
    "copied-says",
    "scene-meaning",
    "says-meaning",
    "clause-says-meaning",
    "steps-by-meaning",
    "step-best-meaning",
    "forbidden-best-meaning",
    "step-minus-forbidden",
    "last-step-meaning",
    "rare-pairs-in-scene",
)


@lru_cache(maxsize=4096)
def fives(text: str) -> frozenset[str]:
    """Runs of five characters, punctuation and blanks left out."""
    bare = "".join(char for char in text if char.isalnum())
    return frozenset(bare[i : i + 5] for i in range(len(bare) - 4))


def containment(text: str, source: str) -> float:
    """The share of the five-character runs of `text` that also stand in `source`."""
    own = fives(text)
    return len(own & fives(source)) / len(own) if own else 0.0


def _share(own: frozenset[str], other: frozenset[str]) -> float:
    return len(own & other) / len(own) if own else 0.0


def relation(reading: Reading) -> NDArray[np.float32]:
    """The values of `NAMES`."""
    scene, text = reading.situation, reading.plain.text
    own_numbers, own = numbers(text), pairs(text)
    can_pairs = frozenset[str]().union(*(pairs(step) for step in scene.can))
    cannot_pairs = frozenset[str]().union(*(pairs(step) for step in scene.cannot))
    scene_pairs = scene.things
    step_words = [_share(pairs(step), own) for step in scene.can]
    forbidden_words = [_share(pairs(step), own) for step in scene.cannot]
    values = [
        min(6, len(own_numbers & scene.numbers)),
        min(6, len(own_numbers - scene.numbers)),
        _share(own, scene_pairs),
        _share(own, pairs(scene.says)),
        _share(own, can_pairs),
        _share(own, cannot_pairs),
        sum(share >= 0.25 for share in step_words),
        max(step_words, default=0.0),
        max(forbidden_words, default=0.0),
        containment(text, scene.background + "。" + "。".join(scene.can)),
        containment(text, scene.says),
        *_meaning(reading),
        min(8, len(own & (scene_pairs | cannot_pairs))),
    ]
    return np.array(values, dtype=np.float32)


def _meaning(reading: Reading) -> list[float]:
    scene = reading.situation
    says, background = reading.situation_vectors[0], reading.situation_vectors[1]
    can = reading.situation_vectors[2 : 2 + len(scene.can)]
    cannot = reading.situation_vectors[2 + len(scene.can) :]
    clauses = reading.by_clause.vectors
    to_can = clauses @ can.T if len(can) and len(clauses) else np.zeros((1, 1), dtype=np.float32)
    to_cannot = clauses @ cannot.T if len(cannot) and len(clauses) else np.zeros((1, 1), dtype=np.float32)
    to_says = clauses @ says if len(clauses) else np.zeros(1, dtype=np.float32)
    return [
        float(reading.whole @ background),
        float(reading.whole @ says),
        float(to_says.max()),
        float((to_can.max(axis=0) >= 0.5).sum()),
        float(to_can.max()),
        float(to_cannot.max()),
        float(to_can.max() - to_cannot.max()),
        float(to_can[-1].max()),
    ]
