"""For operators: how the bot is doing, without anybody's words."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from bot.core.messages import Line, hint, say, strong, warn
from handlers.context import Reply, Talk
from storage import deliveries, inbox, judgements
from storage.judgements import Summary

_NAMES = {
    "due": "待发",
    "sending": "发送中",
    "sent": "已送达平台",
    "failed": "失败",
    "unknown": "不确定是否送达",
    "cancelled": "已取消",
}

_OUTCOMES = {
    "timeout": "超时",
    "unreachable": "连不上",
    "refused": "拒绝作答",
    "malformed": "答复不可用",
    "skipped": "连续出错后暂停",
}


async def status(talk: Talk, _words: str) -> Reply:
    """状态: deliveries of the last day, what is stuck, whether the calendar is known, how the model judge does."""
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
    lines += await _judge(talk)
    catalogue = talk.desk.catalogue
    lines.append(hint(f"内容：{len(catalogue.lessons)} 课，{len(catalogue.templates)} 条话术，版本 {catalogue.digest}"))
    return Reply((say(*lines, title="运行状态"),), talk.state)


async def _judge(talk: Talk) -> list[Line]:
    """Today's calls to the model judge; nothing where there is none."""
    settings = talk.desk.settings
    if not settings.judge_on:
        return []
    midnight = datetime.combine(talk.today, time.min, tzinfo=settings.timezone)
    summed = await judgements.summary(talk.tx, midnight)
    return judge_lines(summed, (settings.judge_price_in, settings.judge_price_out))


def judge_lines(summed: Summary, prices: tuple[int, int]) -> list[Line]:
    """Calls, fallbacks, speed and cost; `prices` are 分 (0.01 yuan) for a million tokens in and out, 0 for unknown."""
    lines: list[Line] = [strong("判卷模型 · 今天")]
    if not summed.asked:
        return [*lines, Line("还没有调用。")]
    share = f"{100 * summed.fallen_back / summed.asked:.0f}%"
    lines.append(Line(f"送判 {summed.asked} 条，改用离线评分 {summed.fallen_back} 条（{share}）"))
    causes = [f"{name} {summed.outcomes[key]}" for key, name in _OUTCOMES.items() if summed.outcomes.get(key)]
    if causes:
        say_more = warn if summed.fallen_back * 5 >= summed.asked else Line
        lines.append(say_more("改用离线的原因：" + "，".join(causes)))
    lines.append(Line(f"用时：一半在 {summed.median_ms} 毫秒以内，95% 在 {summed.p95_ms} 毫秒以内"))
    used = f"用量：输入 {summed.tokens_in:,}，输出 {summed.tokens_out:,} token"
    if any(prices):
        cents = (summed.tokens_in * prices[0] + summed.tokens_out * prices[1]) / 1_000_000
        used += f"，约 {cents / 100:.2f} 元"
    return [*lines, Line(used)]
