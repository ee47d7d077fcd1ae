"""What a decrypted WeCom callback means to us: an Incoming, a Notice, a ContactChange, or nothing. Pure.

Shapes from WC90239 and WC90240, contacts from WC90970.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.core.clock import SHANGHAI
from bot.core.errors import CallbackRefused
from bot.core.messages import Incoming, Kind
from bot.platforms.base import ContactChange, Notice
from bot.platforms.wecom.cards import MANY, key_of

EVENTS: dict[str, Kind] = {
    "enter_agent": Kind.ENTER,
    "subscribe": Kind.SUBSCRIBE,  # the member came into the app's visible range
    "unsubscribe": Kind.UNSUBSCRIBE,
    "click": Kind.CLICK,
    "template_card_event": Kind.CLICK,
    "template_card_menu_event": Kind.CLICK,
}
"""The events that concern the chat. What stands in none of these tables (location, view, …) is nothing to us."""

WARNINGS: dict[str, str] = {
    "inactive_alert": "应用很久没人用，企业微信将在{when}停用它。请让成员打开应用用一次，或到管理后台处理。",
    "close_inactive_agent": "应用因为很久没人用，已被企业微信停用，消息发不出去。请到管理后台重新启用。",
    "reopen_inactive_agent": "应用已经重新启用，积压的消息会接着发。",
    "low_active_alert": "企业微信提醒：应用活跃度低，{when}起接口可能受限。请让成员多用，或到管理后台处理。",
    "low_active": "应用因为活跃度低，接口已经受限，部分消息可能发不出去。请到管理后台处理。",
    "active_restored": "应用活跃度已恢复，接口限制解除。",
}
"""What the operator is told about the app itself."""

_SUBJECTS = ("UserID", "Id", "TagId")
_OF_PEOPLE = frozenset({"create_user", "update_user", "delete_user"})
_CARD_EVENTS = frozenset({"template_card_event", "template_card_menu_event"})
_DEAF = frozenset({Kind.UNSUBSCRIBE})  # WC90241 does not list it among the events that may be answered
_EVENT_KEY = ("CreateTime", "Event", "ChangeType", "EventKey", "TaskId", "ResponseCode")


def understood(elements: Mapping[str, Any], corp_id: str, agent_id: int) -> Incoming | Notice | ContactChange | None:
    """What the callback means; None for what concerns nobody.

    Raises CallbackRefused when it is for another corp or app, or lacks what identifies it.
    """
    agent, event = _text(elements, "AgentID"), _text(elements, "Event").lower()
    is_event = _text(elements, "MsgType").lower() == "event"
    if _text(elements, "ToUserName") != corp_id or (agent and agent != str(agent_id)):
        raise CallbackRefused("不是发给本应用的")
    if not is_event:
        return _message(elements)
    if event in EVENTS:
        return _event(elements, event)
    if event in WARNINGS:
        return Notice("wecom", event, WARNINGS[event].format(when=_when(elements)))
    return _contact(elements) if event == "change_contact" else None


def _message(elements: Mapping[str, Any]) -> Incoming:
    is_text = _text(elements, "MsgType").lower() == "text"
    return Incoming(
        platform="wecom",
        sender=_sender(elements),
        key=_key(elements, ("MsgId",)),
        kind=Kind.TEXT if is_text else Kind.OTHER,
        text=_text(elements, "Content") if is_text else "",
        passive=True,
    )


def _event(elements: Mapping[str, Any], event: str) -> Incoming:
    kind, task = EVENTS[event], _text(elements, "TaskId")
    text = _text(elements, "EventKey") if kind is Kind.CLICK else ""
    key, card = _key(elements, _EVENT_KEY), ""
    if event in _CARD_EVENTS:
        chosen = _chosen(elements)
        if chosen or _text(elements, "CardType").lower() == "vote_interaction":
            text = "、".join(chosen)
        if task and text:
            # A second tap has the same key as the first and finds what was chosen; in a list, only on the same line.
            names = ("Event", "TaskId", "EventKey") if task.startswith(MANY) else ("Event", "TaskId")
            key, card = _key(elements, names, first="CreateTime"), key_of(task)
    return Incoming(
        platform="wecom",
        sender=_sender(elements),
        key=key,
        kind=kind,
        text=text,
        passive=kind not in _DEAF,
        card=card,
        handle=_text(elements, "ResponseCode"),
    )


def _sender(elements: Mapping[str, Any]) -> str:
    return _text(elements, "FromUserName").casefold()


def _key(elements: Mapping[str, Any], names: tuple[str, ...], *, first: str = "") -> str:
    """What tells this callback from every other.

    It is wide because MsgId repeats between people and two events may share a second (WxJava #333, #3002). The first
    of `names`, or `first`, must be there.
    """
    agent, sender = _text(elements, "AgentID"), _sender(elements)
    if not agent or not sender or not _text(elements, first or names[0]):
        raise CallbackRefused("内容格式不对")
    return ":".join([agent, sender, *(_text(elements, name) for name in names)])


def _chosen(elements: Mapping[str, Any]) -> list[str]:
    """The ids that were ticked on a card, in order. One item is not a list."""
    found: list[str] = []
    for item in _listed(elements.get("SelectedItems"), "SelectedItem"):
        found += [each for each in _listed(_under(item, "OptionIds"), "OptionId") if isinstance(each, str)]
    return found


def _listed(value: Any, name: str) -> list[Any]:
    inside = _under(value, name)
    if inside is None:
        return []
    return inside if isinstance(inside, list) else [inside]


def _under(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _contact(elements: Mapping[str, Any]) -> ContactChange | None:
    what = _text(elements, "ChangeType").lower()
    subject = next(filter(None, (_text(elements, name) for name in _SUBJECTS)), "")
    if not what or not subject:
        return None
    said = {name: value for name, value in elements.items() if isinstance(value, str)}
    return ContactChange("wecom", what, subject, what in _OF_PEOPLE, said.get("NewUserID", ""), said)


def _when(elements: Mapping[str, Any]) -> str:
    """EffectTime, seconds since 1970, as a day; 近期 when it is missing or odd."""
    text = _text(elements, "EffectTime")
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        return "近期"
    day = datetime.fromtimestamp(int(text), UTC).astimezone(SHANGHAI)
    return f"{day.month} 月 {day.day} 日"


def _text(elements: Mapping[str, Any], name: str) -> str:
    """An element's text; empty when it is missing, empty or has children."""
    value = elements.get(name)
    return value if isinstance(value, str) else ""
