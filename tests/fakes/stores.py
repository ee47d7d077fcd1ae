"""What a bot under test keeps without a database."""

from __future__ import annotations

from datetime import datetime

from bot.platforms.tokens import Entry


class MemoryTokens:
    """A token store of one process."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    async def get(self, name: str) -> Entry | None:
        return self.entries.get(name)

    async def put(self, name: str, value: str, expires_at: datetime, *, instead_of: str) -> Entry:
        if name not in self.entries or self.entries[name][0] == instead_of:
            self.entries[name] = value, expires_at
        return self.entries[name]
