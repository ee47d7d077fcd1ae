"""What a push means to us: a robot message or a card's button → Incoming, or what to say instead. Pure.

Shapes from DT-A0718, A0699, K0007 (protocols.md E4, E6); Stream's `data` is the same JSON as the HTTP body.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import CallbackRefused
from bot.core.messages import Incoming, Kind
from bot.platforms.dingtalk.cards import key_of

QUOTA = "20001"  # over the month's push quota: the message comes without its text (DT-A1431)

GROUP = "我只在单聊里说话：点我的头像发消息就行，群里的话我没有记。"
STRANGER = "我认不出你是哪位同事，先没法回答。请管理员确认你在组织通讯录里，并且机器人的最新版本已经发布。"
NO_QUOTA = "刚才那句我没收到：公司这个月的钉钉消息额度用完了，已经告诉管理员。"


@dataclass(frozen=True)
class Session:
    """A message's sessionWebhook: a secret address that answers in its conversation until `expires_ms`."""

    url: str
    expires_ms: float

    def __repr__(self) -> str:
        return "Session(***)"


@dataclass(frozen=True)
class Heard:
    """A robot message: either `incoming`, or `instead`, what to tell whoever wrote it. Both may be missing."""

    incoming: Incoming | None = None
    session: Session | None = None
    instead: str = ""


@dataclass(frozen=True)
class Tap:
    """A button of a card that somebody tapped."""

    incoming: Incoming
    card: str  # its outTrackId
    says: str


def heard(data: Mapping[str, Any]) -> Heard:
    """A robot message. Raises CallbackRefused when it lacks what identifies it.

    The sender is the staff id as it is spelt; without one nobody is guessed from a nickname (DT-A0718).
    """
    session = _session(data)
    if over_quota(data):
        return Heard(session=session, instead=NO_QUOTA)
    key, sender = _text(data, "msgId"), _text(data, "senderStaffId")
    if not key:
        raise CallbackRefused("内容格式不对")
    if _text(data, "conversationType") == "2":
        return Heard(session=session, instead=GROUP)
    if not sender:
        return Heard(session=session, instead=STRANGER)
    words = _words(data)
    kind = Kind.OTHER if words is None else Kind.TEXT
    return Heard(Incoming("dingtalk", sender, key, kind, words or ""), session)


def over_quota(data: Mapping[str, Any]) -> bool:
    """Whether this push says that the organisation's quota is used up; events spell it differently."""
    return QUOTA in (str(data.get("errorCode", "")), str(data.get("errCode", "")))


def tapped(data: Mapping[str, Any]) -> Tap:
    """A card's actionCallback. What the button says stands in its params. Raises CallbackRefused."""
    card, sender = _text(data, "outTrackId"), _text(data, "userId")
    private = _mapping(_json(data.get("content")).get("cardPrivateData"))
    says = _text(_mapping(private.get("params")), "says").strip()
    if not card or not sender or not says:
        raise CallbackRefused("内容格式不对")
    key = f"card:{card}:{sender}:{hashlib.sha256(says.encode()).hexdigest()[:16]}"
    return Tap(Incoming("dingtalk", sender, key, Kind.CLICK, says, card=key_of(card)), card, says)


def _words(data: Mapping[str, Any]) -> str | None:
    """What was typed or, where the vendor has turned speech into text, said; None for anything else."""
    kind, content = _text(data, "msgtype"), _mapping(data.get("content"))
    if kind == "text":
        return _text(_mapping(data.get("text")), "content").strip()
    if kind == "audio":
        return _text(content, "recognition").strip() or None
    if kind == "richText":
        pieces = content.get("richText")
        texts = [_text(_mapping(piece), "text") for piece in pieces] if isinstance(pieces, list) else []
        return "".join(texts).strip() or None
    return None


def _session(data: Mapping[str, Any]) -> Session | None:
    url, expires = _text(data, "sessionWebhook"), data.get("sessionWebhookExpiredTime")
    if not url or isinstance(expires, bool) or not isinstance(expires, int | float):
        return None
    return Session(url, float(expires))


def _text(data: Mapping[str, Any], name: str) -> str:
    """A text; empty when it is missing or something else. Attributes may be absent."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _json(value: Any) -> Mapping[str, Any]:
    """The object in a JSON text."""
    try:
        return _mapping(json.loads(value)) if isinstance(value, str) else {}
    except (ValueError, RecursionError):
        return {}
