"""Log lines: one JSON object a line, ids beside the sentence, no secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.core import log
from bot.core.log import JsonLines, Sentences, note, redact

SECRETS = ["access_token", "corpsecret", "secret", "ticket", "msg_signature", "signature", "echostr", "key", "token"]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards."""
    logger = logging.getLogger()
    before = (logger.handlers[:], logger.level)
    yield logger
    logger.handlers[:], level = before
    logger.setLevel(level)


@pytest.mark.parametrize("name", [*SECRETS, "ACCESS_TOKEN", "Secret"])
def test_secret_query_values_are_hidden(name: str) -> None:
    text = f"GET https://api/send?{name}=abc-DEF_123&agent=7 failed"
    assert redact(text) == f"GET https://api/send?{name}=***&agent=7 failed"


def test_a_secret_ends_at_a_quote_or_blank() -> None:
    assert redact("url='x?token=abc' then") == "url='x?token=***' then"
    assert redact("nothing to hide: agentid=7") == "nothing to hide: agentid=7"


def _record(message: str, *args: Any, **extra: Any) -> logging.LogRecord:
    record = logging.LogRecord("bot.test", logging.WARNING, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    return record


def test_a_json_line_has_time_level_action_sentence_and_ids() -> None:
    line = JsonLines().format(_record("took up %s", "你好", action="delivery.sent", ids={"inbox": 7}))
    assert "\n" not in line
    entry = json.loads(line)
    assert datetime.fromisoformat(entry.pop("at")).utcoffset() is not None
    assert entry == {"level": "warning", "action": "delivery.sent", "message": "took up 你好", "inbox": 7}


def test_a_line_of_another_library_is_named_by_its_logger() -> None:
    assert json.loads(JsonLines().format(_record("hello")))["action"] == "bot.test"


def test_ids_of_any_type_can_be_logged() -> None:
    entry = json.loads(JsonLines().format(_record("hello", ids={"file": Path("a.yaml"), "at": datetime(2026, 1, 1)})))  # noqa: DTZ001
    assert entry["file"] == "a.yaml"
    assert entry["at"].startswith("2026-01-01")


def _failed() -> logging.LogRecord:
    record = _record("it failed at access_token=abc")
    try:
        raise ValueError("GET x?access_token=topsecret")
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


@pytest.mark.parametrize("formatter", [JsonLines(), Sentences()])
def test_traces_are_redacted_too(formatter: logging.Formatter) -> None:
    text = formatter.format(_failed())
    assert "ValueError" in text
    assert "topsecret" not in text
    assert "abc" not in text


def test_a_sentence_for_a_person() -> None:
    text = Sentences().format(_record("sent %d", 3, ids={"platform": "wecom", "people": 3}))
    assert text.endswith("WARNING sent 3 platform=wecom people=3")


def test_note_passes_action_and_ids(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bot.test"):
        note(logging.getLogger("bot.test"), "inbox.repeat", "a repeat", key="k1")
    entry = json.loads(JsonLines().format(caplog.records[0]))
    assert (entry["level"], entry["action"], entry["message"], entry["key"]) == (
        "info",
        "inbox.repeat",
        "a repeat",
        "k1",
    )


def test_start_sends_json_to_standard_error(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log.start("WARNING", as_json=True)
    logging.getLogger("bot.test").info("quiet")
    logging.getLogger("bot.test").warning("loud secret=x")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [json.loads(line)["message"] for line in captured.err.splitlines()] == ["loud secret=***"]
    assert root.level == logging.WARNING
