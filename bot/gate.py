"""The last look before a call: what nobody asked for goes out in the person's working time, or later, or never.

Planning has chosen a good moment, but it may have slipped: the vendor was down, a backlog, leave taken meanwhile, a
shift changed. Answers are never held, nor what is for people on call. Everything that passes gets its stamp.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.log import note
from bot.platforms.base import Platform
from handlers import hours
from handlers.hours import House
from storage import assignments, deliveries
from storage import hours as rows_of
from storage.database import Tx
from storage.hours import Times
from storage.sending import Due

log = logging.getLogger(__name__)

NEVER = datetime.max.replace(tzinfo=UTC)
"""No moment is in sight: an open pause, or somebody who has left."""

_WAITS = "不在这位同事的工作时间，到点再发"
_OVER = "轮到这位同事的工作时间之前就过期了，不再发"
_DOUBT = "上一次不确定是否送达，现在已不在工作时间，没有再发"


@dataclass(frozen=True)
class Gate:
    """Asked by the courier in the transaction that claims the rows of one call."""

    house: House

    async def held(self, tx: Tx, rows: Sequence[Due], now: datetime) -> dict[int, datetime]:
        """The deliveries that may not go out now, by id, each with the next moment at which it may, or NEVER."""
        return self._held(rows, await self._times(tx, rows, now), now)

    async def through(self, tx: Tx, platform: Platform, rows: Sequence[Due], now: datetime) -> list[Due]:
        """Those of one call's rows that may go out now, stamped; the others are put off, or cancelled if that would
        be too late for them."""
        times = await self._times(tx, rows, now)
        held = self._held(rows, times, now)
        if held and any(row.owner is not None for row in rows):
            held = await self._together(tx, platform, rows, held)
        await _put_off(tx, rows, held)
        passed = [row for row in rows if row.id not in held]
        by_stamp: dict[str, list[int]] = {}
        for row in passed:
            known = times.get(row.person_id or 0)
            if known is not None:
                by_stamp.setdefault(self._stamp(row, known, now), []).append(row.id)
        for stamp, ids in by_stamp.items():
            await deliveries.record(tx, ids, only=deliveries.DUE, stamp=stamp)
        return passed

    async def _times(self, tx: Tx, rows: Sequence[Due], now: datetime) -> dict[int, Times]:
        people = {row.person_id for row in rows if row.person_id is not None}
        return await rows_of.known(tx, people, self.house.calendar.today(now) - timedelta(days=1))

    def _held(self, rows: Sequence[Due], times: Mapping[int, Times], now: datetime) -> dict[int, datetime]:
        found = {}
        for row in rows:
            known = times.get(row.person_id or 0)
            if known is None or row.kind == deliveries.ANSWER or row.kind in hours.ON_CALL:
                continue
            moment = hours.again(self.house, _seen(row, known), now) if known.active else None
            if moment != now:
                found[row.id] = moment or NEVER
        return found

    def _stamp(self, row: Due, times: Times, now: datetime) -> str:
        return hours.stamp(self.house, times.awake, now, asked=row.kind == deliveries.ANSWER)

    async def _together(
        self, tx: Tx, platform: Platform, rows: Sequence[Due], held: Mapping[int, datetime]
    ) -> dict[int, datetime]:
        """An earlier call may have been carried out: its repeat goes to the same people or to nobody.

        They wait together while the vendor will still know the repeat; else they are `unknown`.
        """
        moment = max(held.values())
        first = min(row.sent_at for row in rows if row.sent_at is not None)
        if len(held) == len(rows) and (moment - first).total_seconds() < platform.repeat_seconds:
            return {row.id: moment for row in rows}
        ids = [row.id for row in rows]
        await deliveries.record(tx, ids, only=deliveries.DUE, status=deliveries.UNKNOWN, error=_DOUBT)
        return dict.fromkeys(ids, NEVER)


def _seen(row: Due, times: Times) -> Times:
    """A notice tells of the rest it falls into, so the rest does not hold it."""
    return times.awake if row.kind == "notice" else times


async def _put_off(tx: Tx, rows: Sequence[Due], held: Mapping[int, datetime]) -> None:
    """Move what is held to its moment, and the question it asks with it; cancel what expires before."""
    ends = {row.id: row.expires_at or NEVER for row in rows}
    late = [key for key, moment in held.items() if moment >= ends[key]]
    await deliveries.record(tx, late, only=deliveries.DUE, status=deliveries.GIVEN_UP, error=_OVER)
    unseen = {row.id: min(held[row.id], ends[row.id]) for row in rows if row.id in held and row.owner is None}
    for moment, ids in _by_moment(unseen, ()).items():
        await assignments.open_later(tx, ids, moment)
    alone = {"batch": None} if all(row.owner is None for row in rows) else {}  # else a repeat: they stay one call
    for moment, ids in _by_moment(held, set(late)).items():
        await deliveries.record(tx, ids, only=deliveries.DUE, due_at=moment, queued_until=None, error=_WAITS, **alone)
    if held:
        note(log, "delivery.waits", "some people are not at work now", people=len(held), cancelled=len(late))


def _by_moment(held: Mapping[int, datetime], late: Collection[int]) -> dict[datetime, list[int]]:
    found: dict[datetime, list[int]] = {}
    for key, moment in held.items():
        if key not in late:
            found.setdefault(moment, []).append(key)
    return found
