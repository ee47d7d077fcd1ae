"""申诉 for learners: what of a feedback can be disputed, filing it in one sentence, and how one's own appeals stand."""

from __future__ import annotations

import re
from datetime import date, timedelta

from bot.core.messages import Button, Line, Message, hint, quote, say, strong
from handlers import appeal_cases, question
from handlers.appeal_notices import FEWEST, MINE, MOST, STATUS_NAMES, about, due_on, moved
from handlers.context import Reply, Talk, title_of
from lessons import appeal, feedback
from lessons.appeal import Item
from lessons.scoring.result import Score
from storage import appeals, attempts
from storage.models import Appeal, Attempt

WINDOW = timedelta(days=7)
_FIRST = re.compile(r"首答\s*(.*)", re.DOTALL)


async def dispute(talk: Talk, words: str) -> Reply:
    """申诉 [首答] [评分点 一句话] · 申诉 我的; for trainers 申诉 编号 [成立|不成立 理由]."""
    case = await appeal_cases.addressed(talk, words)
    if case is not None:
        return case
    if words in {"我的", "进度"}:
        return Reply((await _own(talk),), talk.state)
    first = _FIRST.fullmatch(words)
    words = first[1] if first else words
    attempt = await _attempt(talk, first=first is not None)
    why = _closed(talk, attempt)
    if attempt is None or why:
        return Reply((await _own(talk, why),), talk.state)
    command = "申诉 首答" if first else "申诉"
    if not words:
        return Reply((await _list(talk, attempt),), talk.state.listing(command))
    return await _file(talk, attempt, words, command)


async def _attempt(talk: Talk, *, first: bool) -> Attempt | None:
    """The answer scored last, or the first try at the same question."""
    last = next(iter(await attempts.recent(talk.tx, talk.person_id, 1)), None)
    if last is None or not first:
        return last
    tries = await attempts.of_assignment(talk.tx, last.assignment_id)
    return next((row for row in tries if row.number == 1 and row.withdrawn_at is None), None)


def _closed(talk: Talk, attempt: Attempt | None) -> str:
    """Why nothing can be appealed now; empty when something can."""
    if attempt is None:
        return "现在没有能申诉的点评。"
    if talk.now - attempt.created_at > WINDOW:
        return f"上一次的点评过了 {WINDOW.days} 天，不能再申诉了。"
    score = Score.from_dict(attempt.score)
    if appeal.disputable(score):
        return ""
    return (
        "上一次的点评没有扣分的项，不用申诉。" if appeal.items(score) else "上一次的回答没有逐项评分，没有能申诉的项。"
    )


async def _list(talk: Talk, attempt: Attempt, head: str = "") -> Message:
    """The numbered verdicts of one feedback."""
    found = appeal.items(Score.from_dict(attempt.score))
    filed = {row.subject: row for row in await appeals.of_attempt(talk.tx, attempt.id or 0)}
    lines = [Line(f"{number}. {_item(item, filed.get(item.subject))}") for number, item in enumerate(found, 1)]
    until = talk.desk.calendar.local(attempt.created_at + WINDOW)
    prefix = "申诉 首答" if attempt.number == 1 and await _retried(talk, attempt) else "申诉"
    number = next(number for number, item in enumerate(found, 1) if not item.fair)
    buttons = (Button("申诉首答", "申诉 首答"),) if attempt.number > 1 else ()
    return say(
        *([strong(head)] if head else []),
        strong(f"哪一项判得不对？打“{prefix} 序号 一句话理由”。"),
        *lines,
        hint(
            f"例如“{prefix} {number} 我开头就说了他的难处”。{until.month}月{until.day}日前都可以，两个工作日内有结果。"
        ),
        title=f"申诉｜{await _title(talk, attempt)}",
        buttons=(*buttons, MINE),
    )


async def _retried(talk: Talk, attempt: Attempt) -> bool:
    last = (await attempts.recent(talk.tx, talk.person_id, 1))[0]
    return last.id != attempt.id


