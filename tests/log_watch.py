"""Searches the log of the whole run for secrets: every record, of every test, also where nobody looks.

Records are taken where they are made, so that no handler, level of a handler or `force=True` hides one. They are read
at the end of each test, which then fails by name; what the libraries say below WARNING counts no more than it does in
production, where core.log.quiet() silences it.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest

from bot.core.log import JsonLines, quiet
from tests.fakes.handed import shown_in

# The official SDK and its sockets log tickets; it runs in a test of our fake and nowhere else.
FOREIGN = ("dingtalk_stream", "websockets", "tests.dingtalk_sdk")
_FORMATS = (logging.Formatter(), JsonLines())


class Watch:
    """The records since it was last asked, and how many there have been in all."""

    def __init__(self) -> None:
        self.count = 0
        self._records: list[logging.LogRecord] = []

    def record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """A record factory; what is passed as `extra` is added to the record afterwards."""
        record = logging.LogRecord(*args, **kwargs)
        self._records.append(record)
        self.count += 1
        return record

    def leaks(self) -> list[str]:
        """One line for each record that shows a secret: who logged it and what kind of secret, never the secret."""
        records, self._records = self._records, []
        found = ((record, shown_in(_everything(record))) for record in records)
        return [
            f"{record.name}:{record.lineno} shows {', '.join(sorted(what))}"
            for record, what in found
            if what and not record.name.startswith(FOREIGN)
        ]


def _everything(record: logging.LogRecord) -> str:
    """A record as it reaches a file, the same unredacted, and all its attributes."""
    return "\n".join([*(formatter.format(record) for formatter in _FORMATS), str(vars(record))])


WATCH = Watch()


def pytest_configure() -> None:
    quiet()
    logging.setLogRecordFactory(WATCH.record)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Every test begins at the level of production; pytest's own would be WARNING."""
    logging.getLogger().setLevel(logging.INFO)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, None, None]:
    """After everything else of a test has ended: its log, and what a fixture of the session logged meanwhile."""
    yield
    leaks = WATCH.leaks()
    assert leaks == [], f"a secret stands in the log: {leaks}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What was logged after the last test."""
    leaks = WATCH.leaks()
    if leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError("a secret stands in the log: " + "; ".join(leaks))
