"""Keeps people and departments in step with the vendors' directories: on demand, every night, and person by person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.clock import Clock
from bot.core.errors import Misconfigured, PlatformError, StorageBusy
from bot.core.log import note
from bot.directory import Changes, DirDepartment, Directory, DirPerson, Known, Source, Stopped, apply, diff, load
from bot.platforms.base import Alarm, ContactChange, Notice
from storage import campaigns, people
from storage import directory as rows
from storage.database import Database, Tx

log = logging.getLogger(__name__)

SLOTS = (time(3, 40), time(4, 10), time(4, 40))  # the first night's try, and two more when the vendor was busy
_UNTIL = time(6, 0)
_MANY = 500
_QUIET = timedelta(minutes=2)  # departments are moved by the dozen: read them when the last event is so old
_PATIENCE = timedelta(minutes=15)  # or the first one so old


@dataclass(frozen=True)
class Compared:
    """A directory, what we knew when it was read, and what is different."""

    directory: Directory
    known: Known
    changes: Changes


@dataclass(frozen=True)
class Sync:
    """`sources` are the directories of the platforms that are switched on; `automatic`: without being asked, too."""

    database: Database
    sources: Mapping[str, Source]
    clock: Clock
    zone: ZoneInfo
    alarm: Alarm | None = None
    automatic: bool = False
    _waiting: dict[tuple[str, str], str] = field(default_factory=dict)  # → a new user id, or ""
    _moved: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)  # departments: first and last event

    async def compare(self, platform: str) -> Compared:
        """Read a directory and compare; nothing is written. Raises PlatformError."""
        directory = await self._read(platform)
        async with self.database.reading() as tx:
            known, overlay = await load(tx, platform)
        return Compared(directory, known, diff(directory, known, overlay))

    async def run(self, platform: str, *, actor: str = "directory", confirmed: bool = False) -> Compared:
        """Read a directory and take it over. Raises PlatformError, and Stopped unless a person has `confirmed`."""
        return await self.write(await self._read(platform), actor=actor, confirmed=confirmed)

    async def write(self, directory: Directory, *, actor: str, confirmed: bool = False) -> Compared:
        """Take over a directory that has been read, compared with what we know now. Raises Stopped."""
        platform = directory.platform
        async with self.database.transaction() as tx:
            await people.lock_new(tx)
            known, overlay = await load(tx, platform)
            changes = await asyncio.to_thread(diff, directory, known, overlay)
            await apply(tx, changes, self.clock.now(), actor=actor, confirmed=confirmed)
        note(log, "directory.synced", "the directory was taken over", platform=platform, **changes.counts())
        for gap in (*directory.gaps, *changes.stay):
            note(log, "directory.gap", gap, logging.WARNING, platform=platform)
        return Compared(directory, known, changes)

    async def _read(self, platform: str) -> Directory:
        async with self.database.reading() as tx:
            known, _ = await load(tx, platform)
        return await self.sources[platform].read([person.external_id for person in known.people if person.active])

    # Every night

    async def nightly(self) -> int:
        """Take over every directory once a night, whichever replica comes first; returns how many were."""
        local = self.clock.now().astimezone(self.zone)
        slot = max((slot for slot in SLOTS if slot <= local.time()), default=None)
        if not self.automatic or slot is None or local.time() >= _UNTIL:
            return 0
        return sum([await self._night(platform, local.date(), slot) for platform in self.sources])

    async def _night(self, platform: str, day: date, slot: time) -> bool:
        keys = [f"directory:{platform}@{day}T{each:%H:%M}" for each in SLOTS if each <= slot]
        async with self.database.transaction() as tx:
            for key in keys:
                earlier = await campaigns.fired(tx, key)
                if earlier is not None and (earlier.outcome == "done" or key == keys[-1]):
                    return False
            if not await campaigns.fire(tx, keys[-1], "planned", self.clock.now()):
                return False
        outcome, detail = await self._tried(platform, last=slot == SLOTS[-1])
        async with self.database.transaction() as tx:
            await campaigns.conclude(tx, keys[-1], outcome, detail)
        return outcome == "done"

    async def _tried(self, platform: str, *, last: bool) -> tuple[str, str]:
        """Run once; what an operator must know they are told."""
        try:
            counts = (await self.run(platform)).changes.counts()
        except Stopped as error:
            words = f"通讯录同步停下了：{error}。核对之后运行 jiehua people sync --force"
            await self._tell(platform, "directory-stop", words)
            return "done", "stopped"
        except PlatformError as error:
            advice = getattr(error, "advice", "")
            note(log, "directory.failed", "the directory could not be read", logging.WARNING, code=error.code)
            if last or isinstance(error, Misconfigured):
                await self._tell(platform, "directory", f"通讯录没有读成：{error}{'；' + advice if advice else ''}")
            return "failed", error.code
        except StorageBusy:
            return "failed", "storage"
        return "done", " ".join(f"{name}={count}" for name, count in counts.items() if count)

    async def _tell(self, platform: str, code: str, words: str) -> None:
        if self.alarm is not None:
            await self.alarm(Notice(platform, code, words))

    # Person by person

    async def on_contact(self, change: ContactChange) -> None:
        """Remember what changed; `catch_up` asks the vendor: for a person, or for everything after a department or tag.

        What is forgotten when the process dies, the night mends.
        """
        if not self.automatic or change.platform not in self.sources or not change.subject:
            return
        if not change.person:
            now = self.clock.now()
            self._moved[change.platform] = self._moved.get(change.platform, (now, now))[0], now
        elif len(self._waiting) < _MANY:
            self._waiting[change.platform, change.subject] = change.renamed

    async def catch_up(self) -> int:
        """Take over the people who changed, and whole directories; returns how many there were of both."""
        done, now = 0, self.clock.now()
        for platform, (first, last) in list(self._moved.items()):
            if now - last >= _QUIET or now - first >= _PATIENCE:
                del self._moved[platform]
                await self._tried(platform, last=False)  # what a busy vendor would not say, the night does
                done += 1
        while self._waiting:
            platform, external_id = next(iter(self._waiting))
            renamed = self._waiting.pop((platform, external_id))
            done += 1
            try:
                await self.person(platform, external_id, renamed)
            except PlatformError as error:
                note(log, "directory.failed", "one person could not be read", logging.WARNING, code=error.code)
        return done

    async def person(self, platform: str, external_id: str, renamed: str = "") -> Changes:
        """Take over one person; `renamed` is the user id they have now, when it changed. Raises PlatformError."""
        source = self.sources[platform]
        found, now = await source.person(renamed or external_id), self.clock.now()
        async with self.database.transaction() as tx:
            await people.lock_new(tx)
            if renamed:
                await rows.rename_account(tx, platform, source.spelt(external_id), found.external_id)
            return await _take_one(tx, platform, found, now)


async def _take_one(tx: Tx, platform: str, person: DirPerson, now: datetime) -> Changes:
    known, overlay = await load(tx, platform, only=[person.external_id])
    tree = [DirDepartment(each.external_id, each.name, each.parent) for each in known.departments if each.external_id]
    changes = diff(Directory(platform, tuple(tree), (person,), whole=False), known, overlay)
    await apply(tx, changes, now, actor="contact")
    return changes
