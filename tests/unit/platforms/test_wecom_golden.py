"""How every kind of message looks in WeCom, to the character. `GOLDEN=write` writes the files anew for review."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.core.clock import ManualClock
from bot.core.messages import Message
from bot.platforms.wecom.cards import MOST, task_id
from bot.platforms.wecom.render import render
from tests.fakes.wecom.cards import Cards

FOLDER = Path(__file__).parent / "golden"
MESSAGES: dict[str, Any] = json.loads((FOLDER / "messages.json").read_text(encoding="utf-8"))
"""One message of every kind, as the bot once said it."""


def message(kind: str) -> Message:
    return Message.from_json(json.dumps(MESSAGES[kind]))


@pytest.mark.parametrize("kind", MESSAGES)
def test_it_looks_as_it_did(kind: str) -> None:
    path = FOLDER / "wecom" / f"{kind}.json"
    shown = json.dumps(render(message(kind)), ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in (FOLDER / "wecom").iterdir()} == set(MESSAGES)


@pytest.mark.parametrize("kind", MESSAGES)
def test_it_is_within_the_vendors_limits(kind: str) -> None:
    cards = Cards(ManualClock(datetime(2026, 11, 23, tzinfo=UTC)))
    for number, payload in enumerate(render(message(kind))):
        body = payload[payload["msgtype"]]
        if payload["msgtype"] == "template_card":
            cards.check(body | {"task_id": task_id(f"0123456789abcdef.{number}", body)})
        elif payload["msgtype"] != "image":
            assert 0 < len(body["content"].encode()) <= 2048


@pytest.mark.parametrize("kind", MESSAGES)
def test_the_words_are_all_there_and_every_button_is_somewhere(kind: str) -> None:
    said = message(kind)
    payloads = render(said)
    shown = json.dumps(payloads, ensure_ascii=False)
    for line in said.lines:
        for row in line.text.split("\n"):
            assert json.dumps(row.strip(), ensure_ascii=False)[1:-1] in shown
    for button in said.buttons:
        assert f'"{button.says}"' in shown or f"「{button.says}」" in shown
    assert [payload["msgtype"] for payload in payloads[:-1]].count("template_card") == 0, "a card comes last"
    assert len(payloads) <= 3
    assert (payloads[-1]["msgtype"] == "template_card") is (2 <= len(said.buttons) <= MOST and bool(said.title))
