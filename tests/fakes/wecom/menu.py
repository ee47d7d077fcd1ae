"""What WeCom takes as an app's menu (WC90231): at most three buttons, five below each, short names in bytes."""

from __future__ import annotations

from typing import Any

from tests.fakes.wecom.tokens import Refusal


def checked_menu(body: Any) -> dict[str, Any]:
    """The menu as it will be shown. Raises Refusal with the codes of WC90313."""
    if not isinstance(body, dict) or set(body) != {"button"} or not isinstance(body["button"], list):
        raise Refusal(40058, "Warning: wrong json format.")
    if not 1 <= len(body["button"]) <= 3:
        raise Refusal(40016)
    for button in body["button"]:
        below = button.get("sub_button")
        if below is None:
            _check(button, 16, (40017, 40018, 40019))
            continue
        if set(button) != {"name", "sub_button"} or not 1 <= len(below) <= 5:
            raise Refusal(40023)
        if not 1 <= len(button["name"].encode()) <= 16:
            raise Refusal(40018)
        for each in below:
            _check(each, 40, (40024, 40025, 40026))
    return body


def _check(button: Any, longest: int, codes: tuple[int, int, int]) -> None:
    kind, name, key = codes
    if set(button) != {"type", "name", "key"} or button["type"] != "click":
        raise Refusal(kind)
    if not 1 <= len(button["name"].encode()) <= longest:
        raise Refusal(name)
    if not 1 <= len(button["key"].encode()) <= 128:
        raise Refusal(key)
