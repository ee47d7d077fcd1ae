"""callbacks: an answer in WeCom end to end: opened, stored durably, scored, its feedback in the same HTTP response.

One bot process, everybody answers one question in words nobody has used before. First at a fixed rate, then as fast
as it goes. Baseline: a bare aiohttp + wechatpy echo, pushed by the same load process in the same run.
"""

from __future__ import annotations

import random

from bot.bench.pushing import Pushed, Shape, common, echoed, faults, loading, organised, pushed
from bot.bench.report import Figure, Options, Progress, Report, at_least, at_most
from bot.bench.words import answers

_WARM, _QUICK_WARM = 240, 12
_RATE, _QUICK_RATE = 100.0, 10.0
_A_SECOND, _P99, _SHARE = at_least(150), at_most(250), at_least(0.05)


async def run(options: Options, progress: Progress) -> Report:
    """Every size of organisation, `runs` times."""
    figures: list[Figure] = []
    notes: list[str] = []
    with progress.of("callbacks", len(options.people) * options.runs) as show:
        for place, people in enumerate(options.people):
            found = []
            for turn in range(options.runs):
                found.append(await _once(options, people, turn))
                show(place * options.runs + turn + 1)
            figures += common(people, found, _A_SECOND, _SHARE, _P99)
            notes += [fault for each in found for fault in faults(each, bare=False)]
    setting = {"database": options.kind, "seconds": options.seconds, "runs": options.runs}
    setting |= {"scorers": options.scorers}
    return Report("callbacks", figures, setting, notes, sound=not notes)


async def _once(options: Options, people: int, turn: int) -> Pushed:
    dice = random.Random(options.seed + turn)
    warm = _QUICK_WARM if options.quick else _WARM
    shape = Shape(options.seconds, _QUICK_RATE if options.quick else _RATE)
    async with loading() as load, organised(options, people) as (database, asked):
        says = answers(asked, dice)
        paced = warm + int(shape.seconds * shape.rate)
        echo = await echoed(load, shape, says)
        return await pushed(load, database, shape, echo, says[:warm], says[warm:paced], says[paced:], options.scorers)
