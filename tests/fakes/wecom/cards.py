"""WeCom's template cards: which are taken, who has which, what was tapped, and how they change.

WC90236 (fields), WC94888 (update), WC90240 (response codes). Which errcode goes with which field stands in no document
we have, so `CODES` is a guess inside the documented range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.core.clock import Clock
from tests.fakes.handed import handed
from tests.fakes.wecom.tokens import Refusal

CODES = {
    "type": 42014,
    "title": 42015,
    "task_id": 42016,
    "buttons": 42030,
    "options": 42034,
    "text": 42037,
    "key": 42041,
}
_LIFE = timedelta(hours=72)
_TASK = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
_FIELDS = {
    "button_interaction": {"card_type", "main_title", "sub_title_text", "task_id", "button_list"},
    "vote_interaction": {"card_type", "main_title", "task_id", "checkbox", "submit_button"},
}
"""The two kinds of card the bot makes, with the fields it uses; everything else is refused."""

Card = dict[str, Any]


@dataclass
class Dealt:
    """One card that was sent: to whom, and what its face says instead of its buttons, by person."""

    card: Card
    users: list[str]
    faces: dict[str, str] = field(default_factory=dict)

    @property
    def task_id(self) -> str:
        return str(self.card["task_id"])

    @property
    def labels(self) -> list[str]:
        """What the person can tap."""
        if self.card["card_type"] == "vote_interaction":
            return [str(option["text"]) for option in self.card["checkbox"]["option_list"]]
        return [str(button["text"]) for button in self.card["button_list"]]

    def picked(self, label: str) -> tuple[str, dict[str, list[str]]]:
        """EventKey and SelectedItems of tapping what begins with `label`."""
        number = next(n for n, text in enumerate(self.labels) if text.startswith(label))
        if self.card["card_type"] == "vote_interaction":
            box = self.card["checkbox"]
            return self.card["submit_button"]["key"], {box["question_key"]: [box["option_list"][number]["id"]]}
        return self.card["button_list"][number]["key"], {}


@dataclass
class Code:
    """A response code: which card it changes, whose, until when. It works once."""

    dealt: Dealt
    users: list[str]
    until: datetime
    used: bool = False


class Cards:
    """Every card of one app, in the order sent. `callback` says that the app has a callback address."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.callback = True
        self.dealt: list[Dealt] = []
        self._codes: dict[str, Code] = {}
        self._numbers = count(1)

    def check(self, card: Any) -> Card:
        """The card, if it would be taken. Raises Refusal."""
        if not self.callback:
            raise Refusal(43012)
        if not isinstance(card, dict) or card.get("card_type") not in _FIELDS:
            raise Refusal(CODES["type"])
        if set(card) - _FIELDS[card["card_type"]]:
            raise Refusal(40035)
        title = card.get("main_title")
        if not isinstance(title, dict) or set(title) - {"title", "desc"} or not _words(title.get("title")):
            raise Refusal(CODES["title"])
        task = card.get("task_id")
        if not isinstance(task, str) or not _TASK.fullmatch(task) or self.of_task(task):
            raise Refusal(CODES["task_id"])
        if card["card_type"] == "button_interaction":
            _check_buttons(card.get("button_list"))
        else:
            _check_vote(card.get("checkbox"), card.get("submit_button"))
        return card

    def of_task(self, task: str) -> Dealt | None:
        return next((dealt for dealt in self.dealt if dealt.task_id == task), None)

    def deal(self, card: Card, users: list[str]) -> str:
        """Remember a card that is shown to `users`; returns the response code of the send."""
        dealt = Dealt(card, users)
        self.dealt.append(dealt)
        return self.code_for(dealt, users)

    def code_for(self, dealt: Dealt, users: list[str]) -> str:
        code = handed("response code", f"rc-{next(self._numbers)}-never-logged")
        self._codes[code] = Code(dealt, users, self.clock.now() + _LIFE)
        return code

    def held_by(self, user: str) -> list[Dealt]:
        """The person's cards, the newest last."""
        return [dealt for dealt in self.dealt if user.casefold() in {name.casefold() for name in dealt.users}]

    def update(self, body: Card) -> dict[str, Any]:
        """message/update_template_card with a list of people and a button. Raises Refusal."""
        if set(body) != {"userids", "agentid", "response_code", "button"} or set(body["button"]) != {"replace_name"}:
            raise Refusal(40035)
        wanted = body["userids"]
        if not isinstance(wanted, list) or not wanted:
            raise Refusal(82101)
        code = self._codes.get(str(body["response_code"]))
        if code is None or code.used or self.clock.now() >= code.until:
            raise Refusal(60140)
        if not _words(body["button"]["replace_name"]):
            raise Refusal(CODES["text"])
        mine = {name.casefold() for name in code.users}
        if not mine & {str(name).casefold() for name in wanted}:
            raise Refusal(82102)
        code.used = True
        for name in wanted:
            if str(name).casefold() in mine:
                self.set_face(code.dealt, name, body["button"]["replace_name"])
        return {"errcode": 0, "errmsg": "ok", "invaliduser": [n for n in wanted if str(n).casefold() not in mine]}

    def set_face(self, dealt: Dealt, user: str, words: str) -> None:
        dealt.faces[user.casefold()] = words


def _check_buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 6:
        raise Refusal(CODES["buttons"])
    for button in buttons:
        if set(button) - {"type", "text", "style", "key", "url"} or button.get("type", 0) != 0:
            raise Refusal(CODES["buttons"])
        if not _words(button.get("text")) or button.get("style", 1) not in (1, 2, 3, 4):
            raise Refusal(CODES["text"])
        if not _words(button.get("key")) or len(button["key"].encode()) > 1024:
            raise Refusal(CODES["key"])
    if len({button["key"] for button in buttons}) < len(buttons):
        raise Refusal(CODES["key"])


def _check_vote(box: Any, submit: Any) -> None:
    if not isinstance(box, dict) or set(box) - {"question_key", "mode", "option_list"} or box.get("mode") not in (0, 1):
        raise Refusal(CODES["options"])
    options = box.get("option_list")
    if not _words(box.get("question_key")) or not isinstance(options, list) or not 1 <= len(options) <= 20:
        raise Refusal(CODES["options"])
    ids = [option.get("id") for option in options]
    if len(set(ids)) < len(ids) or not all(_words(each) and len(str(each).encode()) <= 128 for each in ids):
        raise Refusal(CODES["options"])
    if not all(_words(option.get("text")) for option in options):
        raise Refusal(CODES["text"])
    if not isinstance(submit, dict) or not _words(submit.get("text")) or not _words(submit.get("key")):
        raise Refusal(CODES["key"])


def _words(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
