"""Log lines: a sentence, an action and ids; never bodies, secrets or names."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_SECRET = re.compile(
    r"(access_token|corpsecret|secret|ticket|msg_signature|signature|echostr|key|token)=([^&\s\"']+)", re.IGNORECASE
)

_about: ContextVar[dict[str, Any]] = ContextVar("about")


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """Put these ids on every line logged inside, also by tasks started there."""
    token = _about.set(_about.get({}) | ids)
    try:
        yield
    finally:
        _about.reset(token)


def ids_of(record: logging.LogRecord) -> dict[str, Any]:
    """The ids of a line: its own and those of what it is about."""
    return _about.get({}) | getattr(record, "ids", {})


def redact(text: str) -> str:
    """Query values that are secrets or tokens, replaced by ***."""
    return _SECRET.sub(r"\1=***", text)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, action, sentence and the ids passed with `extra={'ids': {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "action": getattr(record, "action", record.name),
            "message": redact(record.getMessage()),
            **ids_of(record),
        }
        if record.exc_info:
            entry["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)


class Sentences(logging.Formatter):
    """The same for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{key}={value}" for key, value in ids_of(record).items())
        text = (
            f"{self.formatTime(record, '%H:%M:%S')} {record.levelname:<7} {redact(record.getMessage())} {ids}".rstrip()
        )
        return f"{text}\n{redact(self.formatException(record.exc_info))}" if record.exc_info else text


def start(level: str = "INFO", *, as_json: bool = False) -> None:
    """Send every log line to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else Sentences())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    quiet()


def quiet() -> None:
    """Libraries that would log message bodies, or a line for every tick, say only what is wrong."""
    for name in ("aiosqlite", "sqlalchemy", "psycopg", "aiohttp.access", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a skipped tick comes again


def note(logger: logging.Logger, action: str, sentence: str, level: int = logging.INFO, **ids: Any) -> None:
    """Log a sentence with its action and ids."""
    logger.log(level, sentence, extra={"action": action, "ids": ids})
