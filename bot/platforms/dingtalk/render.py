"""A message as DingTalk payloads: text for a bubble, markdown for a card or long words, or an interactive card. Pure.

Only documented markdown is made: # title, **bold**, > quote, a line break with two spaces around it (DT-A0699). Words
that people or lessons wrote never make markup: what would is replaced by its full-width twin, because DingTalk
documents no escape character. A picture is left out, as its content stands in the lines.
"""

from __future__ import annotations

import re
from urllib.parse import quote as url_quote

from bot.core.messages import Button, Line, Message, Style
from bot.platforms.base import Payload, plain_text, split

PART_BYTES = 6000  # our choice: msgParam may have 15,000 bytes (DT-A0716) and JSON may double quotes and backslashes
TEXT_BYTES = 2000  # our choice: a longer bubble goes as markdown, which clients fold
CARD_BYTES = 1000  # a card's value may have 1 KB (DT-A0783)
CARD_BUTTONS = 6
_NUMBER_BYTES = len("（99/99）  \n  ".encode())
_TITLE = 40  # characters of a title, which is what notifications and the list of chats show

_FORBIDDEN = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = str.maketrans({"*": "＊", "`": "‘", "<": "＜"})
_AT_START = re.compile(r"(?m)^([^\S\n]*)([>#+\-=])")
_WIDE = {">": "＞", "#": "＃", "+": "＋", "-": "－", "=": "＝"}
_NUMBERED = re.compile(r"(?m)^([^\S\n]*\d{1,9})([.)])(?=\s)")
_DOTS = {".": "．", ")": "）"}

_MARKS = {Style.GOOD: "✓ ", Style.WARN: "⚠ "}


def render(message: Message, *, card: bool = False, tap_links: bool = False) -> list[Payload]:
    """The payloads that show `message`, in order.

    `card`: buttons as an interactive card; `tap_links`: buttons as links that type for the person.
    """
    message = message.spelled
    if message.buttons and card:
        return _card(message)
    if not message.title and not (message.buttons and tap_links):
        text = clean(plain_text(message))
        if not text.strip():
            return []
        if len(text.encode()) <= TEXT_BYTES:
            return [{"msgtype": "text", "text": {"content": text}}]
    return _markdown(message, tap_links=tap_links)


def clean(text: str) -> str:
    """`text` without characters that cannot be sent."""
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def markdown_text(message: Message, *, tap_links: bool = False) -> str:
    """A message as one markdown text of any length."""
    rows = [f"#### {_inline(message.title)}", ""] if message.title else []
    quoting = False
    for line in message.lines:
        if quoting and line.style is not Style.QUOTE:
            rows.append("")  # otherwise the line would belong to the quote
        quoting = line.style is Style.QUOTE
        rows += _rows(line)
    if message.buttons:
        rows += ["", _buttons(message.buttons, tap_links)]
    return "\n".join(f"  {row}  ".rstrip() + "  " if row else "" for row in rows)


def _markdown(message: Message, *, tap_links: bool) -> list[Payload]:
    title, room = title_of(message), PART_BYTES - _NUMBER_BYTES
    text = markdown_text(message, tap_links=tap_links)
    if any(len(row.encode()) + _NUMBER_BYTES > room for row in text.split("\n")):  # its marks would be torn apart
        words = split(clean(plain_text(message)), TEXT_BYTES)
        return [{"msgtype": "text", "text": {"content": part}} for part in words if part.strip()]
    parts = split(text, room)
    if len(parts) > 1:
        parts = [part.replace("）\n", "）  \n", 1) for part in parts]
    return [{"msgtype": "markdown", "markdown": {"title": title, "text": part}} for part in parts if part.strip()]


def _card(message: Message) -> list[Payload]:
    """A card with the buttons; the words before it as markdown when they are too long for a card's value."""
    words = Message(message.lines, message.title)
    content = markdown_text(Message(message.lines))
    before: list[Payload] = []
    if len(content.encode()) > CARD_BYTES:
        before, content = _markdown(words, tap_links=False), ""
    values = {"title": title_of(message), "content": content or "接着可以："}
    for number in range(1, CARD_BUTTONS + 1):
        button = message.buttons[number - 1] if number <= len(message.buttons) else Button("", "")
        values |= {f"button{number}": button.label, f"says{number}": button.says}
    values["more"] = "、".join(f"「{button.says}」" for button in message.buttons[CARD_BUTTONS:])
    return [*before, {"msgtype": "card", "card": {name: _cut(clean(value)) for name, value in values.items()}}]


def title_of(message: Message) -> str:
    """What notifications show: the title, else the beginning of the first line with words."""
    first = next((line.text for line in message.lines if line.text.strip()), "")
    text = clean(message.title or first).replace("\n", " ").strip()
    return (text if len(text) <= _TITLE else text[: _TITLE - 1] + "…") or "消息"


def _rows(line: Line) -> list[str]:
    """A line with its style on every row, so that a text may be cut between any two."""
    rows = []
    for number, text in enumerate(_plain(line.text).split("\n")):
        if not text.strip():
            rows.append("")
        elif line.style is Style.QUOTE:
            rows.append(f"> {text.strip()}")
        elif line.style is Style.STRONG:
            rows.append(f"**{text.strip()}**")
        else:
            rows.append((_MARKS.get(line.style, "") if number == 0 else "") + text.strip())
    return rows


def _buttons(buttons: tuple[Button, ...], tap_links: bool) -> str:
    """Words to type, or links that type them: the link is not in DingTalk's documents."""
    if not tap_links:
        return "可以回复：" + "、".join(f"「{_inline(button.says)}」" for button in buttons)
    where = "dtmd://dingtalkclient/sendMessage?content="
    return "　".join(f"[{_label(button.label)}]({where}{url_quote(clean(button.says), safe='')})" for button in buttons)


def _label(text: str) -> str:
    return _inline(text).replace("[", "［").replace("]", "］")


def _inline(text: str) -> str:
    return _plain(text).replace("\n", " ").strip()


def _plain(text: str) -> str:
    """Words that make no markup."""
    text = clean(text).translate(_MARKUP).replace("](", "］(")
    text = _AT_START.sub(lambda found: found[1] + _WIDE[found[2]], text)
    return _NUMBERED.sub(lambda found: found[1] + _DOTS[found[2]], text)


def _cut(text: str) -> str:
    """`text` within a card's value, cut between characters."""
    return text.encode()[:CARD_BYTES].decode(errors="ignore")
