"""Which question is open and which comes next: today's, a returning one, or one of the person's own choice."""

from __future__ import annotations

import difflib
from datetime import datetime, timedelta

from bot.core.messages import Button, hint, say
from handlers import cards
from handlers.context import Reply, Talk, title_of
from lessons.catalogue import canonical, digest, parse_lesson
from lessons.model import AnyLesson
from storage import assignments, attempts, deliveries
from storage.models import Appeal, Assignment, Attempt


async def current(talk: Talk) -> Assignment | None:
    """The question that free text answers now: the one shown last, by them or by us."""
    waiting = await talk.waiting()
    if talk.state.question is not None:
        chosen = await assignments.get(talk.tx, talk.state.question)
        shown = datetime.fromisoformat(talk.state.shown_at) if talk.state.shown_at else talk.now
        if chosen is not None and not any(row.opens_at > shown for row in waiting):
            return chosen
    return waiting[-1] if waiting else None


async def lesson_of(talk: Talk, row: Assignment | Attempt | Appeal) -> AnyLesson | None:
    """The lesson exactly as this person was asked it."""
    lesson = talk.desk.catalogue.lessons.get(row.lesson_id)
    if lesson is not None and digest(lesson) == row.digest:
        return lesson
    kept = await assignments.version(talk.tx, row.digest)
    return parse_lesson(kept) if kept else lesson


async def today(talk: Talk, _words: str) -> Reply:
    """今日 / 下一题: what is open, else what is due, else an honest nothing."""
    waiting = await talk.waiting()
    early = [
        row
        for row in await assignments.of_day(talk.tx, talk.person_id, talk.today)
        if row.status == assignments.OPEN and row.opens_at > talk.now
    ]
    if not waiting and early:
        await deliveries.cancel_owed(talk.tx, talk.person_id, ["challenge"])
        early[0].opens_at = talk.now
        waiting = early[:1]
    if waiting:
        return await _show(talk, waiting[-1])
    if await has_more(talk):
        card = (await assignments.due_cards(talk.tx, talk.today, talk.person_id))[0]
        lesson = talk.desk.catalogue.lessons.get(card.lesson_id)
        if lesson is not None:
            return await ask(talk, lesson, "review")
    message = say(
        "今天没有待答的题，安心忙你的。",
        hint("想多练：打“练习”来一道；看错题打“错题”；打字就是查话术。"),
        buttons=(Button("练一题", "练习"), Button("错题", "错题"), cards.MINE),
    )
    return Reply((message,), talk.state.but(question=None, drill=None, doubtful=""))


async def _show(talk: Talk, row: Assignment) -> Reply:
    lesson = await lesson_of(talk, row)
    if lesson is None:
        await assignments.mark(talk.tx, [row.id or 0], assignments.MISSED)
        return Reply((say("这道题的内容已经撤下，不用答了。"),), talk.state.but(question=None))
    deadline = deadline_text(talk, row.due_at)
    return Reply((cards.question(lesson, row.reason, deadline),), talk.state.asking(row.id, talk.now))


def deadline_text(talk: Talk, due_at: datetime) -> str:
    local = talk.desk.calendar.local(due_at)
    return f"今天 {local:%H:%M} " if local.date() == talk.today else f"{local.month}月{local.day}日 {local:%H:%M} "


async def has_more(talk: Talk, excluding: int | None = None) -> bool:
    if any(row.id != excluding for row in await talk.waiting()):
        return True
    used = [r for r in await assignments.of_day(talk.tx, talk.person_id, talk.today) if r.reason != "own"]
    if len([r for r in used if r.status != assignments.WAITING]) >= talk.desk.settings.daily_cap:
        return False
    return bool(await assignments.due_cards(talk.tx, talk.today, talk.person_id))


async def ask(talk: Talk, lesson: AnyLesson, reason: str) -> Reply:
    """Put a lesson to this person now."""
    same = [r for r in await assignments.of_day(talk.tx, talk.person_id, talk.today) if r.lesson_id == lesson.id]
    if same:
        row = same[0]
        if row.status in (assignments.WAITING, assignments.WITHDRAWN):
            row.status, row.opens_at = assignments.OPEN, talk.now
        return await _show(talk, row)
    await assignments.keep_version(talk.tx, digest(lesson), lesson.id, canonical(lesson), talk.now)
    end_of_day = talk.desk.calendar.at(talk.today, datetime.max.time().replace(microsecond=0))
    row = await assignments.add(
        talk.tx,
        Assignment(
            person_id=talk.person_id,
            lesson_id=lesson.id,
            digest=digest(lesson),
            reason=reason,
            day=talk.today,
            status=assignments.OPEN,
            opens_at=talk.now,
            due_at=max(end_of_day, talk.now + timedelta(minutes=30)),
            created_at=talk.now,
        ),
    )
    return await _show(talk, row)


async def practise(talk: Talk, words: str) -> Reply:
    """练习: a lesson of the person's choice, or one they have not met."""
    lessons = talk.desk.catalogue.lessons
    if words:
        titles = {lesson.title: lesson for lesson in lessons.values()} | lessons
        close = [t for t in titles if words in t] or difflib.get_close_matches(words, titles, n=1, cutoff=0.3)
        if not close:
            return Reply((say(f"没找到和“{words}”有关的题。", buttons=(Button("练一题", "练习"),)),), talk.state)
        return await ask(talk, titles[close[0]], "own")
    seen = {attempt.lesson_id for attempt in await attempts.recent(talk.tx, talk.person_id, 500)}
    fresh = [lesson for lesson in lessons.values() if lesson.id not in seen] or list(lessons.values())
    return await ask(talk, fresh[(talk.person_id * 7 + talk.today.toordinal() + len(seen)) % len(fresh)], "own")


async def mistakes(talk: Talk, words: str) -> Reply:
    """错题: the lessons on the ladder with their days; `错题 2` practises the second now."""
    held = await assignments.cards(talk.tx, talk.person_id)
    lessons = talk.desk.catalogue.lessons
    if words.isdigit() and 1 <= int(words) <= len(held):
        lesson = lessons.get(held[int(words) - 1].lesson_id)
        if lesson is not None:
            return await ask(talk, lesson, "own")
    done = await assignments.retired_count(talk.tx, talk.person_id)
    if not held:
        empty = "错题本是空的。没答到“良好”的题会按 2、7、21 个工作日的间隔回来。"
        text = f"错题本是空的，已毕业 {done} 题。" if done else empty
        return Reply((say(text, buttons=(cards.MINE,)),), talk.state)
    rows = []
    for number, card in enumerate(held[:8], 1):
        assert card.due_on is not None
        when = "今天" if card.due_on <= talk.today else f"{card.due_on.month}月{card.due_on.day}日"
        rows.append(f"{number}. {title_of(lessons.get(card.lesson_id), card.lesson_id)}（{when}回来）")
    extra = [f"还有 {len(held) - 8} 题在后面。"] if len(held) > 8 else []
    message = say(
        *rows,
        *extra,
        hint(f"连过两次就毕业，已毕业 {done} 题。想现在练，回复数字。"),
        title=f"错题本｜{len(held)} 题",
        buttons=(Button("练第 1 题", "错题 1"), cards.MINE),
    )
    return Reply((message,), talk.state.listing("错题"))
