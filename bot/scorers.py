"""Scoring in processes of its own, so that it and the event loop do not wait for each other's interpreter.

A process takes some 200 MB and a second or two to open; until one is there, and should one die, nobody waits for it:
`prepared` says None and the caller scores by itself.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing.connection import wait

from bot.core.log import note
from lessons.model import Lesson
from lessons.scoring import Scorer
from lessons.scoring.result import Score

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _scorer() -> Scorer:
    """The scorer of a scoring process."""
    return Scorer.built_in()


class Scorers:
    """So many processes that score replies; `start` opens them and `stop` ends them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._opening: list[Future[None]] = []

    def start(self) -> None:
        """Open the processes; comes back at once."""
        self._pool = ProcessPoolExecutor(self._count, multiprocessing.get_context("spawn"), _open)
        self._opening = [self._pool.submit(_warm) for _ in range(self._count)]

    def stop(self) -> None:
        """End the processes; what they were scoring is not waited for."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def ready(self) -> bool:
        return self._pool is not None and any(opened.done() for opened in self._opening)

    async def scored(self, lesson: Lesson, text: str) -> Score | None:
        """The score of a reply; None while no process is ready, or when it died over it."""
        pool = self._pool
        if pool is None or not self.ready:
            return None
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _score, lesson, text)
        except BrokenProcessPool:
            if self._pool is pool:
                note(log, "scorers.died", "a scoring process died; others are opened", logging.WARNING)
                self.stop()
                self.start()
            return None


def _open() -> None:
    """Begin a scoring process: it leaves the signals of the terminal to its parent, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(0)), daemon=True).start()
    _scorer()


def _warm() -> None:
    """Nothing; done when a process is open."""


def _score(lesson: Lesson, text: str) -> Score:
    return _scorer().score(lesson, text)
