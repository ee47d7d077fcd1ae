"""What became of a call, written down: reached, not reached, to be tried again, not known."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, Temporary, TooFast
from bot.core.log import note
from bot.delivery.calls import PATIENCE
from bot.delivery.turns import Turns
from bot.platforms.base import Alarm, Notice, Platform, Sent
from storage import deliveries, sending
from storage.database import Database
from storage.sending import Due

log = logging.getLogger(__name__)

_GIVE_UP = timedelta(hours=24)  # a message older than that is no answer any more
_MANY_TRIES = 20  # a good hour of them
_FIRST_WAIT = 2.0
_LONGEST_WAIT = 300.0


@dataclass(frozen=True)
class Outcome:
    """Records what a vendor said. Every method raises StorageBusy when it could not be written down."""

    database: Database
    clock: Clock
    turns: Turns
    alarm: Alarm | None = None

    async def nothing_to_show(self, rows: Sequence[Due]) -> None:
        """A message that this platform shows in no call, or in fewer than it did when the first of them went out."""
        status = deliveries.SENT if rows[0].parts_sent else deliveries.FAILED
        await self._record([row.id for row in rows], status=status, error="没有可显示的内容")

    async def delivered(
        self, platform: Platform, sent: Sent, rows: Sequence[Due], part: int, parts: int, gap: float | None
    ) -> tuple[list[Due], float]:
        """Record one accepted call.

        Returns those who wait for the next part, and the monotonic second of its turn; `gap` is None after the last.
        """
        failed = {row.id: sent.failed[row.recipient] for row in rows if row.recipient in sent.failed}
        missed = [row for row in rows if row.recipient in sent.later and row.id not in failed]
        reached = [row for row in rows if row.recipient not in sent.failed and row.recipient not in sent.later]
        wait = 0.0
        async with self.database.transaction() as tx:
            for row_id, reason in failed.items():
                await deliveries.record(tx, [row_id], status=deliveries.FAILED, error=reason[:200])
            await sending.sent(tx, [row.id for row in reached], part, parts, sent.message_id, self.clock.now())
            if gap is not None and reached:
                _, wait = await self.turns.take(tx, platform.name, gap, 10 * PATIENCE)
        start = time.monotonic() + wait
        if missed:  # together, so that they go out again in one call
            why = sent.later[missed[0].recipient]
            await self._retry(Temporary(why), missed, why[:200])
        if failed:
            note(log, "delivery.unreached", "some people were not reached", logging.WARNING, people=len(failed))
        return (reached if gap is not None else []), start

    async def failed(self, platform: Platform, error: PlatformError, rows: Sequence[Due]) -> None:
        """Record a call that was refused, or of which nobody knows."""
        ids, why = [row.id for row in rows], f"{error.code} {error}".strip()[:200]
        note(log, "delivery.failed", type(error).__name__, logging.WARNING, platform=platform.name, code=error.code)
        if isinstance(error, Misconfigured) and self.alarm is not None:
            await self.alarm(Notice(platform.name, error.code, f"{error}。{error.advice}".rstrip("。") + "。"))
        if isinstance(error, TooFast) and error.retry_after:
            async with self.database.transaction() as tx:
                await self.turns.push(tx, platform.name, error.retry_after)
        if isinstance(error, Permanent):
            await self._record(ids, status=deliveries.FAILED, error=why)
        elif isinstance(error, Ambiguous) and not platform.repeat_safe:
            await self._record(ids, status=deliveries.UNKNOWN, error=why)
        else:
            await self._retry(error, rows, why)

    async def _retry(self, error: PlatformError, rows: Sequence[Due], why: str) -> None:
        """Back to due with growing, jittered pauses, until the message is too old to be of use.

        What waits for a person to mend a setting is never given up; questions expire by themselves. A push may have
        waited days for the person to be at work: it is tried many times before it is too old.
        """
        rest = [] if isinstance(error, Misconfigured) else rows
        tried = {row.id for row in rest if row.kind == deliveries.ANSWER or row.tries >= _MANY_TRIES}
        if old := {row.id for row in rows if row.id in tried and self.clock.now() - row.created_at > _GIVE_UP}:
            status = deliveries.UNKNOWN if isinstance(error, Ambiguous) else deliveries.FAILED
            await self._record(list(old), status=status, error=why)
        rows = [row for row in rows if row.id not in old]
        asked = error.retry_after if isinstance(error, Temporary) else None
        certain = isinstance(error, Temporary)
        state = {row.id: (row.tries, certain and row.owner is None) for row in rows}  # as read: before this call
        for (tries, sure), group in groupby(sorted(state, key=state.__getitem__), key=state.__getitem__):
            pause = asked or min(_FIRST_WAIT * 2**tries, _LONGEST_WAIT) * random.uniform(0.8, 1.2)
            due_at = self.clock.now() + timedelta(seconds=pause)
            known = {"owner": None} if sure else {}  # no call of theirs was carried out: they may part company
            await self._record(list(group), status=deliveries.DUE, error=why, due_at=due_at, queued_until=None, **known)

    async def _record(self, ids: list[int], **values: Any) -> None:
        async with self.database.transaction() as tx:
            await deliveries.record(tx, ids, **values)
