"""What an operator must know: a log line at once, and a message to everybody with that role, once a day a subject."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.clock import SHANGHAI, Clock
from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.core.messages import hint, say, warn
from bot.platforms.base import Notice, Platform
from storage import deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Role

log = logging.getLogger(__name__)

OURS = "接话教练"
"""Who speaks when it concerns no platform."""

_USEFUL = timedelta(days=1)
_QUIET = timedelta(hours=1)


@dataclass(frozen=True)
class Alarms:
    """Tells operators; the courier finds what is owed to them at its next look."""

    database: Database
    clock: Clock
    platforms: Mapping[str, Platform] = field(default_factory=dict)  # for their names; may be filled later
    _told: dict[tuple[str, str], datetime] = field(default_factory=dict)

    async def __call__(self, notice: Notice) -> None:
        """Log `notice` and owe it to the operators.

        One with the same platform and code is logged once an hour by this process and owed once a day by all of them.
        """
        subject, now = (notice.platform, notice.code), self.clock.now()
        if subject in self._told and now - self._told[subject] < _QUIET:
            return
        self._told[subject] = now
        note(log, "platform.alarm", notice.words, logging.ERROR, platform=notice.platform, code=notice.code)
        try:
            await self._owe(notice)
        except StorageBusy:
            note(log, "platform.alarm", "the database was busy; the alarm stands only here", logging.WARNING)
        except Exception:
            log.exception("an alarm could not be owed", extra={"action": "platform.alarm", "ids": {}})

    async def _owe(self, notice: Notice) -> None:
        now = self.clock.now()
        day = f"{now.astimezone(SHANGHAI):%Y%m%d}"
        wire = self.platforms.get(notice.platform)
        name = wire.title if wire is not None else OURS
        message = say(
            warn(notice.words), hint("这条只发给有“运维”角色的人，同一件事一天一次。"), title=f"{name}要处理一下"
        )
        async with self.database.transaction() as tx:
            owed = [
                Owed(
                    f"alarm:{notice.platform}:{notice.code}:{day}:{person.id}",
                    person.id or 0,
                    "alarm",
                    message,
                    now,
                    now + _USEFUL,
                )
                for person in await people.with_role(tx, Role.OPERATOR)
            ]
            await deliveries.enqueue(tx, owed, now)
