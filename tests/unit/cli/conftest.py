"""`run("lessons", "check", folder)`: the command line as its user meets it, on settings and a database of its own."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from tests.unit.writing import KNOWLEDGE, LESSON, TEMPLATES, folder


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The output as one JSON object a line."""
        return [json.loads(line) for line in self.lines]


Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with no settings but a database and a calendar that knows the coming years."""
    for name in [name for name in os.environ if name.startswith("JIEHUA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    year = datetime.now(UTC).year
    days = [f"{each}-01-{number:02}" for each in (year, year + 1) for number in range(1, 29)]
    (tmp_path / "calendar.yaml").write_text(f"free: [{', '.join(days)}]\n", encoding="utf-8")
    monkeypatch.setenv("JIEHUA_CALENDAR_FILE", "calendar.yaml")
    monkeypatch.setenv("JIEHUA_DATABASE_URL", "sqlite:///jiehua.db")
    return tmp_path


@pytest.fixture
def content(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small sound content folder, also set as the content in force."""
    monkeypatch.setenv("JIEHUA_CONTENT", "content")
    folder(home / "content", lesson=LESSON, choice=KNOWLEDGE, templates=TEMPLATES)
    return Path("content")


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards: serve and demo send it to this test's standard error."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture
def run(home: Path, root: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: object, stdin: str | bytes = "") -> Result:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(code, captured.out, captured.err)

    return run
