"""A fake in a thread of its own, for tests of what runs an event loop itself: the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

Fake = TypeVar("Fake")


@contextmanager
def aside(fake: AbstractAsyncContextManager[Fake]) -> Iterator[Fake]:
    """`fake` entered on another thread's loop until the block ends; its plain attributes are read and set from here."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fake", daemon=True)
    thread.start()
    try:
        entered = asyncio.run_coroutine_threadsafe(_entered(fake), loop).result(10)
        try:
            yield entered
        finally:
            asyncio.run_coroutine_threadsafe(_left(fake), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _entered(fake: AbstractAsyncContextManager[Fake]) -> Fake:
    return await fake.__aenter__()


async def _left(fake: AbstractAsyncContextManager[Fake]) -> None:
    await fake.__aexit__(None, None, None)
