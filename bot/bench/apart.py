"""A measurement in a process of its own, so that nothing before it warms a cache or stretches its memory."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


async def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a module's function in a fresh process; what it returns or raises comes back."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return await asyncio.wrap_future(pool.submit(work, *args, **kwargs))


class Memory:
    """Watches this process from now on; `grown` is how many MB more it held at its height."""

    def __init__(self) -> None:
        gc.collect()
        self._resets = _reset_peak()
        self._before = _kilobytes("VmRSS") if self._resets else _highest()

    @property
    def grown(self) -> float:
        now = _kilobytes("VmHWM") if self._resets else _highest()
        return max(0, now - self._before) / 1024


def _reset_peak() -> bool:
    """Linux forgets its high-water mark on request; elsewhere the mark since the start has to do."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def _kilobytes(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def _highest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
