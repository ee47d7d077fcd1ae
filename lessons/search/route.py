"""Which channels a query uses, how they add up, and the floor under which the answer is 没找到."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

import numpy as np

from lessons.search.lexical import Scores
from lessons.search.likeness import Seen
from lessons.search.normalise import chinese_length

#: Different characters that make a query; a single one would match everywhere.
SHORTEST = 2


class Route(Enum):
    CHINESE = "chinese"
    LATIN = "latin"
    NOTHING = "nothing"


def route(query: str) -> Route:
    if len(set(query)) < SHORTEST:
        return Route.NOTHING
    return Route.CHINESE if chinese_length(query) else Route.LATIN


class Channel(StrEnum):
    """The ways in which a query can be like a template."""

    WORDS = "words"
    WHOLES = "wholes"
    SOUNDS = "sounds"
    SPOKEN_WHOLES = "spoken-wholes"
    LETTERS = "letters"
    MEANING = "meaning"


#: What a channel says: 0–1 for each template by its own content, and by all content of its situations.
Pair = tuple[Scores, Scores]


@dataclass(frozen=True)
class Signals:
    """What every channel in use says about every template, and how much the query is like chit-chat.

    `smalltalk` is the share of the query that one chit-chat sentence carries; `seen` is there when meaning was
    compared, and then `smalltalk_nearness` is the greatest cosine to a chit-chat sentence.
    """

    channels: Mapping[Channel, Pair]
    smalltalk: float = 0.0
    smalltalk_nearness: float = -1.0
    seen: Seen | None = None


#: How much a channel adds: by the template's own content, by that of its situations.
Weights = Mapping[Channel, tuple[float, float]]

CHINESE: Weights = {
    Channel.WORDS: (1.0, 1.1),
    Channel.WHOLES: (0.4, 0.2),
    Channel.SOUNDS: (0.3, 0.15),
    Channel.SPOKEN_WHOLES: (0.2, 0.1),
    Channel.MEANING: (0.3, 0.5),
}
LATIN: Weights = {
    Channel.WORDS: (0.8, 0.5),
    Channel.WHOLES: (0.6, 0.25),
    Channel.SOUNDS: (0.9, 0.4),
    Channel.SPOKEN_WHOLES: (0.6, 0.25),
    Channel.LETTERS: (0.8, 0.3),
}

#: The cosine from which nearness in meaning counts.
_MEANING_FROM = 0.35
#: Added-up channels, less what speaks for chit-chat, below which nothing is near enough.
_CHINESE_FLOOR, _LATIN_FLOOR = 0.3, 0.19
#: A match by which a query is no chit-chat, whatever it resembles: keywords make up most of it, or it sounds like them.
_CERTAIN = 0.64
_CERTAIN_SOUND = 0.8
#: How much the sum falls with the share of the query that one chit-chat sentence carries, and with how much nearer in
#: meaning the query is to chit-chat than to the catalogue; it rises when the catalogue is nearer.
_CHATTER_WORDS, _CHATTER_MEANING = 3.5, 2.8


def total(query: str, signals: Signals) -> Scores:
    """The channels added up; not yet squeezed into 0–1."""
    weights = LATIN if route(query) is Route.LATIN else CHINESE
    parts = [
        weights[channel][0] * own + weights[channel][1] * shared for channel, (own, shared) in signals.channels.items()
    ]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float32)


def squeezed(score: float) -> float:
    """Added-up channels as 0–1, order kept."""
    return 1 - math.exp(-0.8 * max(0.0, score))


def certain(wholes: Scores) -> bool:
    """Whether keywords make up most of the query, so that meaning need not be compared."""
    return float(wholes.max(initial=0.0)) >= _CERTAIN


def answerable(query: str, signals: Signals, scores: Scores) -> bool:
    """Whether the best template is near enough to be shown at all."""
    best = int(np.argmax(scores))
    whole, heard, sound = (
        float(signals.channels[name][0][best]) for name in (Channel.WHOLES, Channel.SPOKEN_WHOLES, Channel.SOUNDS)
    )
    if signals.smalltalk >= 1.0 and whole < _CERTAIN:
        return False
    if route(query) is Route.LATIN:
        return float(scores[best]) >= _LATIN_FLOOR
    doubt = 0.0 if sound >= _CERTAIN_SOUND else max(0.0, 1 - max(whole, heard) / _CERTAIN)
    return float(scores[best]) - doubt * _chatter(signals) >= _CHINESE_FLOOR


def _chatter(signals: Signals) -> float:
    """How much more a query is like chit-chat than like anything in the catalogue, as a loss of score."""
    loss = _CHATTER_WORDS * signals.smalltalk
    if signals.seen is None:
        return loss
    nearest = float(np.max(signals.seen.shared, initial=-1.0))
    return loss + _CHATTER_MEANING * (signals.smalltalk_nearness - nearest)


def rise(cosines: Scores) -> Scores:
    """Cosines as 0 (far) to 1 (the same)."""
    return np.asarray(np.clip((cosines - _MEANING_FROM) / (1 - _MEANING_FROM), 0.0, 1.0), dtype=np.float32)
