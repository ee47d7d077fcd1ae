"""申诉 for trainers and compliance: the queue, one case, and the decision, which is final."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.messages import Button, Line, Message, hint, quote, say, strong
from handlers import appeal_notices as notices
from handlers import cards, corrections, question
from handlers.appeal_notices import FEWEST, MOST, QUEUE, STATUS_NAMES, about, due_on, moved, worth
from handlers.context import Reply, Talk, title_of
from handlers.corrections import Change
from lessons import appeal
from lessons.judge.verdict import PREFIX
from lessons.model import Criterion, Lesson
from lessons.scoring.result import Score
from storage import appeals, attempts, audit
from storage.models import Appeal, Role

_SHOWN = 5
_CASE = re.compile(r"(\d{1,9})\s*号?(?:\s+(不?成立)[\s，,：:]*(.*))?", re.DOTALL)


@dataclass(frozen=True)
class _Ruling:
    status: str
    action: str  # in the audit log


_RULINGS = {
    "成立": _Ruling(appeals.UPHELD, "appeal.uphold"),
    "不成立": _Ruling(appeals.REJECTED, "appeal.reject"),
}


async def queue(talk: Talk, _words: str) -> Reply:
    """申诉队列: what waits for a decision, the oldest first."""
    rows = await appeals.waiting(talk.tx, _SHOWN)
    if not rows:
        return Reply((say("没有等着定的申诉。", buttons=(cards.HELP,)),), talk.state)
    count = await appeals.count_waiting(talk.tx)
    lines: list[Line] = []
    for row in rows:
        lines += [strong(f"{row.id} 号　{about(talk, row)}{_late(talk, row)}"), *await _brief(talk, row)]
    if count > len(rows):
        lines.append(hint(f"后面还有 {count - len(rows)} 件。"))
    lines.append(hint(f"看全文打“申诉 {rows[0].id}”，定下来打“申诉 {rows[0].id} 成立 理由”或“不成立 理由”。"))
    buttons = tuple(Button(f"看 {row.id} 号", f"申诉 {row.id}") for row in rows)
    return Reply((say(*lines, title=f"申诉队列｜{count} 件", buttons=buttons),), talk.state.listing("申诉"))


async def addressed(talk: Talk, words: str) -> Reply | None:
    """What 申诉 means when a number is a case: showing or deciding it. None when the words are a learner's."""
    match = _CASE.fullmatch(words)
    if match is None or not talk.roles & {Role.TRAINER, Role.COMPLIANCE}:
        return None
    row = await appeals.get(talk.tx, int(match[1]))
    if match[2] is None:
        return Reply((await _case(talk, row),), talk.state) if row is not None else None
    if row is None:
        return Reply((say(f"没有 {match[1]} 号申诉。", buttons=(QUEUE,)),), talk.state)
    return await _decide(talk, row, match[2], match[3].strip())


def _late(talk: Talk, row: Appeal) -> str:
    due = due_on(talk, row)
    return "（今天到期）" if due == talk.today else "（已超过两个工作日）" if due < talk.today else ""


async def _brief(talk: Talk, row: Appeal) -> list[Line]:
    """One case in three lines."""
    attempt = await attempts.get(talk.tx, row.attempt_id)
    return [quote(_shortened(attempt.text if attempt else "")), Line(f"理由：{row.reason}"), hint(_evidence(row))]


def _shortened(text: str, most: int = 80) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _evidence(row: Appeal) -> str:
    """What the grader said about the subject, and the words it went by."""
    item = next((item for item in appeal.items(Score.from_dict(row.score)) if item.subject == row.subject), None)
    if item is None:
        return "评分没有留下依据。"
    return f"评分判的是“{item.verdict}”，" + (f"依据「{item.quote}」" if item.quote else "没有引到原话")


