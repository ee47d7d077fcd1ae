"""演练: a customer who answers back, up to three exchanges, then a debrief; left and resumed at will."""

from __future__ import annotations

import difflib
from datetime import datetime, timedelta

from bot.core.messages import Button, Line, Message, hint, say
from handlers import cards, question
from handlers.context import Reply, Talk
from lessons import feedback
from lessons.catalogue import canonical, digest, parse_drill, parse_lesson
from lessons.drills import debrief
from lessons.drills.course import Course, Said, result
from lessons.drills.model import Drill
from lessons.model import Lesson
from storage import assignments, drills
from storage.models import DrillRun

_RESUME_DAYS = 7
_UNDO_SECONDS = 120
_LEAVE = Button("先不练了", "退出演练")
_LIST = Button("换一场", "演练")


async def offer(talk: Talk, words: str) -> Reply:
    """演练: the list, or the drill that was named; `演练 继续` goes on with the one that was left."""
    known = list(talk.desk.catalogue.drills.values())
    left = await drills.left_open(talk.tx, talk.person_id, talk.now - timedelta(days=_RESUME_DAYS))
    if words in {"继续", "接着"}:
        if left is None:
            return Reply((say("没有停下来的演练。", buttons=(Button("演练", "演练"),)),), talk.state)
        return await _resume(talk, left)
    if words:
        chosen = _named(known, words)
        if chosen is None:
            message = say(f"没有叫“{words}”的演练。", hint("打“演练”看全部。"), buttons=(Button("演练", "演练"),))
            return Reply((message,), talk.state)
        return await _start(talk, chosen)
    return await _list(talk, known, left)


def _named(known: list[Drill], words: str) -> Drill | None:
    if words.isdecimal():
        return known[int(words) - 1] if 1 <= int(words) <= len(known) else None
    names = {drill.title: drill for drill in known} | {drill.id: drill for drill in known}
    close = [name for name in names if words in name] or difflib.get_close_matches(words, names, n=1, cutoff=0.4)
    return names[close[0]] if close else None


async def _list(talk: Talk, known: list[Drill], left: DrillRun | None) -> Reply:
    if not known:
        return Reply((say("现在没有演练。想练就打“练习”。", buttons=(Button("练一题", "练习"),)),), talk.state)
    done = await drills.best(talk.tx, talk.person_id)
    rows = []
    for number, drill in enumerate(known, 1):
        count, points = done.get(drill.id, (0, 0))
        rows.append(f"{number}. {drill.title}" + (f"（练过 {count} 次，最好 {points} 分）" if count else ""))
    new = next((n for n, drill in enumerate(known, 1) if drill.id not in done), 1)
    resume = (Button("接着上次的", "演练 继续"),) if left is not None else ()
    message = say(
        "客户会还嘴：你说得好，他慢慢缓下来；说得不好，火气更大。",
        *rows,
        hint("回复数字开始那一场；中途“退出演练”，七天内能接着来。演练只给自己看，不上榜。"),
        title="演练",
        buttons=(*resume, Button(f"练第 {new} 场", f"演练 {new}")),
    )
    return Reply((message,), talk.state.listing("演练"))


async def _start(talk: Talk, drill: Drill) -> Reply:
    situation = talk.desk.catalogue.lessons[drill.situation]
    assert isinstance(situation, Lesson)  # the catalogue refuses a drill without it
    for item in (drill, situation):
        await assignments.keep_version(talk.tx, digest(item), item.id, canonical(item), talk.now)
    run = await drills.add(
        talk.tx,
        DrillRun(
            person_id=talk.person_id,
            drill_id=drill.id,
            digest=digest(drill),
            situation=digest(situation),
            status=drills.OPEN,
            started_at=talk.now,
            touched_at=talk.now,
        ),
    )
    how = hint("像接电话一样，直接打字回客户。查话术打“话术 关键词”；说错了两分钟内可“撤回”，最后一句除外。")
    lines = (*_scene(Course(drill, situation)), how)
    return _in(talk, run, Message(lines, title=f"演练｜{drill.title}", buttons=(_LEAVE,)))


def _scene(course: Course) -> list[Line]:
    return [*debrief.opening(course), *debrief.answer(course), *cards.limits(course.situation)]


def _in(talk: Talk, run: DrillRun, message: Message) -> Reply:
    return Reply((message,), talk.state.but(drill=run.id, question=None, attempt=None, doubtful="").listing(""))


