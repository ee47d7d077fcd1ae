"""What operators hear of without asking: every few minutes each check looks at one thing and says what to do about it.

How often it is said is the alarm's business: once a day for one subject.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.core.clock import Clock
from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.core.meters import Meters, Monotonic
from bot.platforms.base import Alarm, Notice, Platform
from handlers.context import Desk
from storage import metrics
from storage.database import Database, Tx

log = logging.getLogger(__name__)

SERVICE = "service"  # the platform of a notice that concerns none
LATE = 600.0  # seconds after which a delivery that nobody has taken up is too late
FAILING = 900.0  # seconds without one accepted call
_FAILED_CALLS = 3
TOKENLESS = 600.0  # seconds without an access token renewed; one is renewed five minutes before it ends
_FAILED_RENEWALS = 2
JUMP = 60.0  # seconds that the clock may gain or lose between two looks
DRIFT = 5.0  # seconds between our clock and the database's
_SCARCE = 500 * 1024**2  # bytes on the disk below which it is full soon, whatever its size
_SMALL = 5 * 1024**3  # the same when it is less than a twentieth of the disk
_NEXT_YEAR_FROM = 11  # the month in which the next year's holidays are usually announced

Disk = Callable[[Path], tuple[int, int]]
"""Total and free bytes of the disk that holds a folder. Raises OSError."""


def _usage(folder: Path) -> tuple[int, int]:
    found = shutil.disk_usage(folder)
    return found.total, found.free


@dataclass
class Watch:
    """Looks at everything in `CHECKS`. `faults` are those of content files that could not be used."""

    database: Database
    clock: Clock
    desk: Desk
    platforms: Mapping[str, Platform]
    meters: Meters
    faults: Callable[[], Sequence[str]]
    alarm: Alarm
    disk: Disk = _usage
    monotonic: Monotonic = time.monotonic
    server_time: Callable[[Tx], Awaitable[datetime | None]] = metrics.database_time
    _last: tuple[datetime, float] | None = field(default=None)

    async def run_once(self) -> int:
        """Look at everything; returns how many things are wrong. A check that breaks does not end the others."""
        found: list[Notice] = []
        for name, check in CHECKS.items():
            try:
                found += await check(self)
            except StorageBusy:
                note(log, "watch.busy", "the database was busy; the check comes again", logging.WARNING, check=name)
            except Exception:
                log.exception("a check broke", extra={"action": "watch.failed", "ids": {"check": name}})
        for notice in found:
            await self.alarm(notice)
        return len(found)

    async def unknown(self) -> list[Notice]:
        async with self.database.reading() as tx:
            waiting = sum((await metrics.unknown(tx)).values())
        words = f"有 {waiting} 条消息不确定送没送到，等你决定：打“重发”看清单，重发还是不发都行。"
        return [Notice(SERVICE, "unknown", words)] if waiting else []

    async def queue(self) -> list[Notice]:
        async with self.database.reading() as tx:
            queues = await metrics.queues(tx, self.clock.now())
        return [Notice(name, "queue", self._late(name, queue)) for name, queue in queues.items() if queue.late > LATE]

    def _late(self, name: str, queue: metrics.Queue) -> str:
        words = f"有 {queue.waiting} 条消息该发没发，最久的晚了 {queue.late / 60:.0f} 分钟，都还留着。"
        if name not in self.platforms:
            return words + "这个平台现在没有接上，看看设置里是不是去掉了它。"
        return words + "看看负责发送的进程（worker）在不在跑，再打“状态”看数字有没有降。"

    async def inbox(self) -> list[Notice]:
        async with self.database.reading() as tx:
            failed = await metrics.failed_messages(tx, self.clock.now() - metrics.DAY)
        words = f"最近一天有 {failed} 条来信没处理成，对方已经收到道歉。日志里找 inbox.failed 看原因。"
        return [Notice(SERVICE, "inbox", words)] if failed else []

    async def clocks(self) -> list[Notice]:
        now, ticks = self.clock.now(), self.monotonic()
        last, self._last = self._last, (now, ticks)
        jumped = (now - last[0]).total_seconds() - (ticks - last[1]) if last else 0.0
        async with self.database.reading() as tx:
            theirs = await self.server_time(tx)
        off = (self.clock.now() - theirs).total_seconds() if theirs else 0.0
        if abs(jumped) > JUMP:
            words = f"本机时间刚刚往{'前' if jumped > 0 else '后'}跳了 {abs(jumped):.0f} 秒，推送的时间可能不准。"
            return [Notice(SERVICE, "clock-jump", words + "检查 NTP，确认现在的时间是对的。")]
        if abs(off) > DRIFT:
            words = f"本机时间比数据库{'快' if off > 0 else '慢'} {abs(off):.0f} 秒，几台机器会各推各的。"
            return [Notice(SERVICE, "clock-drift", words + "用 NTP 把两边校准。")]
        return []

    async def room(self) -> list[Notice]:
        if not self.database.is_sqlite:
            return []
        total, free = self.disk(Path(str(self.database.url.database)).absolute().parent)
        if free >= _SCARCE and (free >= _SMALL or free * 20 >= total):
            return []
        words = f"存数据库的磁盘只剩 {free / 1024**2:.0f} MB。满了以后收不了新消息，请清理或换大一点的盘。"
        return [Notice(SERVICE, "disk", words)]

    async def content(self) -> list[Notice]:
        faults = self.faults()
        if not faults:
            return []
        words = f"内容文件有 {len(faults)} 处不对，先用着上一份好的。第一处是 {faults[0]}；"
        return [Notice(SERVICE, "content", words + "运行 jiehua lessons check 看全部。")]

    async def calendar(self) -> list[Notice]:
        today = self.desk.calendar.today(self.clock.now())
        years = [today.year]
        if today.month >= _NEXT_YEAR_FROM and today.weekday() == 0:  # in time, and once a week is enough
            years.append(today.year + 1)
        return [Notice(SERVICE, f"calendar-{y}", _HOLIDAYS.format(y)) for y in years if not self.desk.calendar.known(y)]

    async def tokens(self) -> list[Notice]:
        return [Notice(name, "token", _TOKENLESS.format(*told)) for name, told in self._tokenless().items()]

    def _tokenless(self) -> dict[str, tuple[int, str]]:
        """By platform for how many minutes every renewal of its token has failed, and the last code."""
        now = self.meters.monotonic()
        return {
            name: (round((now - entry.since) / 60), entry.code)
            for name, entry in self.meters.tokenless.items()
            if now - entry.since > TOKENLESS and entry.calls >= _FAILED_RENEWALS
        }

    async def vendors(self) -> list[Notice]:
        found, known = [], self._tokenless()
        for name, entry in self.meters.failing.items():
            if name in known:  # the same trouble, said with its cause
                continue
            minutes = (self.meters.monotonic() - entry.since) / 60
            if minutes * 60 > FAILING and entry.calls >= _FAILED_CALLS:
                words = f"已经 {minutes:.0f} 分钟没有一次调用成功（{entry.code}），消息都留着，会自己重试。"
                found.append(Notice(name, "failing", words + "运行 jiehua doctor，看是凭证、网络还是平台的事。"))
        return found


_TOKENLESS = (
    "已经 {} 分钟换不到访问凭证（{}）。旧凭证一过期就一条也发不出去，消息都留着，换到了会自己接着发。"
    "运行 jiehua doctor，看是密钥、可信 IP 还是网络的事。"
)
_HOLIDAYS = (
    "{} 年的放假和调休还不知道，到时候会按周一到周五推送。公布以后升级 chinesecalendar，或写进 JIEHUA_CALENDAR_FILE。"
)

CHECKS: dict[str, Callable[[Watch], Awaitable[list[Notice]]]] = {
    "unknown": Watch.unknown,
    "queue": Watch.queue,
    "inbox": Watch.inbox,
    "clocks": Watch.clocks,
    "room": Watch.room,
    "content": Watch.content,
    "calendar": Watch.calendar,
    "tokens": Watch.tokens,
    "vendors": Watch.vendors,
}
"""Everything that is watched."""
