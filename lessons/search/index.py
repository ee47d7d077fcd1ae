"""The search over all templates: built once from a catalogue, asked many times; pure, deterministic, never raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lessons.model import AnyLesson, Template
from lessons.scoring.embed import Embedder
from lessons.search import channels, document, normalise, smalltalk
from lessons.search.channels import Channels
from lessons.search.lexical import Scores
from lessons.search.likeness import Likeness, Seen
from lessons.search.route import Channel, Pair, Route, Signals, answerable, certain, rise, route, squeezed, total
from lessons.search.smalltalk import SmallTalk
from lessons.search.spelling import Spelling
from lessons.search.synonyms import Synonyms
from lessons.search.why import Asked, reason

_TEMPLATE_FIELDS = {"title": 2.0, "keywords": 2.5, "sayings": 1.5, "methods": 1.0, "when": 0.8, "text": 0.3}
_SITUATION_FIELDS = {"title": 2.0, "keywords": 1.5, "sayings": 1.5, "methods": 1.0, "when": 0.8, "text": 0.3}

#: What a second, third … template of one situation keeps of its score, so that three cards show more than one idea.
_REPEATED = (1.0, 0.85, 0.75, 0.7)
#: Hits below this share of the best hit's score are noise.
_WORTH_SHOWING = 0.3
_LOOKED_AT = 50
#: The share of the templates from which a word is taken for no slip, though a keyword sounds like it.
_IN_USE = 0.01
#: What words count that were put right by their sound.
_CORRECTED = np.float32(0.9)


@dataclass(frozen=True)
class Hit:
    """A template that answers a query: its situations, how well it fits (0–1), and why in a few Chinese words."""

    template: str
    situations: tuple[str, ...]
    score: float
    why: str


@dataclass(frozen=True)
class Index:
    """Everything about one set of templates that searching needs; immutable and safe to share between threads."""

    templates: tuple[Template, ...]
    synonyms: Synonyms
    _own: Channels
    _shared: Channels
    _homes: NDArray[np.int32]
    _likeness: Likeness | None
    _smalltalk: SmallTalk
    _spelling: Spelling

    @classmethod
    def build(
        cls,
        templates: Iterable[Template],
        lessons: Iterable[AnyLesson] = (),
        synonyms: Synonyms | None = None,
        embedder: Embedder | None = None,
        cache: Path | None = None,
        chitchat: Sequence[str] | None = None,
    ) -> Index:
        """Index the templates; lessons lend their situation's title, methods and customer's words.

        Without an embedder nothing is compared by meaning. `cache` is a folder that keeps vectors between starts;
        `chitchat` are folded sentences that are no questions, ours unless given.
        """
        held, known = tuple(templates), tuple(lessons)
        own = [document.of_template(template) for template in held]
        shared = document.of_situations(known, held)
        homes = _homes(held, [situation.id for situation in shared])
        likeness = None
        if embedder is not None:
            likeness = Likeness.build(own, document.lesson_phrasings(known, shared), homes, embedder, cache)
        table = synonyms or Synonyms()
        written = channels.build(own, _TEMPLATE_FIELDS)
        return cls(
            held,
            table,
            written,
            channels.build(shared, _SITUATION_FIELDS),
            homes,
            likeness,
            SmallTalk.build(smalltalk.load() if chitchat is None else chitchat, embedder, cache),
            Spelling.build([*own, *shared], table.words, written.characters.common(_IN_USE)),
        )

    def search(self, query: str, limit: int = 10) -> list[Hit]:
        """The best templates for what was typed, best first; empty when nothing is good enough. Never raises."""
        asked = Asked(normalise.query(query), self.synonyms)
        if route(asked.text) is Route.NOTHING or not self.templates or limit < 1:
            return []
        signals = self.signals(asked.text)
        scores = total(asked.text, signals)
        if not answerable(asked.text, signals, scores):
            return []
        return [self._hit(number, score, asked, signals) for number, score in self._ranked(scores, limit)]

    def signals(self, query: str) -> Signals:
        """What every channel says about a normalised query of at least two characters."""
        if route(query) is Route.LATIN:
            return Signals(self._latin(query), self._smalltalk.words(query))
        corrected = self._spelling.corrected(query)
        channels = self._chinese(query, corrected)
        signals = Signals(channels, self._smalltalk.words(query))
        if self._likeness is None or certain(channels[Channel.WHOLES][0]):
            return signals
        return self._with_meaning(signals, self._likeness.look(corrected))

    def _latin(self, query: str) -> dict[Channel, Pair]:
        letters, table = query.replace(" ", ""), self.synonyms
        return {
            Channel.WORDS: self._pair(lambda held: held.words(query, table)),
            Channel.WHOLES: self._pair(lambda held: held.wholes(query, table)),
            Channel.SOUNDS: self._pair(lambda held: held.spelled(letters)),
            Channel.SPOKEN_WHOLES: self._pair(lambda held: held.spelled_wholes(letters, table)),
            Channel.LETTERS: self._pair(lambda held: held.abbreviated(letters, table)),
        }

    def _chinese(self, query: str, corrected: str) -> dict[Channel, Pair]:
        table = self.synonyms
        words = self._pair(lambda held: held.words(query, table))
        if corrected != query:
            right = self._pair(lambda held: held.words(corrected, table))
            words = (np.maximum(words[0], right[0] * _CORRECTED), np.maximum(words[1], right[1] * _CORRECTED))
        return {
            Channel.WORDS: words,
            Channel.WHOLES: self._pair(lambda held: held.wholes(query, table)),
            Channel.SOUNDS: self._pair(lambda held: held.homophones(query)),
            Channel.SPOKEN_WHOLES: self._pair(lambda held: held.homophone_wholes(query)),
        }

    def _with_meaning(self, signals: Signals, seen: Seen) -> Signals:
        channels = {**signals.channels, Channel.MEANING: (rise(seen.own), rise(seen.shared))}
        return Signals(channels, signals.smalltalk, self._smalltalk.nearness(seen.vector), seen)

    def _pair(self, channel: Callable[[Channels], Scores]) -> Pair:
        """One channel asked of the templates and of their situations."""
        return channel(self._own), self._spread(channel(self._shared))

    def _spread(self, shared: Scores) -> Scores:
        """A number for each situation → the greatest of each template's situations."""
        spread: Scores = np.append(shared, np.float32(0))[self._homes].max(axis=1)
        return spread

    def _ranked(self, scores: Scores, limit: int) -> list[tuple[int, float]]:
        """Templates with their final scores, best first; repeated situations step back a little."""
        looked_at = min(len(scores), max(_LOOKED_AT, 2 * limit))
        best = np.argpartition(-scores, looked_at - 1)[:looked_at]
        order = sorted(best.tolist(), key=lambda number: (-float(scores[number]), self.templates[number].id))
        seen: dict[str, int] = {}
        stepped: list[tuple[int, float]] = []
        for number in order:
            home = self.templates[number].situations[0]
            seen[home] = seen.get(home, 0) + 1
            stepped.append((number, squeezed(float(scores[number])) * _REPEATED[min(seen[home], len(_REPEATED)) - 1]))
        stepped.sort(key=lambda pair: (-pair[1], self.templates[pair[0]].id))
        return [pair for pair in stepped if pair[1] >= stepped[0][1] * _WORTH_SHOWING][:limit]

    def _hit(self, number: int, score: float, asked: Asked, signals: Signals) -> Hit:
        template = self.templates[number]
        nearest = None
        if self._likeness is not None and signals.seen is not None:
            nearest = self._likeness.nearest(number, signals.seen)
        return Hit(template.id, template.situations, round(score, 3), reason(asked, template, nearest))


def _homes(templates: Sequence[Template], situations: Sequence[str]) -> NDArray[np.int32]:
    """The places of each template's situations in `situations`; rows are filled up with one place past the end."""
    place = {name: number for number, name in enumerate(situations)}
    width = max((len(template.situations) for template in templates), default=1)
    homes = np.full((len(templates), width), len(situations), dtype=np.int32)
    for number, template in enumerate(templates):
        homes[number, : len(template.situations)] = [place[name] for name in template.situations]
    return homes