async def _resume(talk: Talk, run: DrillRun) -> Reply:
    course = await course_of(talk, run)
    if course is None:
        run.status = drills.DONE
        return Reply((say("这场演练的内容已经撤下，换一场吧。", buttons=(_LIST,)),), talk.state.but(drill=None))
    run.touched_at = talk.now
    before = [Line(f"上次你说到：“{feedback.short(said.text)}”") for said in course.said[-1:]]
    lines = (*before, *(debrief.answer(course) if course.said else _scene(course)), _left(course))
    return _in(talk, run, Message(lines, title=f"接着演练｜{course.drill.title}", buttons=(_LEAVE,)))


def _left(course: Course) -> Line:
    rest = len(course.drill.exchanges) - len(course.said)
    return hint("最后一句，直接打字回客户。" if rest == 1 else f"还有 {rest} 句，直接打字回客户。")


async def course_of(talk: Talk, run: DrillRun) -> Course | None:
    """The drill as it stands, in the version it was begun in; None when that version is gone."""
    kept = [await assignments.version(talk.tx, key) for key in (run.digest, run.situation)]
    if kept[0] is None or kept[1] is None:
        return None
    situation = parse_lesson(kept[1])
    assert isinstance(situation, Lesson)
    return Course(parse_drill(kept[0]), situation, tuple(Said.from_data(said) for said in run.said))


async def current(talk: Talk) -> DrillRun | None:
    """The drill that free text answers now: the one entered, unless a question was sent since the last word in it."""
    run = await drills.get(talk.tx, talk.state.drill) if talk.state.drill is not None else None
    if run is None or run.status != drills.OPEN:
        return None
    waiting = await talk.waiting()
    return None if any(row.opens_at > run.touched_at for row in waiting) else run


async def reply(talk: Talk, run: DrillRun, text: str) -> Reply:
    """One reply to the customer."""
    course = await course_of(talk, run)
    if course is None:
        return await _resume(talk, run)
    course = course.after(text, talk.desk.scorer.score)
    run.said, run.touched_at = [said.to_data() for said in course.said], talk.now
    if course.ending is None:
        message = Message((*debrief.answer(course), _left(course)), buttons=(_LEAVE,))
        return Reply((message,), talk.state)
    found = result(course)
    run.status, run.band, run.points = drills.DONE, found.band, found.points
    last = Message(tuple(debrief.answer(course)))
    story = debrief.debrief(course, talk.desk.catalogue.rules)
    ending = hint(f"{feedback.LABEL}；演练只给自己看，不上榜。")
    waits = await question.has_more(talk)
    buttons = (Button("再来一遍", f"演练 {course.drill.id}"), cards.NEXT if waits else _LIST)
    shown = Message((*story.lines, ending), title=story.title, buttons=buttons)
    return Reply((last, shown), talk.state.but(drill=None))


def aside(talk: Talk) -> Reply:
    """Small talk inside a drill is meant for us."""
    message = say("这句像是跟我说的，客户没听见。想接着说，直接打字回客户；想停下，打“退出演练”。", buttons=(_LEAVE,))
    return Reply((message,), talk.state)


async def leave(talk: Talk, _words: str) -> Reply:
    """退出演练: out of it; what was said is kept for a week."""
    run = await drills.get(talk.tx, talk.state.drill) if talk.state.drill is not None else None
    if run is None or run.status != drills.OPEN:
        return Reply((say("现在没有在演练。", buttons=(Button("演练", "演练"),)),), talk.state.but(drill=None))
    row = await question.current(talk)
    now = "还有一道题开着，打字就是作答。" if row else "现在打字就是查话术。"
    message = say(
        f"好，先到这儿。七天内打“演练 继续”能接着来。{now}", buttons=(Button("接着演练", "演练 继续"), cards.MINE)
    )
    return Reply((message,), talk.state.but(drill=None))


async def take_back(talk: Talk, run: DrillRun) -> Reply:
    """撤回 inside a drill: the last reply unsaid, the customer as before it."""
    course = await course_of(talk, run)
    if course is None or not course.said or _seconds(talk.now, run.touched_at) > _UNDO_SECONDS:
        text = "这场还没说话，没有可以撤回的。" if course and not course.said else "已经过了两分钟，撤不回来了。"
        return Reply((say(text, buttons=(_LEAVE,)),), talk.state)
    course = course.taken_back()
    run.said = [said.to_data() for said in course.said]
    lines = (Line("已撤回，客户没听见那句。"), *debrief.answer(course), _left(course))
    return Reply((Message(lines, buttons=(_LEAVE,)),), talk.state)


def _seconds(now: datetime, then: datetime) -> float:
    return (now - then).total_seconds()
