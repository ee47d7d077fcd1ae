"""Delivery rows → platform calls, batched by identical content; the intent is committed before every call.

What a call did is recorded after it. A sender that dies between the two leaves rows as being sent: where the vendor
recognises an identical repeat they are sent again, elsewhere they become `unknown` and an operator decides.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, Misconfigured, Permanent, PlatformError, StorageBusy, Temporary
from bot.core.log import note
from bot.core.messages import Message
from bot.platforms.base import Alarm, Notice, Payload, Platform, Sent
from storage import deliveries
from storage.database import Database, Tx
from storage.models import Delivery
from storage.pace import Pace, full, lock

log = logging.getLogger(__name__)

_BATCH = 2000
_GIVE_UP = timedelta(hours=24)  # a message older than that is no answer any more
_FIRST_WAIT = 2.0
_LONGEST_WAIT = 300.0
_ORPHAN = timedelta(seconds=60)


@dataclass
class Courier:
    """Sends what is due on the platforms it has.

    `owner` is fresh for every start of the process, and after a run that broke off: what that run left half-way is
    settled like a dead sender's.
    """

    database: Database
    platforms: Mapping[str, Platform]
    clock: Clock
    alarm: Alarm | None = None
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    _next_call: dict[str, float] = field(default_factory=dict)

    async def run_once(self) -> int:
        """Send everything that is due now; returns how many deliveries were taken up."""
        try:
            return await self._run()
        except BaseException:
            self.owner = secrets.token_hex(8)
            raise

    async def _run(self) -> int:
        return await self._send_due(answers_only=True) + await self._send_due()

    async def _send_due(self, *, answers_only: bool = False) -> int:
        now = self.clock.now()
        async with self.database.reading() as tx:
            found = await deliveries.due(tx, now, list(self.platforms), _BATCH, answers_only=answers_only)
        if not found:
            return 0
        late = [row.id or 0 for row in found if row.expires_at is not None and row.expires_at <= now]
        if late:
            async with self.database.transaction() as tx:
                await deliveries.record(
                    tx, late, only=deliveries.DUE, status=deliveries.CANCELLED, error="过了截止时间"
                )
        taken = 0
        alive = [row for row in found if (row.id or 0) not in set(late)]
        for (name, digest, part, batch), rows in _batches(alive):
            taken += await self._send_batch(self.platforms[name], digest, part, batch, rows, urgent=answers_only)
        return taken + len(late)

    async def recover(self) -> int:
        """Settle what a dead sender left half-way; returns how many rows there were."""
        async with self.database.transaction() as tx:
            rows = await deliveries.in_flight_of_others(tx, self.owner, self.clock.now() - _ORPHAN)
            safe = [row.id or 0 for row in rows if self._can_repeat(row)]
            rest = [row.id or 0 for row in rows if not self._can_repeat(row)]
            await deliveries.record(tx, safe, status=deliveries.DUE)
            await deliveries.record(tx, rest, status=deliveries.UNKNOWN, error="发送中断，不确定是否送达")
        if rows:
            note(log, "delivery.recovered", "took up what another sender left", again=len(safe), unknown=len(rest))
        return len(rows)

    def _can_repeat(self, row: Delivery) -> bool:
        platform = self.platforms.get(row.platform)
        if platform is None or not platform.repeat_safe or row.sent_at is None:
            return False
        return (self.clock.now() - row.sent_at).total_seconds() < platform.repeat_seconds

    async def _send_batch(
        self, platform: Platform, digest: str, part: int, batch: str | None, rows: Sequence[Delivery], *, urgent: bool
    ) -> int:
        """One content to the people who wait for the same part of it, in calls of the vendor's size.

        Between two calls the answers that have come up meanwhile go first. Returns how many were taken up.
        """
        async with self.database.reading() as tx:
            message = (await deliveries.messages(tx, [digest])).get(digest)
        if message is None:
            await self._record([row.id or 0 for row in rows], status=deliveries.FAILED, error="内容不见了")
            return len(rows)
        size, taken = platform.limits.recipients, 0
        for start in range(0, len(rows), size):
            if start and not urgent:
                taken += await self._send_due(answers_only=True)
            taken += await self._send_group(platform, message, part, batch, rows[start : start + size])
        return taken

    async def _send_group(
        self, platform: Platform, message: Message, part: int, batch: str | None, rows: Sequence[Delivery]
    ) -> int:
        key, payloads, now = batch or secrets.token_hex(8), _rendered(platform, message), self.clock.now()
        async with self.database.transaction() as tx:
            if batch is None:
                rows = await self._with_room(tx, platform, rows, len(payloads))
            got = await deliveries.claim(tx, [row.id or 0 for row in rows], self.owner, key, now, len(payloads))
        mine = [row for row in rows if row.id in got]
        if mine and part >= len(payloads):
            status = deliveries.SENT if part else deliveries.FAILED
            await self._record([row.id or 0 for row in mine], status=status, error="没有可显示的内容")
            return len(got)
        while mine and part < len(payloads):
            await self._pace(platform)
            try:
                payload = {**payloads[part], "key": f"{key}.{part}"}
                sent = await platform.send([row.recipient for row in mine], payload)
            except PlatformError as error:
                await self._failed(platform, error, mine)
                break
            except StorageBusy:
                raise
            except Exception as error:  # a fault of ours; whether the call was carried out is not known
                log.exception(
                    "a platform broke", extra={"action": "delivery.broke", "ids": {"platform": platform.name}}
                )
                await self._failed(platform, Ambiguous(type(error).__name__, "broken"), mine)
                break
            part += 1
            mine = await self._delivered(platform, sent, mine, part, len(payloads))
        return len(got)

    async def _with_room(self, tx: Tx, platform: Platform, rows: Sequence[Delivery], parts: int) -> Sequence[Delivery]:
        """Those who may be sent so many parts now; the others are looked at again when they may.

        Only for a first try: a repeat must go to the same people, and its room was kept.
        """
        limits = platform.limits
        pace = Pace(limits.person_per_minute, limits.person_per_hour)
        await lock(tx)
        wait = await full(tx, platform.name, {row.recipient for row in rows}, parts, pace, self.clock.now())
        if wait:
            await deliveries.hold(tx, {row.id or 0: wait[row.recipient] for row in rows if row.recipient in wait})
            note(log, "delivery.held", "some people have been sent all they may be for now", people=len(wait))
        return [row for row in rows if row.recipient not in wait]

    async def _delivered(
        self, platform: Platform, sent: Sent, rows: Sequence[Delivery], part: int, parts: int
    ) -> list[Delivery]:
        """Record one accepted call; returns those who still wait for further parts."""
        failed = {row.id or 0: sent.failed[row.recipient] for row in rows if row.recipient in sent.failed}
        missed = [row for row in rows if row.recipient in sent.later and row.id not in failed]
        reached = [row for row in rows if row.recipient not in sent.failed and row.recipient not in sent.later]
        ids = [row.id or 0 for row in reached]
        async with self.database.transaction() as tx:
            for row_id, reason in failed.items():
                await deliveries.record(tx, [row_id], status=deliveries.FAILED, error=reason[:200])
            await deliveries.sent(tx, ids, part, parts, sent.message_id, self.clock.now())
        if missed:  # together, so that they go out again in one call
            why = sent.later[missed[0].recipient]
            await self._retry(Temporary(why), missed, why[:200])
        if failed:
            note(log, "delivery.unreached", "some people were not reached", logging.WARNING, people=len(failed))
        return list(reached) if part < parts else []

    async def _failed(self, platform: Platform, error: PlatformError, rows: Sequence[Delivery]) -> None:
        ids, why = [row.id or 0 for row in rows], f"{error.code} {error}".strip()[:200]
        note(log, "delivery.failed", type(error).__name__, logging.WARNING, platform=platform.name, code=error.code)
        if isinstance(error, Misconfigured) and self.alarm is not None:
            await self.alarm(Notice(platform.name, error.code, f"{error}。{error.advice}".rstrip("。") + "。"))
        if isinstance(error, Permanent):
            await self._record(ids, status=deliveries.FAILED, error=why)
        elif isinstance(error, Ambiguous) and not platform.repeat_safe:
            await self._record(ids, status=deliveries.UNKNOWN, error=why)
        else:
            await self._retry(error, rows, why)

    async def _retry(self, error: PlatformError, rows: Sequence[Delivery], why: str) -> None:
        """Back to due with growing, jittered pauses, until the message is too old to be of use.

        What waits for a person to mend a setting is never given up; questions expire by themselves.
        """
        patient = isinstance(error, Misconfigured)
        old = {row.id for row in rows if not patient and self.clock.now() - row.created_at > _GIVE_UP}
        if old:
            status = deliveries.UNKNOWN if isinstance(error, Ambiguous) else deliveries.FAILED
            await self._record([key or 0 for key in old], status=status, error=why)
        rows = [row for row in rows if row.id not in old]
        asked = error.retry_after if isinstance(error, Temporary) else None
        for tries, group in groupby(sorted(rows, key=lambda row: row.tries), key=lambda row: row.tries):
            ids = [row.id or 0 for row in group]
            pause = asked or min(_FIRST_WAIT * 2**tries, _LONGEST_WAIT) * random.uniform(0.8, 1.2)
            due_at = self.clock.now() + timedelta(seconds=pause)
            await self._record(ids, status=deliveries.DUE, error=why, due_at=due_at)

    async def _record(self, ids: list[int], **values: Any) -> None:
        async with self.database.transaction() as tx:
            await deliveries.record(tx, ids, **values)

    async def _pace(self, platform: Platform) -> None:
        """Space this process's calls evenly under the vendor's rate."""
        loop = asyncio.get_running_loop()
        start = max(self._next_call.get(platform.name, 0.0), loop.time())
        self._next_call[platform.name] = start + 1.0 / platform.limits.calls_per_second
        await asyncio.sleep(max(0.0, start - loop.time()))


def _rendered(platform: Platform, message: Message) -> list[Payload]:
    """The calls that show a message; none for one that cannot be shown, which must not hold up the others."""
    try:
        return platform.render(message)
    except Exception:
        log.exception("a message cannot be rendered", extra={"action": "delivery.broke", "ids": {}})
        return []


Key = tuple[str, str, int, str | None]


def _batches(rows: Sequence[Delivery]) -> list[tuple[Key, list[Delivery]]]:
    """Deliveries grouped by platform, content, part and earlier call, in the order the first of each was owed."""
    groups: dict[Key, list[Delivery]] = {}
    for row in rows:
        groups.setdefault((row.platform, row.content, row.parts_sent, row.batch), []).append(row)
    return list(groups.items())
