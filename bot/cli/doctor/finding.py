"""One thing the doctor looked at: what it is, whether it is fine, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.errors import PlatformError


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do when it is not fine."""

    subject: str
    fine: bool
    what: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{'✓' if self.fine else '✗'} {self.subject}：{self.what}"
        return f"{text}\n  → {self.mend}" if self.mend else text


def failed(subject: str, error: PlatformError, mend: str) -> Finding:
    """A call that did not go well, with the vendor's own advice where there is one."""
    return Finding(subject, False, str(error), getattr(error, "advice", "") or mend)
