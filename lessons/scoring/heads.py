"""The names of everything the models answer, in order; shared by training and use."""

from __future__ import annotations

from lessons.model import Criterion, RedLine

GRADER = "grader"
OFF_TOPIC, STUFFING = TRICKS = ("off-topic", "stuffing")
RULES: tuple[str, ...] = (*(str(rule) for rule in RedLine), GRADER)
CRITERIA: tuple[str, ...] = tuple(str(criterion) for criterion in Criterion)
QUOTED = tuple(criterion for criterion in Criterion if criterion is not Criterion.EXPRESSION)

#: One linear head each over the whole reply: is the level at least 1, at least 2, … and which rule is broken.
REPLY_HEADS: tuple[str, ...] = (
    *(f"{criterion}>={level}" for criterion in Criterion for level in (1, 2)),
    "compliance>=1",
    "compliance>=2",
    *(f"band>={band}" for band in (1, 2, 3, 4)),
    "red-line",
    *RULES,
    "nothing-to-explain",
)
#: One linear head each over every clause; the last three are what the whole reply got, for want of anything finer.
CLAUSE_HEADS: tuple[str, ...] = (
    *(str(criterion) for criterion in QUOTED),
    "red-line",
    *RULES,
    "band",
    "compliance",
    "cold",
)
#: What the forest answers, each between 0 and 1.
OUTPUTS: tuple[str, ...] = (
    *CRITERIA,
    "compliance",
    "band",
    "red-line",
    *RULES,
    "nothing-to-explain",
    *TRICKS,
)
#: How the clause heads of a reply are summed up.
POOLS = ("best", "best-two", "mean", "last")
