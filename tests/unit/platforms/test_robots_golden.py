"""How what goes into groups looks there, to the character. `GOLDEN=write` writes the files anew for review."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

from bot.core.clock import SystemClock
from bot.core.messages import Button, Message
from bot.platforms.base import Platform
from bot.platforms.dingtalk_robot import DingtalkRobot
from bot.platforms.wecom_robot import WecomRobot
from handlers import huddle
from handlers.manager import board_lines
from lessons import boards
from lessons.boards import Row
from lessons.catalogue import BUILT_IN, load
from lessons.gap import Gap
from lessons.model import Criterion, Lesson

FOLDER = Path(__file__).parent / "golden" / "robots"
KINDS = ("huddle", "board")


async def _no_picture(_picture: int) -> bytes:
    return b""


ROBOTS: dict[str, Platform] = {
    robot.name: robot
    for robot in (
        WecomRobot("http://127.0.0.1/send?key=x", clock=SystemClock(), picture_of=_no_picture),
        DingtalkRobot("http://127.0.0.1/send?access_token=x", "", clock=SystemClock()),
    )
}


def _card() -> Message:
    lesson = load(BUILT_IN).lessons["unmet-refund-all-fees"]
    assert isinstance(lesson, Lesson)
    return huddle.written(Gap(Criterion.EMPATHY, 0.43, lesson.id), lesson, f"晨会｜{date(2026, 11, 30):%-m月%-d日}")


def _board() -> Message:
    names = ("安一", "白二", "陈三", "丁四", "方五", "高六")
    rows = [Row(key, name, key % 2 + 1, 5, 5 - key % 2, 60.0 + key, 55.0, 4) for key, name in enumerate(names, 1)]
    lines = board_lines(boards.build(rows, {1: "客服中心", 2: "网点"}))
    return Message(tuple(lines), "周榜｜11月23日–11月29日", (Button("团队今天", "团队"),), picture=7)


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_looks_as_it_did(name: str, kind: str) -> None:
    path = FOLDER / f"{name}-{kind}.json"
    payloads = ROBOTS[name].render(_card() if kind == "huddle" else _board())
    shown = json.dumps(payloads, ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown
    assert "可以回复" not in shown, "nobody in a group can be answered"
    limit = ROBOTS[name].limits.part_bytes
    assert all(len(json.dumps(each, ensure_ascii=False).encode()) <= limit + 200 for each in payloads)


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {f"{name}-{kind}" for name in ROBOTS for kind in KINDS}
