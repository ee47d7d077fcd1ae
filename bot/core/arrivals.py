"""What surrounds the handling of every incoming message: an id for its log lines, and a stopwatch."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from bot.core.log import about
from bot.core.messages import Incoming, Message
from bot.core.meters import Meters

Receive = Callable[[Incoming], Awaitable[tuple[Message, ...]]]


def attended(receive: Receive, meters: Meters) -> Receive:
    """`receive`, timed by platform; every line logged meanwhile carries the same `request`."""

    async def attend(incoming: Incoming) -> tuple[Message, ...]:
        with about(request=secrets.token_hex(4)), meters.message(incoming.platform):
            return await receive(incoming)

    return attend
