"""Processes that score: the same scores, nobody waits for one that is not there, and none outlives the bot."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.library import ContentLibrary
from bot.scorers import Scorers
from bot.scoring import OfflineGrader
from handlers.context import Desk
from lessons.model import Lesson
from lessons.scoring import Scorer
from lessons.scoring.result import Score

REPLY = "您辛苦挣的钱，想问个明白太应该了。年费我这就帮您申请退，五个工作日到账，明天十点前给您回电。"
asked: list[str] = []

CHILD = """
import multiprocessing, sys, time
from bot.scorers import Scorers

if __name__ == "__main__":
    scorers = Scorers(1)
    scorers.start()
    while not scorers.ready:
        time.sleep(0.05)
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    time.sleep(600)
"""


class Counting(Scorer):
    """The scorer of this process, with what it was asked."""

    def score(self, lesson: Lesson, text: str) -> Score:
        asked.append(text)
        return super().score(lesson, text)


@pytest.fixture
async def scorers() -> AsyncIterator[Scorers]:
    found = Scorers(1)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def lesson(opened: tuple[ContentLibrary, Desk]) -> Lesson:
    found = opened[0].catalogue.lessons["unmet-refund-all-fees"]
    assert isinstance(found, Lesson)
    return found


async def _ready(scorers: Scorers) -> None:
    for _ in range(1200):
        if scorers.ready:
            return
        await asyncio.sleep(0.05)
    pytest.fail("no process is ready within a minute")


async def test_a_process_scores_as_the_scorer_does(scorers: Scorers, lesson: Lesson) -> None:
    assert await scorers.scored(lesson, REPLY) is None, "nobody waits for a process that is not open yet"
    await _ready(scorers)
    inner = Counting.built_in()
    grader = OfflineGrader(inner, scorers=scorers)
    await grader.prepare(lesson, REPLY)
    assert grader.score(lesson, REPLY) == Scorer.built_in().score(lesson, REPLY)
    assert asked, "the exam is sat here"
    assert REPLY not in asked, "the process scored it"


async def test_a_process_that_dies_is_replaced_and_nobody_waits(scorers: Scorers, lesson: Lesson) -> None:
    await _ready(scorers)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join(10)
    grader = OfflineGrader(Scorer.built_in(), scorers=scorers)
    await grader.prepare(lesson, REPLY)
    assert grader.score(lesson, REPLY).points > 0
    await _ready(scorers)
    assert await scorers.scored(lesson, REPLY) == grader.score(lesson, REPLY)


def test_it_does_not_outlive_the_bot(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(CHILD, encoding="utf-8")
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(root)}
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
