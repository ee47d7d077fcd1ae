"""search-path: commands and template searches in WeCom end to end, half of each, on the path that answers take.

Nobody has an open question, so nothing is scored. Baseline: the bare echo, as for the callbacks.
"""

from __future__ import annotations

import random

from bot.bench.pushing import Goals, Pushed, Shape, echoed, loading, organised, pushed, sweep
from bot.bench.report import Options, Progress, Report, at_least, at_most
from bot.bench.words import requests

_WARM, _QUICK_WARM = 100, 10
_RATE, _QUICK_RATE = 200.0, 10.0
_FASTEST = 1_500
"""Messages a second that are prepared for the part without a rate."""

_GOALS = Goals(None, at_least(0.25), at_most(100), bare=True)


async def run(options: Options, progress: Progress) -> Report:
    """Every size of organisation, `runs` times."""
    return await sweep("search-path", options, progress, _once, _GOALS)


async def _once(options: Options, people: int, turn: int) -> Pushed:
    dice = random.Random(options.seed + turn)
    warm = _QUICK_WARM if options.quick else _WARM
    shape = Shape(options.seconds, _QUICK_RATE if options.quick else _RATE)
    paced = warm + int(shape.seconds * shape.rate)
    async with loading() as load, organised(options, people, asked=False) as (database, users):
        says = requests([user for user, _ in users], paced + int(shape.seconds * _FASTEST), dice)
        echo = await echoed(load, shape, says)
        return await pushed(load, database, shape, echo, says[:warm], says[warm:paced], says[paced:])
