"""For operators: how the bot is doing, without anybody's words."""

from __future__ import annotations

from datetime import timedelta

from bot.core.messages import Line, hint, say, strong, warn
from handlers.context import Reply, Talk
from storage import deliveries, inbox

_NAMES = {
    "due": "待发",
    "sending": "发送中",
    "sent": "已送达平台",
    "failed": "失败",
    "unknown": "不确定是否送达",
    "cancelled": "已取消",
}


async def status(talk: Talk, _words: str) -> Reply:
    """状态: deliveries of the last day, what is stuck, whether the calendar is known."""
    counts = await deliveries.counts(talk.tx, talk.now - timedelta(days=1))
    stuck = await inbox.unfinished(talk.tx, talk.now - timedelta(minutes=1))
    lines: list[Line] = [strong("最近 24 小时的消息")]
    lines += [Line(f"{name}：{counts[key]}") for key, name in _NAMES.items() if counts.get(key)]
    if not counts:
        lines.append(Line("还没有发过消息。"))
    if stuck:
        lines.append(warn(f"有 {len(stuck)} 条来信超过一分钟还没处理，正在重试。"))
    year = talk.today.year
    for each in (year, year + 1):
        if not talk.desk.calendar.known(each):
            lines.append(warn(f"{each} 年的节假日还不知道，暂按周一到周五。可以写进 JIEHUA_CALENDAR_FILE。"))
    catalogue = talk.desk.catalogue
    lines.append(hint(f"内容：{len(catalogue.lessons)} 课，{len(catalogue.templates)} 条话术，版本 {catalogue.digest}"))
    return Reply((say(*lines, title="运行状态"),), talk.state)
