"""What a decrypted WeCom callback means to us: an Incoming, or nothing. Pure; shapes from WC90239 and WC90240."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.errors import CallbackRefused
from bot.core.messages import Incoming, Kind

EVENTS: dict[str, Kind] = {
    "enter_agent": Kind.ENTER,
    "subscribe": Kind.SUBSCRIBE,  # the member came into the app's visible range
    "unsubscribe": Kind.UNSUBSCRIBE,
    "click": Kind.CLICK,
    "template_card_event": Kind.CLICK,
    "template_card_menu_event": Kind.CLICK,
}
"""The events that concern the chat. Others (location, view, change_contact, inactive_alert, …) are not for it."""

_DEAF = frozenset({Kind.UNSUBSCRIBE})  # WC90241 does not list it among the events that may be answered
_EVENT_KEY = ("CreateTime", "Event", "ChangeType", "EventKey", "TaskId", "ResponseCode")


def to_incoming(elements: Mapping[str, Any], corp_id: str, agent_id: int) -> Incoming | None:
    """The message or event for the chat; None for an event that does not concern it.

    The key is wide because MsgId repeats between people and two events may share a second (WxJava #333, #3002).
    Raises CallbackRefused when it is for another corp or app, or lacks what identifies it.
    """
    agent, event = _text(elements, "AgentID"), _text(elements, "Event").lower()
    is_event = _text(elements, "MsgType").lower() == "event"
    if _text(elements, "ToUserName") != corp_id or (agent and agent != str(agent_id)):
        raise CallbackRefused("不是发给本应用的")
    if is_event and event not in EVENTS:
        return None
    sender = _text(elements, "FromUserName").casefold()
    unique = [_text(elements, name) for name in _EVENT_KEY] if is_event else [_text(elements, "MsgId")]
    if not agent or not sender or not unique[0]:
        raise CallbackRefused("内容格式不对")
    kind, text = _meaning(elements, is_event, event)
    return Incoming(
        platform="wecom",
        sender=sender,
        key=":".join([agent, sender, *unique]),
        kind=kind,
        text=text,
        passive=kind not in _DEAF,
    )


def _meaning(elements: Mapping[str, Any], is_event: bool, event: str) -> tuple[Kind, str]:
    if is_event:
        kind = EVENTS[event]
        return kind, _text(elements, "EventKey") if kind is Kind.CLICK else ""
    if _text(elements, "MsgType").lower() == "text":
        return Kind.TEXT, _text(elements, "Content")
    return Kind.OTHER, ""


def _text(elements: Mapping[str, Any], name: str) -> str:
    """An element's text; empty when it is missing, empty or has children."""
    value = elements.get(name)
    return value if isinstance(value, str) else ""
