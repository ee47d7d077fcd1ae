"""The offline scorer: reads, judges, applies gates and red lines, adds up; pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lessons.model import Criterion, Lesson
from lessons.scoring import gates, total, weights
from lessons.scoring.criteria import Judge, Judgement
from lessons.scoring.embed import Embedder, built_in_embedder
from lessons.scoring.reading import Reading, pieces_of, read
from lessons.scoring.red_lines import Cuts, breaches
from lessons.scoring.result import Breach, Flag, Mark, Score, Tier, Verdict
from lessons.scoring.spans import quote_for
from lessons.scoring.vectors import Floats, hits_of

_NOT_NEEDED = 0.5


class Scorer:
    """Scores replies to any lesson, also to lessons nobody trained it on. Safe to share between threads."""

    def __init__(self, learnt: weights.Weights, embedder: Embedder | None) -> None:
        self._weights = learnt
        self._judge = Judge(learnt)
        self._embedder = embedder
        self._cuts = Cuts.of(learnt.red_cuts)
        mode = "offline-1" if embedder else "offline-1-characters"
        self.version = f"{mode}.{learnt.digest()}"

    @classmethod
    def built_in(cls) -> Scorer:
        """With the shipped weights; without sentence vectors where their package is missing."""
        embedder = built_in_embedder()
        return cls(weights.load(weights.file_of(embedder.name if embedder else None)), embedder)

    def score(self, lesson: Lesson, text: str) -> Score:
        """Judge one reply; any string will do."""
        return self.corrected(lesson, text, frozenset())

    def corrected(self, lesson: Lesson, text: str, granted: frozenset[str]) -> Score:
        """Like `score`, where a human has found otherwise: `granted` holds the names of criteria that were met, of red
        lines that were not crossed and of flags that do not apply. The rest is judged and added up as ever."""
        reading = read(lesson, text, self._embedder)
        hits = hits_of(reading)
        judgement = self._judge.judge(reading, hits)
        found = tuple(f for f in gates.flags(reading, judgement.outputs, judgement.strayed) if f not in granted)
        heard = () if gates.UNREAD & set(found) else breaches(reading, judgement, hits, self._cuts)
        crossed = tuple(breach for breach in heard if breach.rule not in granted)
        if granted:
            outputs = total.as_granted(judgement.outputs, granted, clean=bool(heard) and not crossed)
            judgement = replace(judgement, outputs=outputs)
        return self._add_up(reading, judgement, crossed, found)

    def score_many(self, pairs: Iterable[tuple[Lesson, str]]) -> list[Score]:
        """Like `score` for each pair; the sentence vectors are made together, which costs a fraction."""
        listed = list(pairs)
        if self._embedder is not None:
            self._embedder.encode([piece for _, text in listed for piece in pieces_of(text)])
        return [self.score(lesson, text) for lesson, text in listed]

    def _add_up(
        self, reading: Reading, judgement: Judgement, crossed: tuple[Breach, ...], found: tuple[Flag, ...]
    ) -> Score:
        cuts = self._weights.band_cuts
        value = total.value(judgement.outputs, self._weights.total)
        band = total.band_of(value, cuts)
        void = bool(gates.VOID & set(found))
        if void or any(breach.tier is Tier.CONFIRMED for breach in crossed):
            band = 0
        elif Flag.TOO_SHORT in found or gates.is_hollow(reading):
            band = min(band, 1)
        elif round(judgement.outputs["red-line"], 4) < self._cuts.suspected:
            band = max(band, 1)  # rude, cold or useless is poor; nothing is for harm and for no answer
        points = 0 if void else total.points_of(value, band, cuts)
        return Score(
            lesson=reading.lesson.id,
            band=band,
            points=points,
            criteria=self._verdicts(reading, judgement, void),
            red_lines=crossed,
            flags=found,
            scorer=self.version,
        )

    def _verdicts(self, reading: Reading, judgement: Judgement, void: bool) -> dict[Criterion, Verdict]:
        return {
            criterion: Verdict(Mark.MISS) if void else self._verdict(criterion, row, reading, judgement)
            for criterion, row in zip(Criterion, self._weights.mark_cuts, strict=True)
        }

    def _verdict(self, criterion: Criterion, cuts: Floats, reading: Reading, judgement: Judgement) -> Verdict:
        level = round(judgement.outputs[str(criterion)], 4)
        mark = total.mark_of(level, cuts)
        if criterion is Criterion.EXPLAIN and judgement.outputs["nothing-to-explain"] >= _NOT_NEEDED:
            mark = Mark.NOT_NEEDED
        wanted = mark in {Mark.HIT, Mark.PARTIAL}
        quote = quote_for(criterion, reading, judgement) if wanted else None
        if wanted and quote is None:
            mark = Mark.MISS
        return Verdict(mark, quote, confidence=round(abs(level - 0.5) * 2, 2))
