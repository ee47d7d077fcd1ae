"""The words that tests use on every vendor's fake: what somebody sees, what goes wrong, what the bot asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from bot.core.clock import Clock, ManualClock
from tests.fakes.faults import Fault, Faults, Kind


class Seen(Protocol):
    """One thing a person sees in the chat."""

    @property
    def text(self) -> str: ...


class Called(Protocol):
    """One call the bot made."""

    @property
    def route(self) -> str: ...


S = TypeVar("S", bound=Seen)
C = TypeVar("C", bound=Called)


class Onlooker(Generic[S, C]):
    """A fake sets `clock`, `faults` and `calls`, and says what somebody has seen."""

    clock: Clock
    faults: Faults
    calls: Sequence[C]

    def delivered(self, user: str) -> list[S]:
        """Everything the person sees from the bot, in order."""
        raise NotImplementedError

    def words_of(self, shown: S) -> str:
        """What `until` looks into."""
        return shown.text

    def hears(self, user: str) -> list[str]:
        """The texts of `delivered`."""
        return [shown.text for shown in self.delivered(user)]

    async def until(self, user: str, words: str, timeout: float = 5.0) -> S:
        """The newest thing the person sees with these words, waited for."""
        deadline = time.monotonic() + timeout
        while True:
            found = [shown for shown in self.delivered(user) if words in self.words_of(shown)]
            if found:
                return found[-1]
            if time.monotonic() > deadline:
                raise AssertionError(f"{user} never saw 「{words}」, but: {self.hears(user)}")
            await asyncio.sleep(0.02)

    def advance(self, seconds: float) -> None:
        if not isinstance(self.clock, ManualClock):
            raise TypeError("only a ManualClock can be advanced")
        self.clock.advance(seconds=seconds)

    def fault(
        self,
        route: str,
        kind: Kind,
        *,
        times: int = 1,
        seconds: float = 0.0,
        status: int = 502,
        code: int = -1,
        text: str = "{}",
        after: bool = False,
    ) -> None:
        """The next `times` requests of a route ("message/send", "v1.0/robot/oToMessages/batchSend") go wrong; see
        Fault."""
        self.faults.add(route, Fault(kind, seconds, status, code, text, after), times)

    def requests(self, route: str = "") -> list[C]:
        """The calls the bot made, in order, those spoilt by a fault before they were carried out excepted."""
        return [call for call in self.calls if route in ("", call.route)]
