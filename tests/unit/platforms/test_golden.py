"""How every kind of message looks on every platform, to the character. `GOLDEN=write` writes the files anew."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.core.clock import ManualClock
from bot.core.messages import Message
from bot.platforms.base import Payload, plain_text
from bot.platforms.dingtalk import Account as DingAccount
from bot.platforms.dingtalk import cards as ding_cards
from bot.platforms.dingtalk.platform import _sample
from bot.platforms.dingtalk.render import render as dingtalk
from bot.platforms.http import canonical
from bot.platforms.wecom.cards import MOST, task_id
from bot.platforms.wecom.render import render as wecom
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.wecom.cards import Cards

FOLDER = Path(__file__).parent / "golden"
MESSAGES: dict[str, Any] = json.loads((FOLDER / "messages.json").read_text(encoding="utf-8"))
"""One message of every kind, as the bot once said it; `long` is longer than any."""

NEEDED = {
    "question", "feedback", "search", "template", "knowledge", "board", "help", "drill", "alarm", "reminder", "long",
}  # fmt: skip
LOOKS: dict[str, Callable[[Message], list[Payload]]] = {
    "wecom": wecom,
    "wecom in words": partial(wecom, cards=False),
    "dingtalk": dingtalk,
    "dingtalk with links": partial(dingtalk, tap_links=True),
    "dingtalk with cards": partial(dingtalk, card=True),
    "plain": lambda message: [{"msgtype": "text", "text": {"content": plain_text(message)}}],
}
"""The last is what the command line and a passive reply show; the local page draws the message itself, which the
browser's tests look at."""


def message(kind: str) -> Message:
    return Message.from_json(json.dumps(MESSAGES[kind]))


EVERY = pytest.mark.parametrize("kind", MESSAGES)


@EVERY
@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_as_it_did(look: str, kind: str) -> None:
    path = FOLDER / look / f"{kind}.json"
    shown = json.dumps(LOOKS[look](message(kind)), ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


def test_every_kind_on_every_platform_and_no_file_is_left_over() -> None:
    assert set(MESSAGES) >= NEEDED
    found = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.json") if path.parent.name != "robots"}
    assert found == {(look, kind) for look in LOOKS for kind in MESSAGES}


@EVERY
@pytest.mark.parametrize("look", ["wecom", "wecom in words"])
def test_wecom_takes_it(look: str, kind: str) -> None:
    cards = Cards(ManualClock(datetime(2026, 11, 23, tzinfo=UTC)))
    for number, payload in enumerate(LOOKS[look](message(kind))):
        body = payload[payload["msgtype"]]
        if payload["msgtype"] == "template_card":
            assert look == "wecom"
            cards.check(body | {"task_id": task_id(f"0123456789abcdef.{number}", body)})
        elif payload["msgtype"] == "textcard":
            assert len(body["title"]) <= 128
            assert len(body["description"]) <= 512
            assert len(body["btntxt"]) <= 4
        elif payload["msgtype"] != "image":
            assert 0 < len(body["content"].encode()) <= 2048


@EVERY
@pytest.mark.parametrize("look", ["dingtalk", "dingtalk with links", "dingtalk with cards"])
def test_dingtalk_takes_it_by_robot_and_by_session(look: str, kind: str) -> None:
    """batchSend's and sendBySession's own checks, and createAndDeliver's."""
    fake = FakeDingTalk(["Alice"], clock=ManualClock(datetime(2026, 11, 23, tzinfo=UTC)))
    account = DingAccount(fake.client_id, fake.secret, card_template=fake.cards.template)
    session = fake.chats.message("Alice")["sessionWebhook"].split("session=")[1]
    payloads = LOOKS[look](message(kind))
    for number, payload in enumerate(payloads):
        if payload["msgtype"] == "card":
            assert look == "dingtalk with cards"
            fake.cards.create(ding_cards.creation(account, payload["card"], f"t{number}", ["Alice"]))
            continue
        key, param = _sample(payload)
        fake.vendor.batch_send({"robotCode": fake.client_id, "userIds": ["Alice"], "msgKey": key, "msgParam": param})
        assert fake.chats.say(session, payload, len(canonical(payload)))["errcode"] == 0
    words = [payload for payload in payloads if payload["msgtype"] != "card"]
    assert len(fake.hears("Alice")) == 2 * len(words) + (len(payloads) - len(words))


@EVERY
@pytest.mark.parametrize("look", LOOKS)
def test_the_words_are_all_there_and_every_button_is_somewhere(look: str, kind: str) -> None:
    """Marks that would be markup may have become their full-width twins."""
    said, payloads = message(kind), LOOKS[look](message(kind))
    shown = _twins(json.dumps(payloads, ensure_ascii=False))
    for line in said.lines:
        for row in line.text.split("\n"):
            assert _twins(json.dumps(row.strip(), ensure_ascii=False)[1:-1]) in shown
    for button in said.buttons:
        assert f'"{button.says}"' in shown or f"「{button.says}」" in shown or f"[{button.label}](dtmd:" in shown
    if look == "wecom":
        assert [payload["msgtype"] for payload in payloads[:-1]].count("template_card") == 0, "a card comes last"
        assert (payloads[-1]["msgtype"] == "template_card") is (2 <= len(said.buttons) <= MOST and bool(said.title))


def test_a_long_answer_is_numbered_parts() -> None:
    for look, most in (("wecom", 2048), ("dingtalk", 6000)):
        parts = [payload[payload["msgtype"]] for payload in LOOKS[look](message("long"))]
        texts = [part.get("content") or part.get("text") for part in parts if "card_type" not in part]
        assert len(texts) > 1
        assert all(text.startswith(f"（{n}/{len(texts)}）") for n, text in enumerate(texts, 1))
        assert all(len(text.encode()) <= most for text in texts)


def _twins(text: str) -> str:
    marks = {
        "＊": "*",
        "‘": "`",
        "＜": "<",
        "＞": ">",
        "＃": "#",
        "．": ".",
        "）": ")",
        "］": "]",
        "－": "-",
        "＋": "+",
    }
    return text.translate(str.maketrans(marks))
