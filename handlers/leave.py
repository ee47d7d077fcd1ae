"""When the bot writes to a person: pause, leave, back again, the time of day, and the boards."""

from __future__ import annotations

import re
from datetime import date, time, timedelta

from bot.core.calendar import Shift
from bot.core.messages import Button, hint, say
from handlers.context import Reply, Talk
from storage import deliveries, people

BACK = Button("恢复", "恢复")
_LONGEST = 366
_DAYS = re.compile(r"^(\d{1,3}|[一两二三四五六七八九十])\s*(天|日|周|个?星期)?$")
_DATE = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})[日号]?")
_CLOCK = re.compile(r"^(\d{1,2})(?:[:：点](\d{1,2}|半)?)?分?$")
_NUMBERS = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_PUSHES = ["challenge", "reminder", "board"]


async def pause(talk: Talk, words: str) -> Reply:
    """暂停 [3天]: nothing is sent until then, or until 恢复."""
    span = _span(talk, words) if words else (talk.today, None)
    if span is None:
        return Reply((say("暂停多久？例如“暂停 3天”“暂停 2周”，只打“暂停”就停到你说“恢复”。"),), talk.state)
    await _away(talk, "pause", *span)
    until = "你说“恢复”" if span[1] is None else f"{_day(span[1])}（含当天）"
    message = say(f"好，停发到{until}，这段时间不打扰你。", hint("话术随时能查，想答题打“今日”。"), buttons=(BACK,))
    return Reply((message,), talk.state)


async def leave(talk: Talk, words: str) -> Reply:
    """请假 [3天 | 11-25 到 11-27]: nothing is sent and the boards leave these days out."""
    span = _span(talk, words) if words else (talk.today, talk.today)
    if span is None or span[1] is None:
        text = "请假写法：“请假”（今天）、“请假 3天”、“请假 11-25 到 11-27”。"
        return Reply((say(text),), talk.state)
    await _away(talk, "leave", span[0], span[1])
    days = f"{_day(span[0])}" if span[0] == span[1] else f"{_day(span[0])}到{_day(span[1])}"
    message = say(f"记下了，{days}请假。", "这几天不推题，也不计入榜单。", hint("提前回来打“恢复”。"), buttons=(BACK,))
    return Reply((message,), talk.state)


async def back(talk: Talk, _words: str) -> Reply:
    """恢复: end every absence from today on."""
    ended = await people.end_absences(talk.tx, talk.person_id, talk.today)
    await people.change(talk.tx, talk.person_id, unanswered=0)
    text = "欢迎回来，题目照常。" if ended else "本来就没有暂停，题目照常。"
    return Reply((say(text, buttons=(Button("今日", "今日"),)),), talk.state)


async def remind_at(talk: Talk, words: str) -> Reply:
    """提醒 09:40: from when on this person is written to; 提醒 默认 goes back to the campaign's time."""
    shift = Shift(talk.person.shift_start, talk.person.shift_end)
    hours = f"{shift.start:%H:%M}–{shift.end:%H:%M}"
    if words in {"默认", "取消", "关"}:
        await people.change(talk.tx, talk.person_id, remind_at=None)
        return Reply((say("好，按活动的时间推送。"),), talk.state)
    moment = _clock(words)
    if moment is None:
        held = f"现在是 {talk.person.remind_at:%H:%M}。" if talk.person.remind_at else ""
        return Reply((say(f"{held}想改打“提醒 9:40”，恢复默认打“提醒 默认”。"),), talk.state)
    if not shift.holds(moment):
        return Reply((say(f"{moment:%H:%M} 不在你的上班时间（{hours}）里，下班不打扰。换一个时间吧。"),), talk.state)
    settings = talk.desk.settings
    if settings.quiet_start <= moment < settings.quiet_end:
        quiet = f"{settings.quiet_start:%H:%M}–{settings.quiet_end:%H:%M}"
        return Reply((say(f"{quiet} 是午间免打扰，换一个时间吧。"),), talk.state)
    await people.change(talk.tx, talk.person_id, remind_at=moment)
    return Reply((say(f"好，以后 {moment:%H:%M} 之后再推给你，从下一题开始。"),), talk.state)


async def off_boards(talk: Talk, _words: str) -> Reply:
    """退出排行: never named on a board; still counted in the team's total."""
    await people.change(talk.tx, talk.person_id, on_boards=False)
    message = say("好，榜单上不再出现你的名字。", hint("部门合计仍然算你一份，但看不出是谁。想回来打“加入排行”。"))
    return Reply((message,), talk.state)


async def on_boards(talk: Talk, _words: str) -> Reply:
    await people.change(talk.tx, talk.person_id, on_boards=True)
    return Reply((say("欢迎回来，下一期榜单会有你。"),), talk.state)


async def _away(talk: Talk, kind: str, first: date, last: date | None) -> None:
    if first <= talk.today:
        await people.end_absences(talk.tx, talk.person_id, talk.today)
        await deliveries.cancel_owed(talk.tx, talk.person_id, _PUSHES)
    await people.add_absence(talk.tx, talk.person_id, kind, first, last, talk.now)


def _span(talk: Talk, words: str) -> tuple[date, date | None] | None:
    """First and last day from 3天, 两周, 明天, 11-25, 11-25 到 11-27; None when it cannot be read."""
    words = words.strip()
    if words in {"今天", "明天", "后天"}:
        day = talk.today + timedelta(days=["今天", "明天", "后天"].index(words))
        return day, day
    count = _DAYS.match(words)
    if count:
        number = _NUMBERS.get(count[1]) or int(count[1])
        days = number * (7 if count[2] and "天" not in count[2] and "日" not in count[2] else 1)
        return (talk.today, talk.today + timedelta(days=days - 1)) if 0 < days <= _LONGEST else None
    found = [_date(match, talk.today) for match in _DATE.finditer(words)]
    if not found or len(found) > 2 or None in found:
        return None
    first, last = found[0], found[-1]
    assert first is not None
    assert last is not None
    if last < first or last < talk.today or (last - first).days > _LONGEST:
        return None
    return first, last


def _date(match: re.Match[str], today: date) -> date | None:
    """A date without a year is the next one of that name."""
    try:
        day = date(int(match[1] or today.year), int(match[2]), int(match[3]))
    except ValueError:
        return None
    if match[1] is None and day < today - timedelta(days=180):
        return date(day.year + 1, day.month, day.day)
    return day


def _clock(words: str) -> time | None:
    match = _CLOCK.match(words.strip())
    if match is None:
        return None
    minute = 30 if match[2] == "半" else int(match[2] or 0)
    try:
        return time(int(match[1]), minute)
    except ValueError:
        return None


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"
