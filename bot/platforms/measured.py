"""A platform whose calls are counted, those that carry messages and, by their own, those that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from bot.core.errors import PlatformError
from bot.core.messages import Message
from bot.core.meters import Meters
from bot.platforms.base import Payload, Platform, Sent

_SENDING: ContextVar[bool] = ContextVar("sending", default=False)


@dataclass(frozen=True)
class Heard:
    """What `platform` does besides sending. What fails inside a send is that send's failure, and counted there."""

    platform: str
    meters: Meters

    def declined(self, code: str) -> None:
        if not _SENDING.get():
            self.meters.declined(self.platform, code)

    def token(self, code: str) -> None:
        self.meters.token(self.platform, code)


class Measured:
    """`inner`, seen by the courier."""

    def __init__(self, inner: Platform, meters: Meters) -> None:
        self.inner, self.meters = inner, meters
        self.name, self.title, self.limits = inner.name, inner.title, inner.limits
        self.repeat_safe = inner.repeat_safe

    @property
    def repeat_seconds(self) -> float:
        return self.inner.repeat_seconds

    def render(self, message: Message) -> list[Payload]:
        return self.inner.render(message)

    def fits_passive(self, message: Message) -> bool:
        return self.inner.fits_passive(message)

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        """The platform's own, with its errors counted by code."""
        inside = _SENDING.set(True)
        try:
            sent = await self.inner.send(recipients, payload)
        except PlatformError as error:
            self.meters.refused(self.name, error.code or type(error).__name__.lower())
            raise
        finally:
            _SENDING.reset(inside)
        self.meters.called(self.name)
        return sent

    async def start(self) -> None:
        await self.inner.start()

    async def stop(self) -> None:
        await self.inner.stop()


def measured(platforms: Mapping[str, Platform], meters: Meters) -> dict[str, Platform]:
    """Each platform with its calls counted."""
    return {name: Measured(wire, meters) for name, wire in platforms.items()}
