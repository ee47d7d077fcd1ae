"""Which red lines a reply crosses, and how sure we are: confirmed caps the score, suspected asks a human to look."""

from __future__ import annotations

from dataclasses import dataclass

from lessons.model import RedLine
from lessons.scoring.criteria import Judgement
from lessons.scoring.forbidden import forbidden_promises
from lessons.scoring.reading import Reading
from lessons.scoring.result import Breach, Tier
from lessons.scoring.safety import left_alone
from lessons.scoring.spans import quote_around, quote_between
from lessons.scoring.speech_hits import Hit
from lessons.scoring.vectors import Floats

#: From this likelihood on, words that sound like a breach are worth a look.
_HEARD = 0.1


@dataclass(frozen=True)
class Cuts:
    """Likelihoods of a red line from which on: heard and likely, likely without being heard, worth a look."""

    with_words: float
    alone: float
    suspected: float

    @classmethod
    def of(cls, values: Floats) -> Cuts:
        return cls(*(round(float(value), 4) for value in values))


def breaches(reading: Reading, judgement: Judgement, hits: list[Hit], cuts: Cuts) -> tuple[Breach, ...]:
    """Confirmed first; one breach a rule."""
    likely = round(judgement.outputs["red-line"], 4)
    found: dict[RedLine, Breach] = {}
    heard = Tier.CONFIRMED if likely >= cuts.with_words else Tier.SUSPECTED
    if likely >= _HEARD:
        for hit in hits:
            if hit.outright or likely >= cuts.suspected:
                _keep(found, hit.rule, heard if hit.outright else Tier.SUSPECTED, _hit_quote(hit, reading))
        for rule, quote in forbidden_promises(reading):
            _keep(found, rule, heard, quote)
    alone = left_alone(reading)
    if alone is not None:
        _keep(found, RedLine.IGNORE_SAFETY, *alone)
    if likely >= cuts.suspected and reading.clauses and not (found and likely < cuts.alone):
        rule = max(RedLine, key=lambda rule: judgement.outputs[str(rule)])
        tier = Tier.CONFIRMED if likely >= cuts.alone else Tier.SUSPECTED
        _keep(found, rule, tier, quote_around(judgement.clause_head(str(rule)), reading))
    return tuple(sorted(found.values(), key=lambda breach: (breach.tier is not Tier.CONFIRMED, str(breach.rule))))


def _keep(found: dict[RedLine, Breach], rule: RedLine, tier: Tier, quote: str | None) -> None:
    known = found.get(rule)
    if quote and (known is None or (known.tier is Tier.SUSPECTED and tier is Tier.CONFIRMED)):
        found[rule] = Breach(rule, tier, quote)


def _hit_quote(hit: Hit, reading: Reading) -> str | None:
    """The whole clauses around a hit."""
    touched = [clause for clause in reading.clauses if clause.start < hit.end and hit.start < clause.end]
    if not touched:
        return quote_between(reading, hit.start, hit.end)
    return quote_between(reading, touched[0].start, touched[-1].end)