async def _case(talk: Talk, row: Appeal | None) -> Message:
    """Everything about one case but who it is."""
    assert row is not None
    attempt = await attempts.get(talk.tx, row.attempt_id)
    lesson = await question.lesson_of(talk, row)
    lines: list[Line] = []
    if isinstance(lesson, Lesson):
        lines += [strong(f"{lesson.customer.name}说："), quote(lesson.customer.says)]
    lines += [strong("学员的回答："), quote(attempt.text if attempt else ""), strong("为什么申诉："), Line(row.reason)]
    lines += [strong(f"“{appeal.name_of(row.subject)}”"), Line(_evidence(row))]
    if isinstance(lesson, Lesson) and row.subject in set(Criterion):
        point = lesson.points.get(Criterion(row.subject))
        lines += [Line(f"题里要的：{point.want}")] if point else []
    grader = "判卷模型" if str(row.score["scorer"]).startswith(PREFIX) else "离线评分"
    lines.append(hint(f"整段当时是 {worth(row.band, row.points)}，{grader}给的。"))
    if row.status != appeals.OPEN:
        lines += [strong(f"{STATUS_NAMES[row.status]}{moved(row)}"), *([quote(row.ruling)] if row.ruling else [])]
    elif row.person_id == talk.person_id:
        lines.append(hint("这是你自己的申诉，要请另一位来定。"))
    else:
        lines.append(
            hint(f"定下来打“申诉 {row.id} 成立 理由”或“申诉 {row.id} 不成立 理由”，理由会原样告诉学员，定了不能改。")
        )
    return say(*lines, title=f"申诉｜{row.id} 号 · {title_of(lesson, row.lesson_id)}", buttons=(QUEUE,))


async def _decide(talk: Talk, row: Appeal, word: str, ruling: str) -> Reply:
    case = row.id or 0
    if row.status != appeals.OPEN:
        text = f"{case} 号已经定了：{STATUS_NAMES[row.status]}{moved(row)}。定了就不再改。"
        return Reply((say(text, buttons=(QUEUE,)),), talk.state)
    if row.person_id == talk.person_id:
        return Reply((say("自己的申诉要请另一位培训师或合规来定，这是为了多一双眼睛。"),), talk.state)
    if not FEWEST <= len(ruling) <= MOST:
        example = f"例如“申诉 {case} {word} 他开头就说了客户等了三天”。"
        return Reply((say(f"要写一句理由，{FEWEST} 到 {MOST} 个字，会原样告诉学员。", hint(example)),), talk.state)
    return await _decided(talk, case, _RULINGS[word], ruling)


async def _decided(talk: Talk, case: int, verdict: _Ruling, ruling: str) -> Reply:
    """Write one decision down; of two at the same moment the second finds the case closed."""
    found = await appeals.get(talk.tx, case)
    assert found is not None
    twins = [row for row in await appeals.lock_same(talk.tx, found) if row.id != case]
    if not await appeals.decide(talk.tx, case, verdict.status, talk.person_id, ruling, talk.now):
        return Reply((say(f"{case} 号刚刚有人定了，打“申诉 {case}”看结果。"),), talk.state)
    row = await appeals.get(talk.tx, case)
    assert row is not None
    changes = await corrections.correct(talk, row) if verdict.status == appeals.UPHELD else []
    rows = [row, *await _settle(talk, twins, changes, ruling)]
    _keep(rows, changes)
    detail = {"lesson": row.lesson_id, "criterion": row.subject, "attempt": row.attempt_id, "others": len(row.others)}
    detail |= {"before": [row.band, row.points], "after": [row.new_band, row.new_points]}
    actor = talk.person_id
    await audit.write(talk.tx, talk.now, talk.person.name, verdict.action, str(case), actor_id=actor, **detail)
    told = await notices.owed(talk, rows, changes)
    same = [Line(f"另外 {len(row.others)} 条说法一样的回答也一起改了。")] if row.others else []
    head = strong(f"{case} 号：{STATUS_NAMES[row.status]}{moved(row)}。")
    message = say(head, *same, hint("结果会告诉学员。"), buttons=(QUEUE,))
    return Reply((message,), talk.state, others=tuple(told))


async def _settle(talk: Talk, twins: Sequence[Appeal], changes: Sequence[Change], ruling: str) -> list[Appeal]:
    """The open appeals of others about the same words are upheld with the first one."""
    corrected = {change.attempt.id for change in changes}
    settled = [row for row in twins if row.attempt_id in corrected]
    for row in settled:
        await appeals.decide(talk.tx, row.id or 0, appeals.UPHELD, talk.person_id, ruling, talk.now)
    return [found for row in settled if (found := await appeals.get(talk.tx, row.id or 0)) is not None]


def _keep(rows: Sequence[Appeal], changes: Sequence[Change]) -> None:
    """Write old and new scores into the appeals; the first one names the answers of others too."""
    by_attempt = {change.attempt.id: change for change in changes}
    for row in rows:
        change = by_attempt.get(row.attempt_id)
        if change is not None:
            row.score, row.band, row.points = change.before.to_dict(), change.before.band, change.before.points
            row.new_band, row.new_points = change.after.band, change.after.points
    rows[0].others = [
        {
            "attempt": change.attempt.id or 0,
            "band": change.before.band,
            "points": change.before.points,
            "new_band": change.after.band,
            "new_points": change.after.points,
        }
        for change in changes
        if change.attempt.id != rows[0].attempt_id
    ]
