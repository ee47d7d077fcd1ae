"""The demo organisation: three departments, thirty people, four past weeks, and a clock that jumps.

Everything here is invented. Past answers are lesson samples, scored by the real scorer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from bot.core.clock import ShiftedClock
from bot.web.chat import Persona
from handlers import campaigns as campaign_actions
from handlers.context import Desk
from lessons import ladder
from lessons.campaign import Audience, CampaignSpec, slots
from lessons.catalogue import canonical, digest
from lessons.model import Lesson, Track
from lessons.scoring.result import Score
from storage import assignments, people
from storage import campaigns as rows
from storage import settings as stored
from storage.database import Database, Tx
from storage.models import Attempt, Department, Identity, Person, Role

MORNING = time(9, 34, 30)
"""When the demo's day begins: after the question, the returning questions and the board are due."""

_FIRST_LESSON = "unmet-refund-all-fees"
_CLOCK = "demo_clock"
_WEEKS = 4
_SEED = 20261121

_DEPARTMENTS = ("客服中心", "贷后管理部", "城东支行")
_LEARNERS = (
    ("林小满", "蒋雨桐", "许家宁", "郭子昂", "孟晓棠", "方以安", "叶青禾", "秦朗", "唐果", "沈若溪"),
    ("陈默", "马思远", "高远", "田甜", "丁一凡", "韩雪松", "潘玥", "罗一鸣"),
    ("孙立春", "顾念", "白露", "冯川", "江小鱼"),
)
_MANAGERS = (("周敏", None), ("宋岚", 0), ("魏国栋", 1))


@dataclass(frozen=True)
class _Role:
    name: str
    role: Role
    blurb: str


_STAFF = (
    _Role("何静", Role.TRAINER, "排课、看落空的查询"),
    _Role("吴越", Role.TRAINER, "另一位培训师，排了一期等人批准"),
    _Role("梁正", Role.COMPLIANCE, "消保合规，也能批准活动"),
    _Role("赵工", Role.OPERATOR, "看消息送达与内容状态"),
)
_CAST = (
    ("林小满", "客服中心学员，今天有题等着"),
    ("陈默", "贷后管理部学员"),
    ("周敏", "主管，看三个部门的周榜"),
    ("何静", "培训师，管活动与话术"),
    ("吴越", "培训师，排了一期等人批准"),
    ("赵工", "运维，看运行状态"),
)
_VISITORS = {name for name, _ in _CAST}
_ROLE_NAMES = {
    Role.LEARNER: "学员",
    Role.MANAGER: "主管",
    Role.TRAINER: "培训师",
    Role.COMPLIANCE: "合规",
    Role.OPERATOR: "运维",
}


class Stage:
    """The demo as the chat page sees it: who one may be, what time it is, and jumping ahead."""

    def __init__(self, database: Database, desk: Desk, clock: ShiftedClock, tick: Callable[[], Awaitable[int]]) -> None:
        self._database, self._desk, self._clock, self._tick = database, desk, clock, tick
        self._jumping = asyncio.Lock()

    async def cast(self) -> list[Persona]:
        async with self._database.reading() as tx:
            by_name = {person.name: person for person in await people.named(tx, [name for name, _ in _CAST])}
            found = []
            for name, blurb in _CAST:
                person = by_name.get(name)
                if person is not None and person.id is not None:
                    role = _foremost(await people.roles(tx, person.id))
                    found.append(Persona(person.id, name, str(role), _ROLE_NAMES[role], blurb))
        return found

    def now(self) -> datetime:
        return self._clock.now()

    async def sync(self) -> None:
        """Take over the time that another replica jumped to."""
        async with self._database.reading() as tx:
            offset = await stored.get(tx, _CLOCK)
        if offset is not None:
            self._clock.offset = timedelta(seconds=float(offset))

    async def open(self) -> None:
        """Fill an empty database, once however many replicas start, and set the clock to the demo's time."""
        async with self._database.transaction() as tx:
            await stored.lock(tx)
            if await stored.get(tx, _CLOCK) is None:
                self._clock.jump_to(first_morning(self._desk, self._desk.calendar.today(self._clock.now())))
                await seed(tx, self._desk, self._clock.now())
                self._clock.jump_to(first_morning(self._desk, self._desk.calendar.today(self._clock.now())))
                await stored.put(tx, _CLOCK, str(self._clock.offset.total_seconds()))
        await self.sync()

    async def jump(self, to: Literal["tomorrow", "monday"]) -> datetime:
        """Go to the next working morning, or to that of the next week; colleagues work through the days between."""
        async with self._jumping:
            calendar, today = self._desk.calendar, self._desk.calendar.today(self._clock.now())
            target = calendar.next_working(today)
            if to == "monday":
                target = calendar.on_or_after(today + timedelta(days=7 - today.weekday()))
            async with self._database.transaction() as tx:
                await play(tx, self._desk, today, target, self._clock.now())
                self._clock.jump_to(calendar.at(target, MORNING))
                await stored.put(tx, _CLOCK, str(self._clock.offset.total_seconds()))
            await self._tick()
            return self._clock.now()


