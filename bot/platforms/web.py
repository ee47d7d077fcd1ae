"""The local web chat as a platform: sending is storing a line and waking the pages that show it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.core.clock import SHANGHAI, Clock
from bot.core.errors import StorageBusy, Temporary
from bot.core.messages import Message
from bot.platforms.base import Limits, Payload, Sent
from storage import chat_lines
from storage.database import Database, Tx


class WebChat:
    """The platform `web`; a recipient is a person's id as text.

    A payload may carry a `key` of its sender's (a delivery's key): the same recipient and key show once, for ever.
    Without one, the same words to the same person on the same day show once until the person has said something.
    """

    name = "web"
    title = "本地聊天页"
    repeat_safe = True
    repeat_seconds = float("inf")
    limits = Limits(
        part_bytes=1_000_000, recipients=1000, calls_per_second=200.0, person_per_minute=600, person_per_hour=10_000
    )

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._pages: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self.stopped = False

    def render(self, message: Message) -> list[Payload]:
        return [{"message": message.spelled.to_json()}]

    def fits_passive(self, message: Message) -> bool:
        return False  # answers arrive over the page's live stream

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        """Raises Temporary when the database is busy; recipients who do not exist are in `failed`."""
        asked = {recipient: int(recipient) for recipient in recipients if _is_id(recipient)}
        try:
            async with self._database.transaction() as tx:
                known = await chat_lines.lock(tx, asked.values())
                for person_id in sorted(known):
                    await self._add(tx, person_id, payload)
        except StorageBusy as error:
            raise Temporary(str(error)) from error
        for person_id in known:
            self.wake(person_id)
        return Sent(failed={name: "没有这个人" for name in recipients if asked.get(name) not in known})

    async def _add(self, tx: Tx, person_id: int, payload: Payload) -> None:
        message, now = Message.from_json(payload["message"]), self._clock.now()
        key = payload.get("key")
        if key is None:
            said = await chat_lines.newest_id(tx, person_id, mine=True)
            key = f"{message.digest}:{now.astimezone(SHANGHAI):%Y%m%d}:{said}"
        await chat_lines.add(tx, person_id, False, message, f"bot:{person_id}:{key}", now)

    def wake(self, person_id: int) -> None:
        """Tell this process's pages of a person that there is something new; other replicas' pages poll."""
        for page in self._pages.get(person_id, ()):
            page.set()

    @contextmanager
    def listening(self, person_id: int) -> Iterator[asyncio.Event]:
        """An event that is set whenever the person's lines may have changed, and when the platform stops."""
        page = asyncio.Event()
        self._pages[person_id].add(page)
        try:
            yield page
        finally:
            self._pages[person_id].discard(page)
            if not self._pages[person_id]:
                del self._pages[person_id]

    async def start(self) -> None:
        self.stopped = False

    async def stop(self) -> None:
        """End every open page's stream, so that the server can close."""
        self.stopped = True
        for person_id in list(self._pages):
            self.wake(person_id)


def _is_id(recipient: str) -> bool:
    return recipient.isascii() and recipient.isdigit() and int(recipient) < 2**31
