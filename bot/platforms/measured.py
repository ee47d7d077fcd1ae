"""A platform whose calls are counted; everything else is the platform's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.errors import PlatformError
from bot.core.messages import Message
from bot.core.meters import Meters
from bot.platforms.base import Payload, Platform, Sent


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
        try:
            sent = await self.inner.send(recipients, payload)
        except PlatformError as error:
            self.meters.refused(self.name, error.code or type(error).__name__.lower())
            raise
        self.meters.called(self.name)
        return sent

    async def start(self) -> None:
        await self.inner.start()

    async def stop(self) -> None:
        await self.inner.stop()


def measured(platforms: Mapping[str, Platform], meters: Meters) -> dict[str, Platform]:
    """Each platform with its calls counted."""
    return {name: Measured(wire, meters) for name, wire in platforms.items()}
