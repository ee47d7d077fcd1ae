"""Carries out one call: the intent is committed before it, what the vendor said after it.

A sender that dies between the two leaves rows as being sent: where the vendor recognises an identical repeat they are
sent again, elsewhere they become `unknown` and an operator decides.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, PlatformError, StorageBusy
from bot.core.log import note
from bot.core.messages import Message
from bot.delivery.calls import PATIENCE, Office
from bot.delivery.outcome import Outcome
from bot.delivery.turns import SPARE, Turns
from bot.gate import Gate
from bot.platforms.base import Alarm, Payload, Platform, Sent
from storage import deliveries, sending
from storage.database import Database, Tx
from storage.models import Delivery
from storage.pace import Pace, full, lock
from storage.sending import Due

log = logging.getLogger(__name__)

ORPHAN = timedelta(seconds=60)
"""After so long a sender that has not said what became of its call is taken for dead."""

_SURE = 15.0  # seconds; older claims are looked at again before a call, others may have taken this process for dead


@dataclass
class Courier:
    """Sends calls on the platforms it has."""

    database: Database
    platforms: Mapping[str, Platform]
    clock: Clock
    turns: Turns
    alarm: Alarm | None = None
    gate: Gate | None = None
    wake: Callable[[], None] = lambda: None
    _live: set[str] = field(default_factory=set)  # calls that this process is carrying out

    async def send(self, platform: str, ids: Sequence[int], batch: str | None = None, urgent: bool = False) -> None:
        """Carry out one call, as far as nobody else has done so. Raises StorageBusy."""
        wire = self.platforms.get(platform)
        if wire is None:
            return
        owner = secrets.token_hex(8)
        self._live.add(owner)
        try:
            await _Round(self, wire, owner).run(ids, batch)
        finally:
            self._live.discard(owner)
        if urgent:
            self.wake()  # the person may wait for the next message

    async def run_once(self, office: Office | None = None) -> int:
        """Sort what is due and carry it out here, one call after the other: a bot without a queue, as in a test.

        Returns how many deliveries were taken up.
        """
        office = office or Office(self.database, self.platforms, self.clock, self.turns)
        return await self._carry(office, answers_only=True) + await self._carry(office)

    async def _carry(self, office: Office, *, answers_only: bool = False) -> int:
        calls, taken = await office.sort(answers_only=answers_only)
        for call in calls:
            if not call.urgent:  # answers that have come up meanwhile go first
                taken += await self._carry(office, answers_only=True)
            await self.send(call.platform, call.ids, call.batch)
            taken += len(call.ids)
        return taken

    async def recover(self) -> int:
        """Settle what a dead sender left half-way; returns how many rows there were."""
        async with self.database.transaction() as tx:
            rows = await sending.in_flight_of_others(tx, self._live, self.clock.now() - ORPHAN)
            safe = [row.id or 0 for row in rows if self._can_repeat(row)]
            rest = [row.id or 0 for row in rows if not self._can_repeat(row)]
            await deliveries.record(tx, safe, status=deliveries.DUE, queued_until=None)
            await deliveries.record(tx, rest, status=deliveries.UNKNOWN, error="发送中断，不确定是否送达")
        if rows:
            note(log, "delivery.recovered", "took up what another sender left", again=len(safe), unknown=len(rest))
        return len(rows)

    def _can_repeat(self, row: Delivery) -> bool:
        platform = self.platforms.get(row.platform)
        if platform is None or not platform.repeat_safe or row.sent_at is None:
            return False
        return (self.clock.now() - row.sent_at).total_seconds() < platform.repeat_seconds


@dataclass
class _Round:
    """One call's way from rows to the vendor and back."""

    courier: Courier
    platform: Platform
    owner: str

    async def run(self, ids: Sequence[int], batch: str | None) -> None:
        courier, key = self.courier, batch or secrets.token_hex(8)
        outcome = Outcome(courier.database, courier.clock, courier.turns, courier.alarm)
        claimed_at = time.monotonic()
        async with courier.database.transaction() as tx:
            claimed = await self._claim(tx, ids, batch, key)
        if claimed is None:
            return
        rows, payloads, start = claimed
        part = rows[0].parts_sent
        if part >= len(payloads):
            await outcome.nothing_to_show(rows)
        while rows and part < len(payloads):
            await asyncio.sleep(max(0.0, start - time.monotonic()))
            if time.monotonic() - claimed_at > _SURE and not await self._still_mine(rows):
                return
            sent = await self._call(outcome, rows, {**payloads[part], "key": f"{key}.{part}"})
            if sent is None:
                return
            part, gap = part + 1, self.gap if part + 1 < len(payloads) else None
            rows, start = await outcome.delivered(self.platform, sent, rows, part, len(payloads), gap)
            claimed_at = time.monotonic()

    async def _call(self, outcome: Outcome, rows: list[Due], payload: Payload) -> Sent | None:
        """Ask the vendor; None when it did not accept, which is then written down."""
        try:
            return await self.platform.send([row.recipient for row in rows], payload)
        except PlatformError as error:
            await outcome.failed(self.platform, error, rows)
        except StorageBusy:
            raise
        except Exception as error:  # a fault of ours; whether the call was carried out is not known
            log.exception(
                "a platform broke", extra={"action": "delivery.broke", "ids": {"platform": self.platform.name}}
            )
            await outcome.failed(self.platform, Ambiguous(type(error).__name__, "broken"), rows)
        return None

    @property
    def gap(self) -> float:
        """Seconds between two calls of the platform."""
        return SPARE / self.platform.limits.calls_per_second

    async def _claim(
        self, tx: Tx, ids: Sequence[int], batch: str | None, key: str
    ) -> tuple[list[Due], list[Payload], float] | None:
        """The rows that this call is for, marked as being sent, its payloads, and when its turn comes.

        None when there is nothing to do, or not yet.
        """
        now = self.courier.clock.now()
        rows = await sending.take_up(tx, ids, batch, now)
        if self.courier.gate is not None:
            rows = await self.courier.gate.through(tx, self.platform, rows, now)
        if not rows:
            return None
        message = (await deliveries.messages(tx, [rows[0].content])).get(rows[0].content)
        if message is None:
            await deliveries.record(tx, _ids(rows), status=deliveries.FAILED, error="内容不见了")
            return None
        payloads = _rendered(self.platform, message)
        if batch is None:
            rows = await self._with_room(tx, rows, len(payloads))
        if not rows:
            return None
        taken, wait = await self.courier.turns.take(tx, self.platform.name, self.gap, PATIENCE)
        start = time.monotonic() + wait
        if not taken:
            await deliveries.record(tx, _ids(rows), due_at=now + timedelta(seconds=wait), queued_until=None)
            return None
        await sending.claim(tx, _ids(rows), self.owner, key, now, len(payloads))
        return rows, payloads, start

    async def _with_room(self, tx: Tx, rows: list[Due], parts: int) -> list[Due]:
        """Those who may be sent so many parts now; the others are looked at again when they may.

        Only for a first try: a repeat must go to the same people, and its room was kept.
        """
        recipients = {row.recipient for row in rows}
        await lock(tx, self.platform.name, recipients)
        limits = self.platform.limits
        pace = Pace(limits.person_per_minute, limits.person_per_hour)
        wait = await full(tx, self.platform.name, recipients, parts, pace, self.courier.clock.now())
        if wait:
            await sending.hold(tx, {row.id: wait[row.recipient] for row in rows if row.recipient in wait})
            note(log, "delivery.held", "some people have been sent all they may be for now", people=len(wait))
        return [row for row in rows if row.recipient not in wait]

    async def _still_mine(self, rows: Sequence[Due]) -> bool:
        """Whether a claim that has grown old still holds; then it is as good as new."""
        async with self.courier.database.transaction() as tx:
            kept = await sending.keep(tx, _ids(rows), self.owner, self.courier.clock.now())
        if kept != len(rows):
            note(log, "delivery.lost", "another sender took this call for abandoned", logging.WARNING, people=len(rows))
        return kept == len(rows)


def _ids(rows: Sequence[Due]) -> list[int]:
    return [row.id for row in rows]


def _rendered(platform: Platform, message: Message) -> list[Payload]:
    """The calls that show a message; none for one that cannot be shown, which must not hold up the others."""
    try:
        return platform.render(message)
    except Exception:
        log.exception("a message cannot be rendered", extra={"action": "delivery.broke", "ids": {}})
        return []
