"""What comes in and what goes out, free of any platform: Incoming, Message and its parts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any


class Kind(StrEnum):
    """What an incoming message is."""

    TEXT = "text"
    CLICK = "click"  # a menu or card button; the key stands in `text`
    ENTER = "enter"  # the person opened the chat
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    OTHER = "other"  # picture, voice, … : answered with what we can do


@dataclass(frozen=True)
class Incoming:
    """One message or event from one person on one platform.

    `key` is unique per platform: the vendor's repeats carry the same key. `sender` is the vendor's user id,
    case-folded by the adapter where the vendor ignores case. `passive` says that the wire can carry one answer
    back in the response. A tap on a card of ours names the `card` by the key it was sent with, and may bring a `handle`
    that the vendor wants back when the card is to change.
    """

    platform: str
    sender: str
    key: str
    kind: Kind
    text: str = ""
    passive: bool = False
    card: str = ""
    handle: str = field(default="", repr=False)


class Style(StrEnum):
    """How a line is meant; each platform shows it as well as it can."""

    PLAIN = "plain"
    STRONG = "strong"
    QUOTE = "quote"  # somebody's words
    HINT = "hint"  # small print
    GOOD = "good"
    WARN = "warn"


@dataclass(frozen=True)
class Line:
    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True)
class Button:
    """A quick reply: tapping it is exactly typing `says`."""

    label: str
    says: str


@dataclass(frozen=True)
class Link:
    """A page to open; `label` is at most four characters, as on a button."""

    label: str
    url: str = field(repr=False)  # it may let a person in


@dataclass(frozen=True)
class Message:
    """One thing to say. With a title it is a card, without one a bubble.

    `picture` is the id of a stored PNG; its content is also in the lines, so a platform may leave it out.
    A `link` belongs to a title; a platform without such cards shows it as a line (`spelled`).
    """

    lines: tuple[Line, ...]
    title: str = ""
    buttons: tuple[Button, ...] = ()
    picture: int | None = None
    link: Link | None = None

    def to_json(self) -> str:
        """One line of JSON, the same for equal messages."""
        return self._json

    @cached_property
    def _json(self) -> str:
        data: dict[str, object] = {
            "lines": [{"text": line.text, "style": line.style} for line in self.lines],
            "title": self.title,
            "buttons": [{"label": button.label, "says": button.says} for button in self.buttons],
            "picture": self.picture,
        }
        if self.link is not None:
            data["link"] = asdict(self.link)
        return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Message:
        data: dict[str, Any] = json.loads(text)
        return cls(
            lines=tuple(Line(line["text"], Style(line["style"])) for line in data["lines"]),
            title=data["title"],
            buttons=tuple(Button(**button) for button in data["buttons"]),
            picture=data["picture"],
            link=Link(**data["link"]) if "link" in data else None,
        )

    @property
    def spelled(self) -> Message:
        """The same with the link as a line of its own, after the first."""
        if self.link is None:
            return self
        return replace(self, link=None, lines=(*self.lines[:1], Line(self.link.url), *self.lines[1:]))

    @cached_property
    def digest(self) -> str:
        """Equal exactly for equal messages."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @property
    def plain(self) -> str:
        """Title and lines as plain text, for logs of tests and for search."""
        return "\n".join(filter(None, [self.title, *(line.text for line in self.lines)]))

    def with_buttons(self, *buttons: Button) -> Message:
        return replace(self, buttons=buttons)


def say(*lines: str | Line, title: str = "", buttons: tuple[Button, ...] = ()) -> Message:
    """A message from plain strings and lines."""
    return Message(tuple(x if isinstance(x, Line) else Line(x) for x in lines), title=title, buttons=buttons)


def strong(text: str) -> Line:
    return Line(text, Style.STRONG)


def quote(text: str) -> Line:
    return Line(text, Style.QUOTE)


def hint(text: str) -> Line:
    return Line(text, Style.HINT)


def good(text: str) -> Line:
    return Line(text, Style.GOOD)


def warn(text: str) -> Line:
    return Line(text, Style.WARN)


def dump(messages: tuple[Message, ...] | list[Message]) -> str:
    """Several messages as one JSON text."""
    return "[" + ",".join(message.to_json() for message in messages) + "]"


def load(text: str) -> tuple[Message, ...]:
    """The inverse of `dump`."""
    return tuple(Message.from_json(json.dumps(item)) for item in json.loads(text))
