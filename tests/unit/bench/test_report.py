"""What a report says: ratios, goals, a table that lines up, and a bar only where somebody sees it."""

from __future__ import annotations

import io

import pytest

from bot.bench.machine import memory_of, work_of
from bot.bench.report import (
    Baseline,
    Figure,
    Goal,
    Progress,
    Report,
    at_least,
    at_most,
    middle,
    number,
    percentile,
)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Hands:
    """A stopwatch that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [(at_least(150), 150, True), (at_least(150), 149, False), (at_most(5), 5.1, False), (Goal(1, 2), 1.5, True)],
)
def test_a_goal_is_met_or_missed(goal: Goal, value: float, met: bool) -> None:
    assert goal.met(value) is met
    assert Figure("key", "", value, goal=goal).met is met


def test_both_goals_must_be_met() -> None:
    slow = Figure("rate", "", 200, goal=at_least(150), against=Baseline("echo", 8_000), ratio_goal=at_least(0.05))
    assert slow.ratio == 0.025
    assert slow.met is False


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    assert Figure("rate", "", 200).met is None


def test_a_baseline_of_nothing_gives_no_ratio_and_no_success() -> None:
    broken = Figure("rate", "", 200, against=Baseline("echo", 0.0), ratio_goal=at_least(0.05))
    assert broken.ratio is None
    assert broken.met is False


def test_the_table_lines_up_with_chinese_in_it() -> None:
    rows = [Figure("a", "排一天的题", 1.0, "秒", 1000, at_most(5)), Figure("b", "p95", 20.0, "毫秒")]
    lines = Report("plan", rows).to_text().splitlines()
    assert lines[0].startswith("【plan】")
    assert "达到" in lines[2]
    assert lines[2].index("1,000") + len("排一天的题") == lines[1].index("规模") + len("项目"), lines


def test_medians_and_percentiles() -> None:
    assert middle([3, 1, 2]) == 2
    assert middle([]) == 0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99
    assert percentile([7.0], 0.99) == 7


def test_numbers_as_people_read_them() -> None:
    assert [number(value) for value in (0.01234, 12.34, 5.0, 123456.7)] == ["0.0123", "12.3", "5", "123,457"]


def test_the_bar_is_drawn_after_a_second_and_wiped_away() -> None:
    screen, hands = Screen(), Hands()
    with Progress(screen, hands).of("plan", 10) as show:
        show(1)
        assert screen.getvalue() == "", "what takes no second needs no bar"
        hands.at += 2
        show(5)
        assert "5/10" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")


def test_no_bar_where_nobody_looks() -> None:
    paper, hands = io.StringIO(), Hands()
    with Progress(paper, hands).of("plan", 10) as show:
        hands.at += 5
        show(5)
    assert paper.getvalue() == ""


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert memory_of(2**22 + 1) == 0
    assert work_of(2**22 + 1) == 0
