"""search-path: commands and template searches in WeCom end to end, half of each, on the path that answers take.

Nobody has an open question, so nothing is scored. Baseline: the bare echo, as for the callbacks.
"""

from __future__ import annotations

import random

from bot.bench.pushing import Pushed, Shape, common, echoed, faults, loading, organised, pushed
from bot.bench.report import Figure, Options, Progress, Report, at_least, at_most
from bot.bench.words import requests

_WARM, _QUICK_WARM = 100, 10
_RATE, _QUICK_RATE = 200.0, 10.0
_FASTEST = 1_500
"""Messages a second that are prepared for the part without a rate."""

_SHARE, _P99 = at_least(0.25), at_most(100)


async def run(options: Options, progress: Progress) -> Report:
    """Every size of organisation, `runs` times."""
    figures: list[Figure] = []
    notes: list[str] = []
    with progress.of("search-path", len(options.people) * options.runs) as show:
        for place, people in enumerate(options.people):
            found = []
            for turn in range(options.runs):
                found.append(await _once(options, people, turn))
                show(place * options.runs + turn + 1)
            figures += common(people, found, None, _SHARE, _P99)
            notes += [fault for each in found for fault in faults(each, bare=True)]
    setting = {"database": options.kind, "seconds": options.seconds, "runs": options.runs}
    return Report("search-path", figures, setting, notes, sound=not notes)


async def _once(options: Options, people: int, turn: int) -> Pushed:
    dice = random.Random(options.seed + turn)
    warm = _QUICK_WARM if options.quick else _WARM
    shape = Shape(options.seconds, _QUICK_RATE if options.quick else _RATE)
    paced = warm + int(shape.seconds * shape.rate)
    async with loading() as load, organised(options, people, asked=False) as (database, users):
        says = requests([user for user, _ in users], paced + int(shape.seconds * _FASTEST), dice)
        echo = await echoed(load, shape, says)
        return await pushed(load, database, shape, echo, says[:warm], says[warm:paced], says[paced:])
