"""What tells equal words of two calls apart for WeCom's check of repeats: never the same for two keys, always for one.

The vendor drops a request whose JSON equals that of an earlier one (`enable_duplicate_check`, WC90236). The only field
with room for a difference nobody sees is the length of its interval, and chance alone would give two keys the same one
now and then. So every length given out is written down where all replicas see it, before the call is made.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.core.clock import Clock
from bot.core.errors import StorageBusy, Temporary
from bot.platforms.http import canonical
from bot.platforms.tokens import TokenStore

LONGEST = 14_400  # seconds, the longest interval allowed (WC90236)
LENGTHS = 3600  # how many lengths tell equal messages apart; the shortest is what a repeat can rely on
_REMEMBERED = 2 * LONGEST - LENGTHS  # a repeat that is the first to arrive begins the vendor's interval anew
_TRIES = 50
_ROWS = 4096


@dataclass(frozen=True)
class _Said:
    """One call: what it says to whom, its key, the length it took, and when (seconds since 1970)."""

    words: str
    key: str
    length: int
    at: int

    def __str__(self) -> str:
        return f"{self.words} {self.key} {self.length} {self.at}"


class Said:
    """The calls of the last hours, one row of the store for each person and one for all calls to several people."""

    def __init__(self, name: str, store: TokenStore, clock: Clock) -> None:
        self._name, self._store, self._clock = name, store, clock
        self._turn = asyncio.Lock()  # within one process nobody races for a row
        self._last: OrderedDict[str, str] = OrderedDict()  # what each row was, as far as this process knows

    async def interval(self, key: str, body: Mapping[str, Any]) -> int:
        """The `duplicate_check_interval` for a call, in seconds. Raises Temporary when it cannot be written down.

        A key said again gets the length it had; without a key the same words are always a repeat.
        """
        if not key:
            return LONGEST
        try:
            async with self._turn:
                return LONGEST - await self._length(_short(key.encode()), _short(canonical(body)), str(body["touser"]))
        except StorageBusy as error:
            raise Temporary(str(error), "storage") from error

    async def _length(self, key: str, words: str, people: str) -> int:
        name = f"{self._name}:{'*' if '|' in people else people.casefold()}"
        before = self._last.get(name, "")
        for _ in range(_TRIES):
            now = self._clock.now()
            said = [each for each in _read(before) if each.at > now.timestamp() - _REMEMBERED]
            taken = {each.length: each.key for each in said if each.words == words}
            for length, whose in taken.items():
                if whose == key:
                    return length
            mine = _Said(words, key, _free(zlib.crc32(key.encode()) % LENGTHS, taken), int(now.timestamp()))
            after = "\n".join(map(str, [*said, mine]))
            until = now + timedelta(seconds=_REMEMBERED)
            before = (await self._store.put(name, after, until, instead_of=before))[0]
            self._remember(name, before)
            if before == after:
                return mine.length
        raise Temporary("同时往这里发的太多", "storage")

    def _remember(self, name: str, row: str) -> None:
        self._last[name] = row
        self._last.move_to_end(name)
        while len(self._last) > _ROWS:
            self._last.popitem(last=False)


def _free(length: int, taken: Mapping[int, str]) -> int:
    """The first length from here on that nobody has; with all of them taken, this one."""
    return next((each for step in range(LENGTHS) if (each := (length + step) % LENGTHS) not in taken), length)


def _short(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]


def _read(text: str) -> list[_Said]:
    rows = (row.split() for row in text.split("\n") if row)
    return [_Said(words, key, int(length), int(at)) for words, key, length, at in rows]
