"""The error tree: what went wrong, said so that the reader knows what to do next.

JiehuaError
├── SettingError        a setting is missing or odd; names the setting and the value it should have
├── ContentError        content files have faults; carries every fault with file, line and key
├── PlatformError
│   ├── Permanent       the vendor will never accept this; do not retry
│   ├── Temporary       the vendor may accept it later; retry after `retry_after` seconds
│   │   ├── TooFast      the platform takes no call of ours for a while, whoever it is for
│   │   └── Misconfigured   the vendor refuses us until a person changes a setting; `advice` says which
│   └── Ambiguous       the call may or may not have been carried out; never guessed
├── CallbackRefused     a callback that is not from the vendor, or not for us; nothing is stored
└── StorageBusy         the database cannot take the write now; keep the message and try again
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class JiehuaError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class SettingError(JiehuaError):
    """A setting is missing or has a value that cannot be used."""


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong in one file: where, what, and what would be right."""

    file: str
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.reason}"


class ContentError(JiehuaError):
    """Content files have faults; nothing of them was loaded."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class PlatformError(JiehuaError):
    """A platform did not accept a call."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Permanent(PlatformError):
    """The platform will never accept this call; retrying cannot help."""


class Temporary(PlatformError):
    """The platform may accept this call later."""

    def __init__(self, message: str, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code)
        self.retry_after = retry_after


class TooFast(Temporary):
    """The platform takes no calls of ours for a while, whoever they are for; `retry_after` says how long."""


class Misconfigured(Temporary):
    """The platform refuses us until a person changes a setting; `advice` (Chinese) says which. Messages are kept."""

    def __init__(self, message: str, code: str = "", retry_after: float | None = None, advice: str = "") -> None:
        super().__init__(message, code, retry_after)
        self.advice = advice


class Ambiguous(PlatformError):
    """The call may or may not have been carried out; it is recorded as unknown, never guessed."""


class CallbackRefused(JiehuaError):
    """The callback is not authentic or not for this app."""


class StorageBusy(JiehuaError):
    """The database cannot take the write right now; keep the message and try again."""


def relative(path: Path) -> str:
    """The path as the user would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
