"""我的: streak, trend of each criterion, first, best and latest."""

from __future__ import annotations

from datetime import timedelta

from bot.core.messages import Button, Line, hint, say, strong
from handlers.context import Reply, Talk, title_of
from lessons import progress
from lessons.model import CRITERION_NAMES
from lessons.scoring.result import BAND_NAMES, Score
from storage import assignments, attempts

_ANSWERED = {"answered": True, "missed": False, "open": None}


async def mine(talk: Talk, _words: str) -> Reply:
    """How this person is doing, for their eyes only."""
    recent = await attempts.recent(talk.tx, talk.person_id)
    if not recent:
        message = say("还没有答题记录，先来一道？", buttons=(Button("今日", "今日"), Button("练一题", "练习")))
        return Reply((message,), talk.state)
    since = talk.today - timedelta(days=120)
    days = [(day, _ANSWERED.get(status)) for day, status in await attempts.days_asked(talk.tx, talk.person_id, since)]
    run = progress.streak(days, talk.today)
    scores = [Score.from_dict(row.score) for row in await attempts.counted(talk.tx, talk.person_id)]
    held = await assignments.cards(talk.tx, talk.person_id)
    lines = [strong(f"连续 {run.days} 个答题日"), hint(_freezes(run.freezes_left))]
    lines += [
        Line(f"{_bar(trend.share)} {CRITERION_NAMES[trend.criterion]}{_arrow(trend.change)}")
        for trend in progress.trends(scores)
    ]
    latest, best = recent[0], max(recent, key=lambda attempt: (not (attempt.copied or attempt.trial), attempt.points))
    first = recent[-1]
    lessons = talk.desk.catalogue.lessons
    for label, attempt in (("最近", latest), ("最好", best), ("最早", first)):
        title = title_of(lessons.get(attempt.lesson_id), attempt.lesson_id)
        lines.append(Line(f"{label} {attempt.points} 分·{BAND_NAMES[attempt.band]}：{title}"))
    lines.append(hint(f"错题本 {len(held)} 题。这些只有你自己看得到。"))
    buttons = (Button("错题", "错题"), Button("排行", "排行"), Button("练一题", "练习"))
    return Reply((say(*lines, title="我的", buttons=buttons),), talk.state)


def _freezes(left: int) -> str:
    return f"本月还有 {left} 次自动补签，漏一天不断。" if left else "本月的自动补签用完了，明天答一题就接着算。"


def _bar(share: float) -> str:
    full = round(share * 5)
    return "▰" * full + "▱" * (5 - full)


def _arrow(change: float | None) -> str:
    if change is None:
        return ""
    return " ↑" if change > 0.08 else " ↓" if change < -0.08 else " →"
