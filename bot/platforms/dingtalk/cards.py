"""Interactive cards: the bodies that create and update one, and what became of it (DT-A0782, A0783, K0007). Pure.

The template is made by the operator with these text variables: title, content (markdown), button1…6 with says1…6,
more, chosen. Each button's callback carries the param `says`, bound to its saysN; `chosen` is set for whoever tapped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.errors import Ambiguous
from bot.platforms.base import Payload, Sent
from bot.platforms.dingtalk.account import Account

CREATE = "/v1.0/card/instances/createAndDeliver"
UPDATE = "/v1.0/card/instances"
_KEY = re.compile(r"[0-9A-Za-z_]{1,64}\.[0-9]{1,4}")
_TRACK = re.compile(r"([0-9A-Za-z_]{1,64})-([0-9]{1,4})-[0-9a-f]{12}")
_SPACE = "dtv1.card//IM_ROBOT."


def track_id(key: str, recipients: Sequence[str]) -> str:
    """A card's own id: the same for a repeated call, another one as soon as the people differ. It says the key."""
    digest = hashlib.sha256("\n".join([key, *recipients]).encode()).hexdigest()
    return f"{key.replace('.', '-')}-{digest[:12]}" if _KEY.fullmatch(key) else digest[:32]


def key_of(track: str) -> str:
    """The key that a card with this id was sent with; something unknown for an id that is not ours."""
    found = _TRACK.fullmatch(track)
    return f"{found[1]}.{found[2]}" if found else "?"


def creation(account: Account, card: Mapping[str, str], track: str, recipients: Sequence[str]) -> Payload:
    """The body that shows a card to these people in their chats with the robot."""
    return {
        "cardTemplateId": account.card_template,
        "outTrackId": track,
        "callbackType": "STREAM",
        "cardData": {"cardParamMap": dict(card)},
        "openSpaceId": ";".join(f"{_SPACE}{name}" for name in recipients),
        "imRobotOpenSpaceModel": {"supportForward": False},
        "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": account.robot},
        "userIdType": 1,
    }


def delivered(data: Mapping[str, Any], track: str, recipients: Sequence[str]) -> Sent:
    """Who has got a card: each person's own result counts. Raises Ambiguous when somebody's is missing."""
    result = data.get("result")
    results = result.get("deliverResults") if isinstance(result, dict) else None
    failed: dict[str, str] = {}
    known: set[str] = set()
    for entry in results if isinstance(results, list) else []:
        name = _whose(entry, recipients)
        if name:
            known.add(name)
            if entry.get("success") is not True:
                failed[name] = f"卡片没有送到：{str(entry.get('errorMsg') or '没有说明')[:80]}"
    if known != set(recipients):
        raise Ambiguous("钉钉没有说每个人的卡片是否送到", "garbage")
    return Sent(track, failed)


def _whose(entry: Any, recipients: Sequence[str]) -> str:
    """The person of one result; the documents show spaceId both bare and as an openSpaceId."""
    space = str(entry.get("spaceId", "")) if isinstance(entry, dict) else ""
    return next((name for name in recipients if space in (name, f"{_SPACE}{name}")), "")


def answer(says: str) -> Payload:
    """What a callback's answer changes, for whoever tapped: `chosen`, and nothing else of the card."""
    return {
        "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
        "userPrivateData": {"cardParamMap": {"chosen": _value(says)}},
    }


def update(track: str, user: str, says: str) -> Payload:
    """The same as a call of the API, for an answer that would come too late."""
    return {
        "outTrackId": track,
        "privateData": {user: {"cardParamMap": {"chosen": _value(says)}}},
        "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
        "userIdType": 1,
    }


def _value(text: str) -> str:
    return text.encode()[:1000].decode(errors="ignore")
