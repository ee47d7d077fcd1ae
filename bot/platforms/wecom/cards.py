"""A message's buttons as a template card: small buttons for quick actions, a vote for a choice question. Pure.

Facts from WC90236. Lengths in characters are the vendor's advice; what is longer may be cut on a small screen. A card
comes after the words it belongs to and carries no words of its own, because it shows no more than a few lines.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from bot.core.messages import Button, Message
from bot.platforms.base import Payload
from bot.platforms.wecom.text import clean, one_line

FEWEST, MOST = 2, 6  # a single button is not worth a call of its own: it stands in the words
SUBMIT = "提交"
ONCE, MANY = "o_", "m_"
FACE_CHARACTERS = 20  # a tapped card's new button; the length is our choice, the document names none
_TITLE, _LABEL, _OPTION = 36, 10, 17
_KEY_BYTES = 1024
_TASK = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
_LETTER = re.compile(r"[A-Z]")


def card_of(message: Message) -> Payload | None:
    """The card with the buttons of a titled message; None when words serve better. Its task_id is set when sent."""
    buttons = message.buttons
    keys = [clean(button.says) for button in buttons]
    fits = FEWEST <= len(buttons) <= MOST and len(set(keys)) == len(keys)
    if not fits or not one_line(message.title, _TITLE) or not all(map(_fits, buttons, keys)):
        return None
    card = _vote(message) if is_choice(message) else _quick(message)
    return {"msgtype": "template_card", "template_card": card}


def _fits(button: Button, key: str) -> bool:
    return bool(key.strip()) and len(key.encode()) <= _KEY_BYTES and bool(one_line(button.label, _LABEL))


def is_choice(message: Message) -> bool:
    """Whether the buttons are the letters of a choice question."""
    return all(_LETTER.fullmatch(button.says) for button in message.buttons)


def _quick(message: Message) -> dict[str, Any]:
    return {
        "card_type": "button_interaction",
        "main_title": {"title": one_line(message.title, _TITLE), "desc": "点一下就行，也可以直接打字"},
        "button_list": [
            {"type": 0, "text": _shown(message, button, _LABEL), "style": 2 if number else 1, "key": clean(button.says)}
            for number, button in enumerate(message.buttons)
        ],
    }


def _vote(message: Message) -> dict[str, Any]:
    return {
        "card_type": "vote_interaction",
        "main_title": {"title": one_line(message.title, _TITLE), "desc": "选好点“提交”，也可以直接回复字母"},
        "checkbox": {
            "question_key": "choice",
            "mode": 0,
            "option_list": [{"id": each.says, "text": _shown(message, each, _OPTION)} for each in message.buttons],
        },
        "submit_button": {"text": SUBMIT, "key": SUBMIT},
    }


def _shown(message: Message, button: Button, most: int) -> str:
    """A button's label; a letter or number comes with the beginning of its line, which stands above as a whole."""
    line = next((line.text for line in message.lines if line.text.startswith(f"{button.says}. ")), button.label)
    return one_line(line, most)


def in_words(payload: Payload) -> Payload:
    """What is sent instead of a card that the vendor does not take."""
    card = payload["template_card"]
    says = [button["key"] for button in card.get("button_list", ())]
    says += [option["id"] for option in card.get("checkbox", {}).get("option_list", ())]
    return {"msgtype": "text", "text": {"content": "可以回复：" + "、".join(f"「{each}」" for each in says)}}


def task_id(key: str, card: Mapping[str, Any]) -> str:
    """A card's id from the key it is sent with: unique per app, of digits, letters and _-@, at most 128 bytes.

    It says whether one tap settles the card (`o_`) or every button may be tapped (`m_`), as in a numbered list.
    """
    keys = [str(button.get("key")) for button in card.get("button_list", ())]
    start = MANY if any(each.isdigit() for each in keys) else ONCE
    turned = start + key.replace(".", "@")
    if not key:
        return f"{start}{secrets.token_hex(16)}"
    return turned if "@" not in key and _TASK.fullmatch(turned) else start + hashlib.sha256(key.encode()).hexdigest()


def key_of(task: str) -> str:
    """The key that a card with this id was sent with; something unknown for an id that is not ours."""
    ours = task.startswith((MANY, ONCE)) and len(task) > len(MANY)
    return task[len(MANY) :].replace("@", ".") if ours else "?"
