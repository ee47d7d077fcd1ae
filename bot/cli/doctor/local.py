"""What the doctor finds on this machine: content, calendar, database."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot import config
from bot.cli.doctor.finding import Finding
from bot.core.calendar import WorkCalendar, read_overrides
from bot.core.clock import Clock
from bot.core.errors import ContentError, SettingError, StorageBusy
from lessons import catalogue
from storage import deliveries, schema
from storage import directory as rows
from storage.database import Database

_MANY_FAILED = 0.05


def content(settings: config.Settings) -> list[Finding]:
    folder = settings.content or catalogue.BUILT_IN
    try:
        found = catalogue.load(folder)
    except ContentError as error:
        return [Finding("内容", False, str(fault), "改正后运行 jiehua lessons check") for fault in error.faults[:20]]
    text = f"{len(found.lessons)} 课，{len(found.templates)} 条话术，版本 {found.digest}"
    return [Finding("内容", True, text)]


def calendar(settings: config.Settings, clock: Clock) -> Finding:
    try:
        overrides = read_overrides(settings.calendar_file) if settings.calendar_file else {}
    except ContentError as error:
        return Finding("日历", False, str(error), "日期写成 2027-02-14")
    known, year = WorkCalendar(settings.timezone, overrides), clock.now().year
    unknown = [str(each) for each in (year, year + 1) if not known.known(each)]
    if unknown:
        mend = "国务院公布后升级 chinesecalendar，或把调整写进 JIEHUA_CALENDAR_FILE；在那之前按周一到周五"
        return Finding("日历", unknown == [str(year + 1)], f"还不知道 {'、'.join(unknown)} 年的放假安排", mend)
    return Finding("日历", True, f"{year} 和 {year + 1} 年的放假安排都有")


async def database(settings: config.Settings) -> Finding:
    try:
        opened = Database(settings.database_url)
        revision = await schema.current(opened)
        await opened.close()
    except (SQLAlchemyError, StorageBusy, OSError, SettingError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        return Finding("数据库", False, f"连不上：{reason}", "检查 JIEHUA_DATABASE_URL、网络和权限")
    if revision is None:
        return Finding("数据库", True, "还是空的，jiehua serve 启动时会建表")
    if revision != schema.newest():
        return Finding("数据库", False, f"结构是 {revision}，程序要 {schema.newest()}", "运行 jiehua db upgrade")
    return Finding("数据库", True, f"能用，结构 {revision}")


async def sent(settings: config.Settings, clock: Clock) -> list[Finding]:
    """What became of the messages of the last day; nothing while the database has no tables or no messages."""
    opened = Database(settings.database_url)
    try:
        if await schema.current(opened) != schema.newest():
            return []
        async with opened.reading() as tx:
            counts = await deliveries.counts(tx, clock.now() - timedelta(days=1))
    finally:
        await opened.close()
    total, bad = sum(counts.values()), counts.get(deliveries.FAILED, 0)
    if not total:
        return []
    text = f"最近 24 小时 {total} 条，失败 {bad} 条，不确定 {counts.get(deliveries.UNKNOWN, 0)} 条"
    mend = "看日志里的 delivery，或在聊天里打“状态”" if bad else ""
    return [Finding("消息", bad <= _MANY_FAILED * total, text, mend)]


async def calls(settings: config.Settings, clock: Clock) -> list[Finding]:
    """DingTalk's month so far, by what was sent; 5,000 calls are the standard edition's (DT-A1431)."""
    opened = Database(settings.database_url)
    first = clock.now().astimezone(settings.timezone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        if await schema.current(opened) != schema.newest():
            return []
        async with opened.reading() as tx:
            made = await deliveries.calls(tx, "dingtalk", first)
    finally:
        await opened.close()
    return [Finding("钉钉额度", True, f"本月推送约 {made} 次调用；标准版每月 5000 次，用完会停发")]


async def accounts(settings: config.Settings, platform: str) -> list[str]:
    """The active people's accounts on a platform; none while the database has no tables."""
    opened = Database(settings.database_url)
    try:
        if await schema.current(opened) != schema.newest():
            return []
        async with opened.reading() as tx:
            return [each.external_id for each in await rows.accounts(tx, platform) if each.active]
    finally:
        await opened.close()
