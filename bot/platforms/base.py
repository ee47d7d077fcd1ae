"""What every platform offers to the rest: a name, its limits, rendering, sending; and byte-safe splitting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from bot.core.messages import Line, Message, Style
from bot.directory.model import Source

Payload = dict[str, Any]
"""One vendor message body without recipients; plain JSON, so that it can be stored and compared."""

PictureOf = Callable[[int], Awaitable[bytes]]
"""Fetches the PNG of a stored picture."""


@dataclass(frozen=True)
class Limits:
    """What one call may carry. `part_bytes` counts UTF-8 bytes; rates are calls, spaced evenly by the sender."""

    part_bytes: int
    recipients: int
    calls_per_second: float
    person_per_minute: int = 30
    person_per_hour: int = 1000


@dataclass(frozen=True)
class Sent:
    """What the platform said of an accepted call: its message id, and the recipients it did not reach, with why.

    `failed` will never get it; `later` surely have not got it, and the same call may be made again for them alone.
    """

    message_id: str = ""
    failed: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """Something the operator must know. `code` names it; `words` (Chinese) say what is wrong and what to do."""

    platform: str
    code: str
    words: str


Turn = Callable[[], Awaitable[None]]
"""Waits for another turn at the vendor: for a call that an adapter makes again by itself."""


async def at_once() -> None:
    """A turn where nobody counts."""


Alarm = Callable[[Notice], Awaitable[None]]
"""Tells the operator, at most once a day for one platform and code. Never raises."""


@dataclass(frozen=True)
class ContactChange:
    """The vendor's directory changed. `what` is its word for it, for the log; `subject` the id of the person (then
    `person` is true), department or tag; `renamed` the id a person has from now on, where it changed; `elements`
    everything it said, by its own names. Often ids only, never trusted as whole.
    """

    platform: str
    what: str
    subject: str
    person: bool = False
    renamed: str = ""
    elements: Mapping[str, str] = field(default_factory=dict, repr=False)


class Door(Protocol):
    """A vendor's login for the members of one organisation."""

    def authorize(self, back: str, state: str, agent: str) -> str:
        """Where to send a browser with this User-Agent, to come back to `back` with a code and `state`."""
        ...

    async def user_of(self, code: str) -> str | None:
        """The user id a code stands for, None for an outsider. Raises Permanent for a code that is no good, else
        Temporary or Misconfigured."""
        ...


@runtime_checkable
class Organised(Protocol):
    """A platform with a directory of people and departments, and a login for them."""

    contacts: Source
    oauth: Door


class Ear(Protocol):
    """Hears of a platform's calls that carry no message; `code` is the vendor's own word. Never raises."""

    def declined(self, code: str) -> None:
        """One was not accepted."""
        ...

    def token(self, code: str) -> None:
        """The access token could not be renewed; with "" for a code it was."""
        ...


class _Deaf:
    def declined(self, code: str) -> None: ...

    def token(self, code: str) -> None: ...


DEAF: Ear = _Deaf()

OnContact = Callable[[ContactChange], Awaitable[None]]


class Platform(Protocol):
    """One vendor; `title` is its Chinese name. `send` raises Permanent, Temporary or Ambiguous.

    A payload is sent with a `key` of the sender's. `repeat_safe` says that the vendor recognises a repeat with the
    same key, payload and recipients within `repeat_seconds` and does not show it twice.
    """

    name: str
    title: str
    limits: Limits
    repeat_safe: bool

    @property
    def repeat_seconds(self) -> float: ...

    def render(self, message: Message) -> list[Payload]:
        """The calls that show `message`, in order, each within the limits."""
        ...

    def fits_passive(self, message: Message) -> bool:
        """Whether the response to an incoming message can carry `message` whole."""
        ...

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


_SENTENCE_ENDS = "。！？；\n"


def split(text: str, limit: int) -> list[str]:
    """`text` in parts of at most `limit` UTF-8 bytes, cut at lines, else at sentences, else between characters.

    Parts are numbered （1/2） when there are several; nothing is lost but the line breaks at the cuts.
    """
    if len(text.encode()) <= limit:
        return [text]
    room = limit - len("（99/99）\n".encode())
    parts: list[str] = []
    current = ""
    for piece in _pieces(text, room):
        if current and len((current + piece).encode()) > room:
            parts.append(current.rstrip("\n"))
            current = ""
        current += piece
    if current.strip("\n"):
        parts.append(current.rstrip("\n"))
    return [f"（{number}/{len(parts)}）\n{part}" for number, part in enumerate(parts, 1)]


def _pieces(text: str, room: int) -> list[str]:
    """Lines; a line too long alone as sentences; a sentence too long alone as runs of characters."""
    pieces: list[str] = []
    for line in text.splitlines(keepends=True):
        if len(line.encode()) <= room:
            pieces.append(line)
            continue
        sentence = ""
        for char in line:
            if len((sentence + char).encode()) > room:
                pieces.append(sentence)
                sentence = ""
            sentence += char
            if char in _SENTENCE_ENDS:
                pieces.append(sentence)
                sentence = ""
        pieces.append(sentence)
    return pieces


_MARKS = {Style.QUOTE: "「{}」", Style.GOOD: "✓ {}", Style.WARN: "⚠ {}", Style.HINT: "{}"}


def plain_text(message: Message) -> str:
    """A message as plain text, for wires that know nothing else; buttons become words to type."""
    message = message.spelled
    rows = [f"【{message.title}】"] if message.title else []
    rows += [_plain_line(line) for line in message.lines]
    if message.buttons:
        rows.append("可以回复：" + "、".join(f"「{button.says}」" for button in message.buttons))
    return "\n".join(rows)


def _plain_line(line: Line) -> str:
    pattern = _MARKS.get(line.style)
    already = line.style is Style.QUOTE and line.text.startswith(("「", "“"))
    return line.text if pattern is None or already else pattern.format(line.text)