def _item(item: Item, filed: Appeal | None) -> str:
    words = f"「{feedback.short(item.quote)}」" if item.quote else ""
    state = f"（{filed.id} 号申诉，{STATUS_NAMES[filed.status]}）" if filed else ""
    return f"{item.name}：{item.verdict}{words}{state}"


async def _file(talk: Talk, attempt: Attempt, words: str, prefix: str) -> Reply:
    """`2 我明明先道歉了`: file it, once."""
    score = Score.from_dict(attempt.score)
    found = appeal.items(score)
    meant = appeal.meant(found, words)
    if meant is None:
        head = f"没有这一项，序号是 1 到 {len(found)}。" if words[0].isdecimal() else "没看懂是哪一项。"
        return Reply((await _list(talk, attempt, head),), talk.state.listing(prefix))
    item, reason = meant
    refusal = await _refusal(talk, attempt, item, reason, f"{prefix} {words.split(maxsplit=1)[0]}")
    if refusal is not None:
        return Reply((refusal,), talk.state)
    row = await appeals.file(
        talk.tx,
        Appeal(
            attempt_id=attempt.id or 0,
            person_id=talk.person_id,
            lesson_id=attempt.lesson_id,
            digest=attempt.digest,
            reply=appeal.reply_key(attempt.text),
            subject=item.subject,
            reason=reason,
            status=appeals.OPEN,
            score=attempt.score,
            band=attempt.band,
            points=attempt.points,
            created_at=talk.now,
        ),
    )
    assert row is not None, "nobody else files for this person, and one message of theirs is handled at a time"
    message = say(
        strong(f"收到，你的申诉是 {row.id} 号，两个工作日内有结果。"),
        f"「{await _title(talk, attempt)}」的“{item.name}”，最晚{_day(due_on(talk, row))}告诉你。",
        hint("看的人知道你当时的回答和理由，不知道你是谁。分数只会往上改，不会因为申诉变低。"),
        title=f"申诉｜{row.id} 号",
        buttons=(MINE,),
    )
    return Reply((message,), talk.state)


async def _refusal(talk: Talk, attempt: Attempt, item: Item, reason: str, typed: str) -> Message | None:
    """Why this cannot be filed, or None."""
    filed = {row.subject: row for row in await appeals.of_attempt(talk.tx, attempt.id or 0)}.get(item.subject)
    if filed is not None:
        state = STATUS_NAMES[filed.status]
        return say(f"这一项已经申诉过了，{filed.id} 号，{state}。", hint("一次回答的每一项申诉一次。"), buttons=(MINE,))
    if item.fair:
        return say(f"“{item.name}”判的是“{item.verdict}”，没有扣分，不用申诉。")
    if not FEWEST <= len(reason) <= MOST:
        size = f"现在是 {len(reason)} 个字。" if reason else ""
        return say(
            f"“{item.name}”判的是“{item.verdict}”。用一句话说说为什么不对，{FEWEST} 到 {MOST} 个字。",
            hint(f"{size}例如“{typed} 我开头就说了他的难处”。"),
        )
    return None


async def _own(talk: Talk, head: str = "") -> Message:
    """How one's own appeals stand, the latest first."""
    rows = await appeals.of_person(talk.tx, talk.person_id)
    if not rows:
        return say(
            head or "你还没有申诉过。",
            hint(f"收到点评后 {WINDOW.days} 天内，觉得哪一项判得不对，打“申诉”。"),
        )
    lines: list[Line] = [Line(head)] if head else []
    for row in rows:
        lines.append(strong(f"{row.id} 号　{about(talk, row)}"))
        if row.status == appeals.OPEN:
            lines.append(Line(f"等结果，最晚{_day(due_on(talk, row))}"))
        else:
            lines.append(Line(f"{STATUS_NAMES[row.status]}{moved(row)}"))
        if row.ruling:
            lines.append(quote(row.ruling))
    return say(*lines, title=f"我的申诉｜{len(rows)} 件")


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"


async def _title(talk: Talk, attempt: Attempt) -> str:
    return title_of(await question.lesson_of(talk, attempt), attempt.lesson_id)