def _foremost(roles: frozenset[Role]) -> Role:
    order = (Role.OPERATOR, Role.TRAINER, Role.COMPLIANCE, Role.MANAGER)
    return next((role for role in order if role in roles), Role.LEARNER)


def first_morning(desk: Desk, today: date) -> datetime:
    """The demo's first moment: the next working morning, today's included."""
    return desk.calendar.at(desk.calendar.on_or_after(today), MORNING)


async def seed(tx: Tx, desk: Desk, now: datetime) -> None:
    """Fill an empty database with the organisation and its past weeks."""
    today = desk.calendar.today(now)
    monday = today - timedelta(days=today.weekday(), weeks=_WEEKS)
    await _organisation(tx, now - timedelta(weeks=_WEEKS + 1))
    await _campaigns(tx, desk, today, monday, now)
    await play(tx, desk, monday, today, now)


async def _organisation(tx: Tx, now: datetime) -> None:
    root = await people.department_named(tx, "演示银行")
    groups = [await people.department_named(tx, name, root) for name in _DEPARTMENTS]
    for number, (group, names) in enumerate(zip(groups, _LEARNERS, strict=True)):
        for place, name in enumerate(names):
            await _person(tx, name, f"{number + 1}{place + 1:02}", group, now, learns=True)
    for place, (name, index) in enumerate(_MANAGERS):
        home = root if index is None else groups[index]
        person = await _person(tx, name, f"8{place + 1:02}", home, now)
        await people.grant(tx, person.id or 0, Role.MANAGER, home.id)
    for place, member in enumerate(_STAFF):
        person = await _person(tx, member.name, f"9{place + 1:02}", root, now)
        await people.grant(tx, person.id or 0, member.role)
    await _exceptions(tx, now)


async def _exceptions(tx: Tx, now: datetime) -> None:
    """Somebody on leave, somebody off the boards: boards must cope with both."""
    away, shy = await people.named(tx, ["韩雪松"]), await people.named(tx, ["沈若溪"])
    first = now.date() + timedelta(weeks=_WEEKS)
    await people.add_absence(tx, away[0].id or 0, "leave", first, first + timedelta(days=24), now)
    await people.change(tx, shy[0].id or 0, on_boards=False)


async def _person(tx: Tx, name: str, number: str, home: Department, now: datetime, *, learns: bool = False) -> Person:
    person = Person(name=name, staff_no=f"D{number}", department_id=home.id or 0, learns=learns, created_at=now)
    tx.add(person)
    await tx.flush()
    tx.add(Identity(platform="web", external_id=str(person.id), person_id=person.id or 0))
    await tx.flush()
    return person


async def _campaigns(tx: Tx, desk: Desk, today: date, monday: date, now: datetime) -> None:
    """What ran in the past weeks, what runs now, and one that waits for approval."""
    trainers = {person.name: person.id or 0 for person in await people.named(tx, ["何静", "吴越"])}
    yesterday = today - timedelta(days=1)
    past = CampaignSpec(
        id="demo-past", title="合规柔性催收·上期", audience=Audience(everyone=True), track=Track.COLLECTION,
        starts_on=monday, ends_on=yesterday, repeat=True,
    )  # fmt: skip
    unmet = [lesson.id for lesson in desk.catalogue.situations(Track.UNMET)]
    current = CampaignSpec(
        id="demo-daily", title="每日一题·无法满足的诉求", audience=Audience(everyone=True), starts_on=today,
        repeat=True, lessons=tuple(sorted(unmet, key=lambda key: (key != _FIRST_LESSON, key))),
    )  # fmt: skip
    draft = CampaignSpec(
        id="demo-draft", title="消保知识·贷后专场", audience=Audience(departments=("贷后管理部",)),
        track=Track.KNOWLEDGE, days=("tue", "thu"), starts_on=today + timedelta(days=7),
    )  # fmt: skip
    for spec in (past, current, draft):
        await campaign_actions.create(tx, spec, "吴越", now, actor_id=trainers["吴越"])
    ended = await rows.get(tx, past.id)
    running = await rows.get(tx, current.id)
    assert ended is not None
    assert running is not None
    await rows.change(tx, ended, status=rows.ENDED, approved_by=trainers["何静"], approved_at=now)
    before_window = desk.calendar.at(today, time(0, 1))
    await campaign_actions.approve(tx, desk, running, "何静", trainers["何静"], before_window)


