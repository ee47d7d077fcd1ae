"""What the bot remembers of one talk between two messages."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class State:
    """Where a talk stands. Handlers return a changed copy; it is stored as plain data."""

    question: int | None = None  # the assignment that free text answers
    shown_at: str = ""  # when that question was put before them; a question sent later goes first
    drill: int | None = None  # the drill run that free text answers; see handlers/drill.py
    results: tuple[str, ...] = ()  # template ids of the last list, best first
    page: int = 0  # how many of them have been shown
    lookup: int | None = None  # the search they came from
    listed: str = ""  # the command whose numbered list was shown last; a bare number goes to it
    template: str | None = None  # the template shown last, for 收藏
    attempt: int | None = None  # the answer that 撤回 takes back
    attempt_at: str = ""
    doubtful: str = ""  # a text that did not look like an answer; 提交 submits it
    opening: int = -1  # the feedback opening used last, so that it is not used again
    draft: str | None = None  # the campaign a trainer looked at last

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> State:
        """From stored data; keys of an older or newer release are left out."""
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        if "results" in values:
            values["results"] = tuple(values["results"])
        return cls(**values)

    def to_data(self) -> dict[str, Any]:
        """Only what differs from the defaults, as JSON-ready data."""
        blank = State()
        data = {key: value for key, value in asdict(self).items() if value != getattr(blank, key)}
        if "results" in data:
            data["results"] = list(data["results"])
        return data

    def but(self, **changes: Any) -> State:
        return replace(self, **changes)

    def asking(self, question: int | None, now: datetime) -> State:
        """With a question before them, and nothing else waiting for a text."""
        return self.but(question=question, shown_at=now.isoformat(), drill=None, doubtful="", listed="")

    def listing(self, command: str) -> State:
        """With a numbered list of `command` before them; the templates of an earlier list have no numbers any more."""
        return self.but(listed=command, results=(), page=0)

    def can_take_back(self, now: datetime, seconds: float) -> bool:
        if self.attempt is None or not self.attempt_at:
            return False
        return (now - datetime.fromisoformat(self.attempt_at)).total_seconds() <= seconds
