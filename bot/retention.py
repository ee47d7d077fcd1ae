"""The nightly clean-up: once a night one replica goes through everything that is not kept for ever, in small steps."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from bot.config import Settings
from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.log import note
from storage import campaigns, retention
from storage.database import Database
from storage.retention import Cutoffs

log = logging.getLogger(__name__)

_HOURS = range(2, 5)  # local; nobody works with the bot, and the directories are read at 03:40
BATCH = 500
PAUSE = 0.02  # seconds between two batches, so that answers get in between


@dataclass(frozen=True)
class Retention:
    """Blanks texts after `keep_texts_days` and deletes rows after `keep_rows_days`."""

    database: Database
    clock: Clock
    settings: Settings
    batch: int = BATCH
    pause: float = PAUSE

    async def nightly(self) -> int:
        """Clean up if it is night and nobody has yet; returns how many rows were touched."""
        now = self.clock.now()
        local = now.astimezone(self.settings.timezone)
        if local.hour not in _HOURS:
            return 0
        try:
            async with self.database.transaction() as tx:
                if not await campaigns.fire(tx, f"retention@{local.date()}", "done", now):
                    return 0
        except StorageBusy:
            return 0  # the next look comes in minutes
        return sum((await self.sweep()).values())

    async def sweep(self) -> dict[str, int]:
        """Go through everything once; a subject that fails does not keep the others from their turn."""
        now = self.clock.now()
        cutoffs = Cutoffs(
            now - timedelta(days=self.settings.keep_texts_days), now - timedelta(days=self.settings.keep_rows_days), now
        )
        done: dict[str, int] = {}
        for name in retention.STEPS:
            try:
                done[name] = await self._subject(name, cutoffs)
            except Exception:  # also StorageBusy: the next night goes on where this one stopped
                log.exception("cleaning up failed", extra={"action": "retention.failed", "ids": {"subject": name}})
        touched = {name.replace(" ", "_"): count for name, count in done.items() if count}
        note(log, "retention.done", "old texts and rows are gone", **touched)
        return done

    async def _subject(self, name: str, cutoffs: Cutoffs) -> int:
        total = 0
        while count := await retention.STEPS[name](self.database, cutoffs, self.batch):
            total += count
            await asyncio.sleep(self.pause)
        return total
