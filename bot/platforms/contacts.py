"""What reading any vendor's directory shares: patience with a busy vendor, and asking for people one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TypeVar

from bot.core.errors import Misconfigured, Temporary
from bot.directory.model import DirPerson

TRIES = 3
MOST_ASKED = 1000  # people asked for one by one in one reading
_LONGEST_PAUSE = 120.0

Answer = TypeVar("Answer")

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds; asyncio.sleep outside tests."""


async def patiently(call: Callable[[], Awaitable[Answer]], pause: Pause) -> Answer:
    """The answer to a question, asked again while the vendor is busy: one of hundreds may well meet that.

    Raises what the call raises; Temporary only after TRIES times.
    """
    for number in range(1, TRIES + 1):
        try:
            return await call()
        except Misconfigured:
            raise
        except Temporary as error:
            if number == TRIES:
                raise
            await pause(min(error.retry_after or number, _LONGEST_PAUSE))
    raise AssertionError("unreachable")


async def asked_for(
    person: Callable[[str], Awaitable[DirPerson]], wanted: Iterable[str], seen: Collection[str]
) -> tuple[list[DirPerson], int]:
    """The people no department showed, asked for one by one, and how many were left out because there are too many."""
    missing = sorted(set(wanted) - set(seen))
    found = [await person(each) for each in missing[:MOST_ASKED]]
    return found, max(0, len(missing) - MOST_ASKED)
