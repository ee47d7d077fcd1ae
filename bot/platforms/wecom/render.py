"""A message as WeCom payloads: text for a bubble, markdown or a link's card for a title, an image, its buttons. Pure.

Only documented markdown is made (WC90236): **bold**, > quote and three font colours. Words that people or lessons
wrote never make markup: what would is replaced by its full-width twin, because WeCom documents no escape character.
"""

from __future__ import annotations

import re

from bot.core.messages import Line, Link, Message, Style
from bot.platforms.base import Payload, split
from bot.platforms.wecom.cards import card_of
from bot.platforms.wecom.text import PART_BYTES, as_text, clean, one_line

_NUMBER_BYTES = len("（99/99）\n".encode())

_DESCRIPTION = 512

_AT_START = re.compile(r"(?m)^([^\S\n]*)([>#])")
_MARKUP = str.maketrans({"*": "＊", "`": "‘", "<": "＜"})

_COLOURS = {Style.GOOD: ("info", "✓ "), Style.WARN: ("warning", "⚠ "), Style.HINT: ("comment", "")}


def render(message: Message, *, cards: bool = True, markdown_bytes: int = PART_BYTES) -> list[Payload]:
    """The payloads that show `message`, in order. An image stands as {"picture": id} until it is sent.

    With `cards` several buttons of a titled message become one card at the end; otherwise they are words to type.
    A group robot's markdown may be longer than an app's: `markdown_bytes` (WC99110).
    """
    if cards and message.link is not None:
        return [_linked(message, message.link)]
    message = message.spelled
    card = card_of(message) if cards else None
    if card is not None:
        message = message.with_buttons()
    payloads = _markdown(message, markdown_bytes) if message.title else None
    if payloads is None:
        payloads = [_text(part) for part in split(as_text(message), PART_BYTES) if part.strip()]
    if message.picture is not None:
        payloads.append({"msgtype": "image", "image": {"picture": message.picture}})
    return payloads if card is None else [*payloads, card]


def _text(part: str) -> Payload:
    return {"msgtype": "text", "text": {"content": part}}


def _linked(message: Message, link: Link) -> Payload:
    """A card that opens a page (WC90236: title 128 characters, description 512, button 4)."""
    rows = "\n".join(_plain(line.text) for line in message.lines)
    card = {
        "title": one_line(_plain(message.title), 128),
        "description": rows if len(rows) <= _DESCRIPTION else rows[: _DESCRIPTION - 1] + "…",
        "url": link.url,
        "btntxt": one_line(link.label, 4),
    }
    return {"msgtype": "textcard", "textcard": card}


def _markdown(message: Message, most: int) -> list[Payload] | None:
    """A titled message as markdown, cut between lines; None when a single line is too long for that."""
    title = _plain(message.title).replace("\n", " ")
    rows = [f"**{title}**"]
    quoting = False
    for line in message.lines:
        if quoting and line.style is not Style.QUOTE:
            rows.append("")  # otherwise the line would belong to the quote
        quoting = line.style is Style.QUOTE
        rows += _rows(line)
    if message.buttons:
        rows.append("可以回复：" + "、".join(f"「{_plain(button.says)}」" for button in message.buttons))
    if any(len(row.encode()) + 1 + _NUMBER_BYTES > most for row in rows):
        return None
    return [{"msgtype": "markdown", "markdown": {"content": part}} for part in split("\n".join(rows), most)]


def _rows(line: Line) -> list[str]:
    """A line with its style on every row, so that a card may be cut between any two."""
    colour, mark = _COLOURS.get(line.style, ("", ""))
    rows = []
    for number, text in enumerate(_plain(line.text).split("\n")):
        if not text.strip():
            rows.append("")
        elif line.style is Style.QUOTE:
            rows.append(f"> {text}")
        elif line.style is Style.STRONG:
            rows.append(f"**{text}**")
        elif colour:
            rows.append(f'<font color="{colour}">{mark if number == 0 else ""}{text}</font>')
        else:
            rows.append(text)
    return rows


def _plain(text: str) -> str:
    """Words that make no markup."""
    text = clean(text).translate(_MARKUP).replace("](", "］(")
    return _AT_START.sub(lambda found: found[1] + {">": "＞", "#": "＃"}[found[2]], text)
