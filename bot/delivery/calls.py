"""The sorting office: which deliveries are due and go out together in one call; nothing is sent here.

Every replica sorts. A delivery that was put into a call is left alone for a while; when nobody has begun that call by
then, because a process or the queue died, it is sorted again, and a call that comes twice finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from bot.core.clock import Clock
from bot.delivery.turns import Turns
from bot.jobs.base import Job, Jobs
from bot.platforms.base import Platform
from storage import deliveries, sending
from storage.database import Database
from storage.sending import Due

SEND = "send"
"""The task that carries out a call."""

QUEUED = timedelta(seconds=60)
PATIENCE = 5.0  # seconds a call may wait for its turn; what would wait longer is put off

_ROWS = 2000
_WAITING = 400  # calls in the queue; more would outlast QUEUED and be sorted again


@dataclass(frozen=True)
class Call:
    """Deliveries of one content on one platform, at most what the vendor takes at once.

    `batch` is set for a repeat: the same people as the first time, whoever they were.
    """

    platform: str
    ids: tuple[int, ...]
    batch: str | None = None
    urgent: bool = False

    @property
    def job(self) -> Job:
        """The job that carries it out."""
        return Job(SEND, asdict(self), self.urgent)


@dataclass(frozen=True)
class Office:
    """Sorts what is due on the platforms it has into calls, and puts these into the queue."""

    database: Database
    platforms: Mapping[str, Platform]
    clock: Clock
    turns: Turns
    jobs: Jobs | None = None

    async def open(self) -> None:
        """Before the first look: a queue that forgets has nothing of what it was given before."""
        if self.jobs is not None and not self.jobs.keeps:
            async with self.database.transaction() as tx:
                await sending.unqueue(tx)

    async def run_once(self) -> int:
        """Sort once; returns how many deliveries were put into the queue or called off."""
        assert self.jobs is not None
        full = await self.jobs.waiting() > _WAITING // 2
        calls, cancelled = await self.sort(answers_only=full)
        await self.jobs.put([call.job for call in calls])
        return sum(len(call.ids) for call in calls) + cancelled

    async def sort(self, *, answers_only: bool = False) -> tuple[list[Call], int]:
        """The next calls of what is due and in nobody's hands, answers first; and how many came too late."""
        now = self.clock.now()
        open_platforms = await self._open()
        async with self.database.reading() as tx:
            found = await sending.due(tx, now, open_platforms, _ROWS, answers_only=answers_only)
        if not found:
            return [], 0
        late = {row.id for row in found if row.expires_at is not None and row.expires_at <= now}
        if late:
            async with self.database.transaction() as tx:
                await deliveries.record(tx, late, only=deliveries.DUE, status=deliveries.GIVEN_UP, error="过了截止时间")
        calls = self._calls([row for row in found if row.id not in late])[:_WAITING]
        async with self.database.transaction() as tx:
            wanted = [key for call in calls for key in call.ids]
            got = await sending.queue(tx, wanted, now, now + QUEUED)
        mine = [
            Call(call.platform, ids, call.batch, call.urgent)
            for call in calls
            if (ids := tuple(key for key in call.ids if key in got))
        ]
        return mine, len(late)

    async def _open(self) -> list[str]:
        """The platforms that take calls now."""
        async with self.database.reading() as tx:
            return [name for name in self.platforms if await self.turns.wait(tx, name) <= PATIENCE]

    def _calls(self, rows: Sequence[Due]) -> list[Call]:
        groups: dict[tuple[bool, str, str, int, str | None], list[int]] = {}
        for row in rows:
            urgent = row.kind == deliveries.ANSWER
            key = (not urgent, row.platform, row.content, row.parts_sent, row.batch)
            groups.setdefault(key, []).append(row.id)
        calls: list[Call] = []
        for (later, platform, _content, _part, batch), ids in sorted(groups.items(), key=lambda item: item[0][0]):
            size = self.platforms[platform].limits.recipients
            blocks = (tuple(ids[start : start + size]) for start in range(0, len(ids), size))
            calls += [Call(platform, group, batch, urgent=not later) for group in blocks]
        return calls
