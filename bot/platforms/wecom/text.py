"""What may stand in a WeCom text, and a whole message as one. Pure (WC90236)."""

from __future__ import annotations

import re

from bot.core.messages import Message
from bot.platforms.base import plain_text

PART_BYTES = 2048  # text is cut there in silence; what happens to longer markdown is not documented

# Characters that XML forbids, and that JSON could only write as \uXXXX, which 40033 complains about (WC90313).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINK = re.compile(r"<(?=\s*/?\s*a\b)", re.IGNORECASE)


def as_text(message: Message) -> str:
    """The whole message as words, for a bubble or a passive reply. <a> is the only markup that text knows."""
    return _LINK.sub("＜", clean(plain_text(message)))


def clean(text: str) -> str:
    """`text` without characters that cannot be sent."""
    return _FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, most: int) -> str:
    """At most `most` characters of `text` on one line, with … where it was cut."""
    words = " ".join(clean(text).split())
    return words if len(words) <= most else words[: most - 1] + "…"
