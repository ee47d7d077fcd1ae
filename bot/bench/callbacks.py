"""callbacks: an answer in WeCom end to end: opened, stored durably, scored, its feedback in the same HTTP response.

One bot process, everybody answers one question in words nobody has used before. First at a fixed rate, then as fast
as it goes. Baseline: a bare aiohttp + wechatpy echo, pushed by the same load process in the same run.
"""

from __future__ import annotations

import random

from bot.bench.pushing import Goals, Pushed, Shape, echoed, loading, organised, pushed, sweep
from bot.bench.report import Options, Progress, Report, at_least, at_most
from bot.bench.words import answers

_WARM, _QUICK_WARM = 240, 12
_RATE, _QUICK_RATE = 100.0, 10.0
_GOALS = Goals(at_least(150), at_least(0.05), at_most(250), bare=False)


async def run(options: Options, progress: Progress) -> Report:
    """Every size of organisation, `runs` times."""
    return await sweep("callbacks", options, progress, _once, _GOALS, scorers=options.scorers)


async def _once(options: Options, people: int, turn: int) -> Pushed:
    dice = random.Random(options.seed + turn)
    warm = _QUICK_WARM if options.quick else _WARM
    shape = Shape(options.seconds, _QUICK_RATE if options.quick else _RATE)
    async with loading() as load, organised(options, people) as (database, asked):
        says = answers(asked, dice)
        paced = warm + int(shape.seconds * shape.rate)
        echo = await echoed(load, shape, says)
        return await pushed(load, database, shape, echo, says[:warm], says[warm:paced], says[paced:], options.scorers)
