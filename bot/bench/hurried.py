"""`jiehua serve` on a clock that runs faster, so that a minute's wait of the program takes seconds of a run:
`python -m bot.bench.hurried RATE SINCE`. Everything else is the real program."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from datetime import UTC, datetime

from bot import app, config
from bot.core import log


class HurriedClock:
    """Runs `rate` times as fast as the system's clock since a moment at which both agreed."""

    def __init__(self, rate: float, since: datetime) -> None:
        self.rate, self.since = rate, since

    def now(self) -> datetime:
        return self.since + (datetime.now(UTC) - self.since) * self.rate


async def _serve(clock: HurriedClock) -> None:
    settings = config.read()
    log.start(settings.log_level, as_json=settings.log_json)
    task = asyncio.ensure_future(app.serve(settings, clock, _announce))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _announce(address: str) -> None:
    sys.stdout.write(f"ready {address}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve by the settings; arguments: the rate, and the moment at which both clocks agreed."""
    asyncio.run(_serve(HurriedClock(float(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))))


if __name__ == "__main__":
    main()
