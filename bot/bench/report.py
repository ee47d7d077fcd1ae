"""What a benchmark is asked and what it says: options, figures with their baselines and goals, a table, JSON, and a
progress bar; it measures nothing itself."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from bot.bench.machine import cores

_BAR = 24
_QUIET_SECONDS = 1.0
_REDRAW_SECONDS = 0.1


@dataclass(frozen=True)
class Options:
    """What a benchmark is asked. `database` is `sqlite`, or the URL of an empty PostgreSQL database;
    files that are needed meanwhile stand in `folder`, on the disk that a bot would use."""

    people: tuple[int, ...] = (1_000, 10_000, 100_000)
    seconds: float = 20.0
    runs: int = 3
    seed: int = 2026
    quick: bool = False
    database: str = "sqlite"
    folder: Path = Path("var/bench")
    scorers: int = 0  # callbacks: processes that only score
    freeze: float = 0.0  # faults: seconds a process may be held still, 0 for never

    @property
    def kind(self) -> str:
        """The database without its address."""
        return "SQLite" if self.database == "sqlite" else "PostgreSQL"


@dataclass(frozen=True)
class Goal:
    """A number to hold: `least`, `most`, or both."""

    least: float = -math.inf
    most: float = math.inf

    def met(self, value: float) -> bool:
        return self.least <= value <= self.most

    def __str__(self) -> str:
        bounds = [f"≥ {number(self.least)}"] if math.isfinite(self.least) else []
        return "，".join(bounds + ([f"≤ {number(self.most)}"] if math.isfinite(self.most) else []))


def at_least(value: float) -> Goal:
    return Goal(least=value)


def at_most(value: float) -> Goal:
    return Goal(most=value)


@dataclass(frozen=True)
class Baseline:
    """A named figure of the same run, in the unit of what is compared with it."""

    name: str
    value: float


@dataclass(frozen=True)
class Figure:
    """One measured number. `key` is for programs, `label` for people; `at` is the point of a curve, such as 10000."""

    key: str
    label: str
    value: float
    unit: str = ""
    at: int | None = None
    goal: Goal | None = None
    against: Baseline | None = None
    ratio_goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """The value divided by the baseline's; None without one."""
        if self.against is None or not self.against.value:
            return None
        return self.value / self.against.value

    @property
    def met(self) -> bool | None:
        """Whether every goal is met; None where there is none."""
        checks = [self.goal.met(self.value)] if self.goal else []
        if self.ratio_goal:
            checks.append(self.ratio is not None and self.ratio_goal.met(self.ratio))
        return all(checks) if checks else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the fields are always there."""
        return {
            "key": self.key,
            "value": rounded(self.value),
            "unit": self.unit,
            "at": self.at,
            "goal": str(self.goal) if self.goal else None,
            "baseline": {"name": self.against.name, "value": rounded(self.against.value)} if self.against else None,
            "ratio": None if self.ratio is None else rounded(self.ratio),
            "ratio_goal": str(self.ratio_goal) if self.ratio_goal else None,
            "met": self.met,
        }


@dataclass(frozen=True)
class Report:
    """What one benchmark found. `sound` is false when something was wrong that no machine may excuse."""

    bench: str
    figures: Sequence[Figure]
    setting: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    sound: bool = True

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "bench": self.bench,
            **machine(),
            "setting": self.setting,
            "figures": [figure.to_dict() for figure in self.figures],
            "notes": list(self.notes),
            "sound": self.sound,
        }

    def to_text(self) -> str:
        """A table for people."""
        head = "，".join(f"{key} {value}" for key, value in {**machine(), **self.setting}.items())
        rows = [("项目", "规模", "结果", "目标", "对照", "比值", "")] + [_row(figure) for figure in self.figures]
        widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([f"【{self.bench}】{head}", *(line.rstrip() for line in lines), *self.notes])


def machine() -> dict[str, Any]:
    """When and on what it ran; `load` is the machine's load of the last minute, ours included."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"at": now, "cores": cores(), "python": platform.python_version(), "load": round(os.getloadavg()[0], 2)}


def middle(values: Sequence[float]) -> float:
    """The median; 0 of nothing."""
    return median(values) if values else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0–1) of all do not exceed (nearest rank); 0 of nothing."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def rounded(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}") if math.isfinite(value) else value


def number(value: float) -> str:
    """As people read it: `1,234`, `12.3`, `0.012`."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


class Progress:
    """A bar on `out`, only on a terminal and only after a second; everywhere else it says nothing."""

    def __init__(self, out: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._out = out if out.isatty() else None
        self._now = now
        self._drawn = 0.0

    @contextmanager
    def of(self, label: str, total: float) -> Iterator[Callable[[float], None]]:
        """Show how far `label` is; call what comes back with how much is done of `total`."""
        started = self._now()

        def show(done: float) -> None:
            now = self._now()
            if self._out is None or now - started < _QUIET_SECONDS or now - self._drawn < _REDRAW_SECONDS:
                return
            self._drawn = now
            full = round(_BAR * min(1.0, done / total)) if total else _BAR
            line = f"\r{label} {'█' * full}{'░' * (_BAR - full)} {number(done)}/{number(total)} {now - started:.0f} 秒"
            self._out.write(line + "\x1b[K")
            self._out.flush()

        try:
            yield show
        finally:
            if self._out is not None and self._drawn >= started:
                self._out.write("\r\x1b[K")
                self._out.flush()


def _row(figure: Figure) -> tuple[str, ...]:
    ratio, unit = figure.ratio, f" {figure.unit}" if figure.unit else ""
    against = figure.against
    goals = [str(figure.goal)] if figure.goal else []
    goals += [f"比值 {figure.ratio_goal}"] if figure.ratio_goal else []
    return (
        figure.label,
        "" if figure.at is None else number(figure.at),
        number(rounded(figure.value)) + unit,
        "；".join(goals),
        f"{against.name} {number(rounded(against.value))}{unit}" if against else "",
        "" if ratio is None else f"{ratio:.3g}",
        {True: "达到", False: "没达到", None: ""}[figure.met],
    )


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if ord(char) >= 0x2E80 else 1 for char in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