async def play(tx: Tx, desk: Desk, first: date, until: date, now: datetime) -> None:
    """Let everybody work through the days from `first` up to, not including, `until`, as far as they have not yet."""
    lessons = {lesson.id: lesson for lesson in desk.catalogue.situations() if lesson.samples}
    plan = await _plan(tx, desk, first, until, lessons)
    scores = await _scored(desk, {lessons[key] for key in plan.values()})
    learners = await people.learners(tx)
    past = await rows.get(tx, "demo-past")
    began = CampaignSpec.model_validate(past.spec).starts_on if past else first
    taken = {(row.person_id, row.day): row for day in plan for row in await assignments.all_of_day(tx, day)}
    asked, tried = [], []
    for place, person in enumerate(learners):
        dice = random.Random(f"{_SEED}/{person.staff_no}/{first}")
        skill = 1.8 + ((place * 7 + 5) % 10) / 7
        for day, key in plan.items():
            row = taken.get((person.id or 0, day))
            away = await people.absence_on(tx, person.id or 0, day) is not None
            if away or (row is not None and (row.status != assignments.OPEN or person.name in _VISITORS)):
                continue
            answers = dice.random() < 0.74 + ((place + 3) % 5) * 0.06
            when = desk.calendar.at(day, time(9, 40)) + timedelta(minutes=dice.randrange(300))
            if row is None:
                asked.append(_asked(person, lessons[key], day, when, answers, desk))
            elif answers:
                row.status, row.answered_at = assignments.ANSWERED, when
            if answers and (row is None or row.lesson_id == key):
                wish = skill + (day - began).days * 0.035 + dice.gauss(0, 0.7)
                tried.append((person, day, key, _closest(scores[key], wish), when))
    await assignments.add_many(tx, asked)
    await _answers(tx, desk, tried, now)


async def _plan(tx: Tx, desk: Desk, first: date, until: date, lessons: dict[str, Lesson]) -> dict[date, str]:
    """The lesson of every working day, from the demo's own campaigns."""
    plan: dict[date, str] = {}
    for key in ("demo-past", "demo-daily"):
        row = await rows.get(tx, key)
        if row is None:
            continue
        spec = CampaignSpec.model_validate(row.spec)
        ids = [lesson_id for lesson_id in spec.lesson_ids(desk.catalogue) if lesson_id in lessons]
        for slot in slots(spec, ids, desk.calendar):
            if slot.day >= until:
                break
            if slot.day >= first:
                plan[slot.day] = slot.lesson_id
    return plan


Scored = list[tuple[str, Score]]


async def _scored(desk: Desk, lessons: set[Lesson]) -> dict[str, Scored]:
    """The samples of some lessons with their real scores."""

    def run() -> dict[str, Scored]:
        return {
            lesson.id: [(sample.text, desk.scorer.score(lesson, sample.text)) for sample in lesson.samples]
            for lesson in sorted(lessons, key=lambda lesson: lesson.id)
        }

    return await asyncio.to_thread(run)


def _closest(scored: Scored, wish: float) -> tuple[str, Score]:
    return min(scored, key=lambda pair: (abs(pair[1].band - wish), pair[0]))


def _asked(person: Person, lesson: Lesson, day: date, when: datetime, answers: bool, desk: Desk) -> dict[str, Any]:
    start = desk.calendar.at(day, time(9, 14))
    return {
        "person_id": person.id,
        "lesson_id": lesson.id,
        "digest": digest(lesson),
        "campaign_id": None,
        "reason": "campaign",
        "day": day,
        "status": assignments.ANSWERED if answers else assignments.MISSED,
        "reminded": 0,
        "opens_at": start,
        "due_at": desk.calendar.at(day, time(18, 0)),
        "created_at": start,
        "answered_at": when if answers else None,
    }


async def _answers(
    tx: Tx, desk: Desk, tried: Sequence[tuple[Person, date, str, tuple[str, Score], datetime]], now: datetime
) -> None:
    """Store the tries, the lesson versions they saw, and the ladder cards that follow from them."""
    ids: dict[tuple[int, date], int] = {}
    for day, key in sorted({(day, key) for _, day, key, _, _ in tried}):
        ids |= {(person, day): found for person, found in (await assignments.ids_of_day(tx, key, day)).items()}
    lessons = desk.catalogue.lessons
    for key in sorted({key for _, _, key, _, _ in tried}):
        await assignments.keep_version(tx, digest(lessons[key]), key, canonical(lessons[key]), now)
    await assignments.bulk(
        tx,
        Attempt,
        [
            {
                "assignment_id": ids[person.id or 0, day],
                "person_id": person.id,
                "lesson_id": key,
                "digest": digest(lessons[key]),
                "number": 1,
                "text": text,
                "band": score.band,
                "points": score.points,
                "score": score.to_dict(),
                "scorer": score.scorer,
                "copied": False,
                "created_at": when,
            }
            for person, day, key, (text, score), when in tried
        ],
    )
    today = desk.calendar.today(now)
    for person, day, key, (_, score), _ in tried:
        card = ladder.enter(score.band, max(day, desk.calendar.next_working(today - timedelta(days=5))), _after(desk))
        if card is not None and await assignments.card(tx, person.id or 0, key) is None:
            await assignments.put_card(tx, person.id or 0, key, card, now)


def _after(desk: Desk) -> ladder.WorkingDaysAfter:
    return lambda day, steps: desk.calendar.next_working(day, steps=steps)
