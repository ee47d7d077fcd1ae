"""What `jiehua doctor` looks at: each finding says what is wrong and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from bot import config
from bot.app import wecom_of
from bot.core.calendar import WorkCalendar, read_overrides
from bot.core.clock import SystemClock
from bot.core.errors import ContentError, PlatformError, SettingError, StorageBusy
from lessons import catalogue
from storage import schema
from storage.database import Database


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do when it is not fine."""

    subject: str
    fine: bool
    what: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{'✓' if self.fine else '✗'} {self.subject}：{self.what}"
        return f"{text}\n  → {self.mend}" if self.mend else text


async def examine(*, offline: bool) -> list[Finding]:
    """Look at everything; later checks are left out when the settings cannot be read."""
    try:
        settings = config.read()
    except SettingError as error:
        return [Finding("设置", False, line, "改正后再运行一次") for line in str(error).splitlines()]
    findings = [Finding("设置", True, "都能读懂"), *_content(settings), _calendar(settings)]
    findings.append(await _database(settings))
    if settings.wecom_on and not offline and findings[-1].fine:
        findings.append(await _wecom(settings))
    elif not settings.wecom_on:
        findings.append(Finding("企业微信", True, "没有配置（只用本地聊天页时不需要）"))
    return findings


def _content(settings: config.Settings) -> list[Finding]:
    folder = settings.content or catalogue.BUILT_IN
    try:
        found = catalogue.load(folder)
    except ContentError as error:
        return [Finding("内容", False, str(fault), "改正后运行 jiehua lessons check") for fault in error.faults[:20]]
    text = f"{len(found.lessons)} 课，{len(found.templates)} 条话术，版本 {found.digest}"
    return [Finding("内容", True, text)]


def _calendar(settings: config.Settings) -> Finding:
    try:
        overrides = read_overrides(settings.calendar_file) if settings.calendar_file else {}
    except ContentError as error:
        return Finding("日历", False, str(error), "日期写成 2027-02-14")
    calendar, year = WorkCalendar(settings.timezone, overrides), datetime.now(UTC).year
    unknown = [str(each) for each in (year, year + 1) if not calendar.known(each)]
    if unknown:
        mend = "国务院公布后升级 chinesecalendar，或把调整写进 JIEHUA_CALENDAR_FILE；在那之前按周一到周五"
        return Finding("日历", unknown == [str(year + 1)], f"还不知道 {'、'.join(unknown)} 年的放假安排", mend)
    return Finding("日历", True, f"{year} 和 {year + 1} 年的放假安排都有")


async def _database(settings: config.Settings) -> Finding:
    try:
        database = Database(settings.database_url)
        revision = await schema.current(database)
        await database.close()
    except (SQLAlchemyError, StorageBusy, OSError, SettingError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return Finding("数据库", False, f"连不上：{reason}", "检查 JIEHUA_DATABASE_URL、网络和权限")
    if revision is None:
        return Finding("数据库", True, "还是空的，jiehua serve 启动时会建表")
    if revision != schema.newest():
        return Finding("数据库", False, f"结构是 {revision}，程序要 {schema.newest()}", "运行 jiehua db upgrade")
    return Finding("数据库", True, f"能用，结构 {revision}")


async def _wecom(settings: config.Settings) -> Finding:
    """Ask for a token: shows at once whether corp id and secret are right and the address is allowed."""
    database = Database(settings.database_url)
    wire = wecom_of(settings, SystemClock(), database)
    try:
        await schema.upgrade(database)
        await wire.start()
        await wire.check()
    except PlatformError as error:
        return Finding("企业微信", False, str(error), getattr(error, "advice", "") or "核对企业 ID、Secret 和可信 IP")
    finally:
        await wire.stop()
        await database.close()
    return Finding("企业微信", True, "凭证有效")
