"""The app's menu in WeCom: three words at the bottom of the chat, each tap is typing its key. Pure (WC90231)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Entry = tuple[str, str]
"""What a menu line says, and what tapping it types."""

MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("今日", (("看今天的题", "今日"), ("再练一题", "练习"), ("演练", "演练"), ("错题本", "错题"))),
    ("话术", ()),
    (
        "我的",
        (
            ("我的进步", "我的"),
            ("上周榜单", "排行"),
            ("今天先停", "暂停 1天"),
            ("恢复推送", "恢复"),
            ("帮助", "帮助"),
        ),
    ),
)
"""At most three, each with at most five below it; a name is at most 16 bytes, below it 40, a key 128. One without any
below it types its own name."""


def body() -> dict[str, Any]:
    """What menu/create takes."""
    buttons: list[dict[str, Any]] = []
    for name, entries in MENU:
        below = [{"type": "click", "name": line, "key": key} for line, key in entries]
        buttons.append({"name": name, "sub_button": below} if below else {"type": "click", "name": name, "key": name})
    return {"button": buttons}


def lines(menu: Mapping[str, Any]) -> list[str]:
    """A menu as lines to read, ours or the vendor's; names of things we do not know are left out."""
    found: list[str] = []
    for button in _buttons(menu, "button"):
        below = _buttons(button, "sub_button")
        found.append(_line(button, "") if not below else str(button.get("name", "")))
        found += [_line(each, "  ") for each in below]
    return found


def _buttons(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = holder.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _line(button: Mapping[str, Any], indent: str) -> str:
    what = button.get("key") or button.get("url") or button.get("type") or ""
    return f"{indent}{button.get('name', '')} → {what}"
