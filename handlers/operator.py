"""For operators: how the bot is doing, without anybody's words."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from bot.core.messages import Button, Line, hint, say, strong, warn
from handlers import resend as actions
from handlers.context import Reply, Talk, TickContext
from storage import deliveries, inbox, judgements, resend
from storage.judgements import Summary

STATUS_NAMES = {
    "due": "待发",
    "sending": "发送中",
    "sent": "已送达平台",
    "failed": "失败",
    "unknown": "不确定是否送达",
    "resent": "已重发",
    "cancelled": "已取消",
}

KIND_NAMES = {"answer": "回答", "challenge": "题目", "reminder": "提醒", "board": "周榜", "notice": "通知"}

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
    lines += [Line(f"{name}：{counts[key]}") for key, name in STATUS_NAMES.items() if counts.get(key)]
    if not counts:
        lines.append(Line("还没有发过消息。"))
    if stuck:
        lines.append(warn(f"有 {len(stuck)} 条来信超过一分钟还没处理，正在重试。"))
    waiting = await resend.count(talk.tx, deliveries.UNKNOWN)
    if waiting:
        lines.append(warn(f"有 {waiting} 条不确定送没送到，等你决定：打“重发”看清单。"))
    year = talk.today.year
    for each in (year, year + 1):
        if not talk.desk.calendar.known(each):
            lines.append(warn(f"{each} 年的节假日还不知道，暂按周一到周五。可以写进 JIEHUA_CALENDAR_FILE。"))
    lines += await _judge(talk)
    catalogue = talk.desk.catalogue
    lines.append(hint(f"内容：{len(catalogue.lessons)} 课，{len(catalogue.templates)} 条话术，版本 {catalogue.digest}"))
    buttons = (Button("重发", "重发"),) if waiting else ()
    return Reply((say(*lines, title="运行状态", buttons=buttons),), talk.state)


async def send_again(talk: Talk, words: str) -> Reply:
    """重发: what nobody knows to have arrived; 重发 全部, 重发 12 13, 重发 取消 12, 重发 取消 全部."""
    first, _, rest = words.partition(" ")
    give_up = first == "取消"
    wanted = (rest if give_up else words).replace("，", " ").replace(",", " ").split()
    if not wanted:
        return await _undecided(talk)
    if wanted == ["全部"]:
        rows = await resend.find(talk.tx, [deliveries.UNKNOWN])
    elif all(word.isascii() and word.isdigit() and len(word) < 10 for word in wanted):
        rows = await resend.by_id(talk.tx, [int(word) for word in wanted])
    else:
        return Reply((say("没看懂。可以打“重发 全部”“重发 12”或“重发 取消 12”。"),), talk.state)
    if not rows:
        return Reply((say("没有这样的消息，打“重发”看现在的清单。"),), talk.state)
    context, actor = TickContext(talk.tx, talk.desk, talk.now), actions.Actor(talk.person.name, talk.person.id)
    if give_up:
        done = await actions.cancel_all(context, rows, actor)
        return Reply((say(f"取消了 {done} 条，不再发。"),), talk.state)
    return Reply((say(*_told(await actions.resend_all(context, rows, actor))),), talk.state)


def _told(outcome: actions.Outcome) -> list[Line]:
    lines = [Line(f"重发 {len(outcome.again)} 条，马上发出。" if outcome.again else "没有一条能重发。")]
    if outcome.late:
        lines.append(Line(f"{len(outcome.late)} 条已经过了时候，没有再发，免得打扰。打“重发 取消 全部”可以清掉。"))
    if outcome.away:
        lines.append(Line(f"{len(outcome.away)} 条的收件人现在不在工作时间，没有发。"))
    if outcome.other:
        lines.append(Line(f"{len(outcome.other)} 条已经有人处理过，或者内容已经清理。"))
    return lines


async def _undecided(talk: Talk) -> Reply:
    waiting = await resend.count(talk.tx, deliveries.UNKNOWN)
    if not waiting:
        return Reply((say("没有不确定送没送到的消息。"),), talk.state)
    rows = await resend.find(talk.tx, [deliveries.UNKNOWN], limit=10)
    local = talk.desk.calendar.local
    lines = [
        Line(f"{row.id}　{KIND_NAMES.get(row.kind, row.kind)}　{local(row.sent_at or row.due_at):%m-%d %H:%M}")
        for row in rows
    ]
    if waiting > len(rows):
        lines.append(Line(f"…… 共 {waiting} 条"))
    advice = hint("这些话可能已经送到，也可能没有；重发的话，个别人会看到两遍。只要其中几条，打“重发 编号”。")
    buttons = (Button("全部重发", "重发 全部"), Button("都不发了", "重发 取消 全部"))
    return Reply((say(*lines, advice, title="不确定送没送到", buttons=buttons),), talk.state)


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
