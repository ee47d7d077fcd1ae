"""How appeals are spoken of: their state, by when they are decided, and what the people concerned are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta

from bot.core.messages import Button, Line, Message, hint, quote, say, strong
from handlers import hours
from handlers.context import Talk, TickContext, title_of
from handlers.corrections import Change
from lessons import appeal
from lessons.model import Criterion, RedLine
from lessons.scoring.result import BAND_NAMES
from storage import appeals, people
from storage import campaigns as rows_of
from storage.deliveries import Owed
from storage.hours import times_of
from storage.models import Appeal, Role

STATUS_NAMES = {
    appeals.OPEN: "等结果",
    appeals.UPHELD: "成立",
    appeals.REJECTED: "不成立",
    appeals.VOID: "回答已撤回，作废",
}
WORKING_DAYS = 2
"""Within so many working days an appeal is decided."""

FEWEST, MOST = 4, 200
"""The characters of a reason, the learner's and the decider's."""

MINE = Button("我的申诉", "申诉 我的")
QUEUE = Button("申诉队列", "申诉队列")

_MORNING, _MIDNIGHT = time(9, 2), time(23, 39)
_SOON = timedelta(minutes=20)  # who works later is told later, with the count of then


async def remind(context: TickContext) -> list[Owed]:
    """On each working morning, in their own working time, trainers hear once how many appeals of earlier days wait;
    compliance hears it where there are no trainers. Nobody is told of their own."""
    calendar, today = context.desk.calendar, context.today
    begin, end = calendar.at(today, _MORNING), calendar.at(today, _MIDNIGHT)
    if not calendar.is_working(today) or not begin <= context.now < end:
        return []
    waiting = await appeals.waiting_by_person(context.tx, before=calendar.at(today, time(0, 0)))
    if not waiting:
        return []
    owed, house = [], hours.House.of(context.desk)
    deciders = await people.with_role(context.tx, Role.TRAINER) or await people.with_role(context.tx, Role.COMPLIANCE)
    absent = await people.absent_on(context.tx, today)
    for person in deciders:
        key, count = person.id or 0, sum(waiting.values()) - waiting.get(person.id or 0, 0)
        when = hours.write_at(house, times_of(person), context.now, context.now, end)
        if not count or key in absent or when is None or when > context.now + _SOON:
            continue
        if await rows_of.fire(context.tx, f"appeals@{today}#{key}", "planned", context.now):
            message = say(f"有 {count} 条申诉等你看，打“申诉队列”。", buttons=(QUEUE,))
            owed.append(Owed(f"appeals:{today}:{key}", key, "notice", message, when, end))
    return owed


def about(talk: Talk, row: Appeal) -> str:
    """Which lesson and which subject."""
    return f"{_title(talk, row)} · {appeal.name_of(row.subject)}"


def due_on(talk: Talk, row: Appeal) -> date:
    """The day by which an appeal is decided."""
    return talk.desk.calendar.next_working(talk.desk.calendar.today(row.created_at), steps=WORKING_DAYS)


def worth(band: int, points: int) -> str:
    """`良好 75 分`."""
    return f"{BAND_NAMES[band]} {points} 分"


def moved(row: Appeal) -> str:
    """`，合格 60 分 → 良好 75 分`, or nothing while there is nothing to tell."""
    if row.new_band is None or row.new_points is None:
        return ""
    if (row.band, row.points) == (row.new_band, row.new_points):
        return f"，分数不变，{worth(row.band, row.points)}"
    return f"，{worth(row.band, row.points)} → {worth(row.new_band, row.new_points)}"


async def owed(talk: Talk, rows: Sequence[Appeal], changes: Sequence[Change]) -> list[Owed]:
    """The result for each appellant, and one note for each other person whose answer was corrected.

    `rows` are the appeal that was decided and, after it, others about the same words.
    """
    told: dict[int, Owed] = {}
    for row in rows:
        if row.person_id not in told:
            told[row.person_id] = _owed(talk, f"appeal:{row.id}", row.person_id, _result(talk, row))
    for change in changes:
        key = change.attempt.person_id
        if key not in told:
            told[key] = _owed(talk, f"appeal:{rows[0].id}:{key}", key, _same_words(talk, rows[0], change))
    return list(told.values())


def _owed(talk: Talk, key: str, person_id: int, message: Message) -> Owed:
    """Owed now; who is not at work gets it when they are, like everything that nobody asked for."""
    return Owed(key, person_id, "notice", message, talk.now)


def _result(talk: Talk, row: Appeal) -> Message:
    name = appeal.name_of(row.subject)
    lines: list[Line]
    if row.status == appeals.UPHELD:
        thanks = "谢谢你较这个真" + ("，说过同样话的同事也一起改了。" if row.others else "，以后同样的话都这样评。")
        lines = [strong(f"你说得对，“{name}”{_outcome(row.subject)}{moved(row)}。"), Line(thanks)]
    else:
        lines = [strong(f"“{name}”又仔细看了一遍，这次没有改。"), Line("愿意为自己的话争一争，这份认真很难得。")]
    lines += [Line("看的人说："), quote(row.ruling)]
    if row.status == appeals.REJECTED:
        lines.append(hint(f"想换个说法再练，打“练习 {_title(talk, row)}”。"))
    return say(*lines, title=f"申诉有结果了｜{_title(talk, row)}", buttons=(MINE,))


def _same_words(talk: Talk, row: Appeal, change: Change) -> Message:
    old, new = (worth(score.band, score.points) for score in (change.before, change.after))
    name = appeal.name_of(row.subject)
    return say(
        f"有同事和你说过一样的话，申诉成立了。你的“{name}”也{_outcome(row.subject)}："
        + (f"{old} → {new}。" if old != new else f"分数不变，{new}。"),
        title=f"评分更正｜{_title(talk, row)}",
    )


def _outcome(subject: str) -> str:
    if subject in set(Criterion):
        return "改成“做到了”"
    return "不再算数" if subject in set(RedLine) else "去掉了"


def _title(talk: Talk, row: Appeal) -> str:
    return title_of(talk.desk.catalogue.lessons.get(row.lesson_id), row.lesson_id)
