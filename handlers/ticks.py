"""What happens by the clock: questions, returning questions, reminders, deadlines.

Every tick may run at any time, on any replica and after any delay: what it plans is claimed under a key that holds
the local wall time without offset, so the same thing is never planned twice. Ticks write and return what is owed;
they never send.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from handlers import cards, hours
from handlers.context import TickContext, title_of
from lessons import ladder
from lessons.campaign import CampaignSpec, clock, fires_at, parse, send_at, slots
from lessons.catalogue import canonical, digest
from lessons.model import AnyLesson
from storage import assignments, people
from storage import campaigns as rows
from storage.deliveries import Owed
from storage.hours import times_of
from storage.models import Campaign, Person

REVIEWS_AT = time(9, 33)
_SETTLE = timedelta(minutes=20)  # a question is not sent with less time than this left


# --- questions of campaigns


async def fire_campaigns(context: TickContext) -> list[Owed]:
    """Plan the day of every campaign whose moment has come; moments that are too late are skipped and recorded."""
    owed: list[Owed] = []
    for campaign in await rows.due(context.tx, context.now):
        owed += await _fire(context, campaign)
    for campaign in await rows.played_out(context.tx):
        if not await assignments.still_open(context.tx, campaign.id):
            await rows.change(context.tx, campaign, status=rows.ENDED)
    return owed


async def _fire(context: TickContext, campaign: Campaign) -> list[Owed]:
    desk, spec = context.desk, parse(campaign.spec)
    lesson_ids = [key for key in spec.lesson_ids(desk.catalogue) if key in desk.catalogue.lessons]
    old = campaign.next_at
    assert old is not None
    all_slots = [(fires_at(spec, slot.day, desk.calendar), slot) for slot in slots(spec, lesson_ids, desk.calendar)]
    missed = [(moment, slot) for moment, slot in all_slots if old <= moment <= context.now]
    upcoming = next((moment for moment, _ in all_slots if moment > context.now), None)
    if not await rows.advance(context.tx, campaign.id, old, upcoming):
        return []
    owed: list[Owed] = []
    for moment, slot in missed:
        key = f"{campaign.id}@{desk.calendar.local(moment):%Y-%m-%dT%H:%M}"
        due_at = desk.calendar.at(slot.day, clock(spec.deadline))
        if context.now > due_at - _SETTLE or slot.day != context.today:
            await rows.fire(context.tx, key, "skipped", context.now, detail="late")
        elif await rows.fire(context.tx, key, "planned", context.now, detail=slot.lesson_id):
            owed += await _plan(context, campaign, spec, desk.catalogue.lessons[slot.lesson_id], due_at)
    return owed


async def _plan(
    context: TickContext, campaign: Campaign, spec: CampaignSpec, lesson: AnyLesson, due_at: datetime
) -> list[Owed]:
    """Freeze the audience of one day: who gets the question when, and who is full and gets it later."""
    audience = spec.audience
    reached = await people.audience(
        context.tx,
        everyone=audience.everyone,
        names=audience.departments,
        tags=audience.tags,
        staff_nos=audience.people,
    )
    absent = await people.absent_on(context.tx, context.today)
    had = await assignments.counts_of_day(context.tx, context.today)
    await assignments.keep_version(context.tx, digest(lesson), lesson.id, canonical(lesson), context.now)
    base = send_at(spec.window, context.today, context.desk.calendar, f"{campaign.id}{context.today}")
    planned: dict[int, datetime] = {}

    def rows_of() -> Iterator[dict[str, object]]:
        for person in reached:
            moment = _write_at(context, person, base, due_at)
            if person.id in absent or moment is None:
                continue
            full = had.get(person.id, 0) >= context.desk.settings.daily_cap
            if not full:
                planned[person.id] = moment
            yield _row(person.id, lesson, campaign.id, "campaign", context, due_at, moment, waiting=full)

    await assignments.add_many(context.tx, rows_of())
    ids = await assignments.ids_of_day(context.tx, lesson.id, context.today)
    message = cards.question(lesson, "campaign", f"今天 {spec.deadline} ")
    return [
        Owed(f"question:{ids[key]}", key, "challenge", message, moment, due_at)
        for key, moment in planned.items()
        if key in ids
    ]


def _row(
    person_id: int, lesson: AnyLesson, campaign_id: str | None, reason: str, context: TickContext,
    due_at: datetime, opens_at: datetime, *, waiting: bool = False,
) -> dict[str, object]:  # fmt: skip
    return {
        "person_id": person_id,
        "lesson_id": lesson.id,
        "digest": digest(lesson),
        "campaign_id": campaign_id,
        "reason": reason,
        "day": context.today,
        "status": assignments.WAITING if waiting else assignments.OPEN,
        "reminded": 0,
        "opens_at": opens_at,
        "due_at": due_at,
        "created_at": context.now,
    }


def _write_at(
    context: TickContext, person: Person | people.Reached, wanted: datetime, due_at: datetime
) -> datetime | None:
    """When to write to a person today; None when too little time would be left."""
    house = hours.House.of(context.desk)
    return hours.write_at(house, times_of(person), wanted, context.now, due_at - _SETTLE)


# --- returning questions


async def offer_returns(context: TickContext) -> list[Owed]:
    """Once each working day: whoever has had no question today gets the one that waits longest or is due back."""
    desk = context.desk
    start = desk.calendar.at(context.today, REVIEWS_AT)
    due_at = desk.calendar.at(context.today, time(18, 0))
    if not desk.calendar.is_working(context.today) or not start <= context.now <= due_at - _SETTLE:
        return []
    if not await rows.fire(context.tx, f"returns@{context.today}", "planned", context.now):
        return []
    everyone = {person.id or 0: person for person in await people.learners(context.tx)}
    absent = await people.absent_on(context.tx, context.today)
    had = await assignments.counts_of_day(context.tx, context.today)
    free = {key: person for key, person in everyone.items() if key not in absent and not had.get(key)}
    owed: list[Owed] = []
    for row in await assignments.waiting(context.tx):
        person = free.get(row.person_id)
        lesson = desk.catalogue.lessons.get(row.lesson_id)
        moment = _write_at(context, person, start, due_at) if person and lesson else None
        if lesson is None or moment is None or row.day == context.today:
            continue
        del free[row.person_id]
        row.day, row.status, row.opens_at, row.due_at = context.today, assignments.OPEN, moment, due_at
        message = cards.question(lesson, row.reason, "今天 18:00 ")
        owed.append(Owed(f"question:{row.id}", row.person_id, "challenge", message, moment, due_at))
    return owed + await _reviews(context, free, start, due_at)


async def _reviews(context: TickContext, free: dict[int, Person], start: datetime, due_at: datetime) -> list[Owed]:
    chosen: dict[tuple[int, str], datetime] = {}
    new = []
    lessons = context.desk.catalogue.lessons
    for card in await assignments.due_cards(context.tx, context.today):
        person, lesson = free.get(card.person_id), lessons.get(card.lesson_id)
        moment = _write_at(context, person, start, due_at) if person and lesson else None
        if lesson is None or moment is None:
            continue
        del free[card.person_id]
        chosen[card.person_id, card.lesson_id] = moment
        new.append(_row(card.person_id, lesson, None, "review", context, due_at, moment))
    await assignments.add_many(context.tx, new)
    owed = []
    for lesson_id in sorted({key[1] for key in chosen}):
        asked = lessons[lesson_id]
        await assignments.keep_version(context.tx, digest(asked), asked.id, canonical(asked), context.now)
        ids = await assignments.ids_of_day(context.tx, lesson_id, context.today)
        message = cards.question(asked, "review", "今天 18:00 ")
        owed += [
            Owed(f"question:{ids[person]}", person, "challenge", message, moment, due_at)
            for (person, lesson), moment in chosen.items()
            if lesson == lesson_id and person in ids
        ]
    return owed


# --- reminders and deadlines


async def remind(context: TickContext) -> list[Owed]:
    """One friendly line to those who have not answered, at the campaign's times."""
    owed: list[Owed] = []
    for campaign in await rows.running(context.tx):
        spec = parse(campaign.spec)
        due_at = context.desk.calendar.at(context.today, clock(spec.deadline))
        for number, text in enumerate(spec.reminders, 1):
            moment = context.desk.calendar.at(context.today, clock(text))
            if not moment <= context.now <= due_at - _SETTLE:
                continue
            key = f"{campaign.id}@{context.today}#remind{number}"
            if await rows.fired(context.tx, key) is None:
                found = await _reminders(context, campaign, moment, due_at, number)
                await rows.fire(context.tx, key, "planned", context.now, people=len(found))
                owed += found
    return owed


async def _reminders(
    context: TickContext, campaign: Campaign, moment: datetime, due_at: datetime, number: int
) -> list[Owed]:
    absent = await people.absent_on(context.tx, context.today)
    everyone = {person.id or 0: person for person in await people.learners(context.tx)}
    waiting = await assignments.unanswered_of_campaign_day(context.tx, campaign.id, context.today)
    owed = []
    for row in waiting:
        person = everyone.get(row.person_id)
        when = _write_at(context, person, moment, due_at) if person and row.person_id not in absent else None
        if when is None or row.opens_at > context.now:
            continue
        title = title_of(context.desk.catalogue.lessons.get(row.lesson_id), row.lesson_id)
        message = cards.reminder(title, context.desk.calendar.local(due_at))
        owed.append(Owed(f"remind{number}:{row.id}", row.person_id, "reminder", message, when, due_at))
    await assignments.mark_reminded(context.tx, [row.id or 0 for row in waiting])
    return owed


async def close_overdue(context: TickContext) -> list[Owed]:
    """After the deadline: unanswered questions are missed; who missed several in a row is left in peace."""
    overdue = await assignments.miss_overdue(context.tx, context.now)
    if not overdue:
        return []
    later = context.desk.calendar.next_working(context.today, steps=ladder.STEPS[0])
    await assignments.put_off(context.tx, [row for row in overdue if row.reason == "review"], later)
    pushed = {row.person_id for row in overdue if row.reason != "own"}
    await people.count_unanswered(context.tx, pushed)
    limit = context.desk.settings.rest_after
    owed = []
    for person in await people.silent(context.tx, pushed, limit):
        owed += await _rest(context, person, limit)
    return owed


async def _rest(context: TickContext, person: Person, times: int) -> list[Owed]:
    key, desk = person.id or 0, context.desk
    if await people.absence_on(context.tx, key, context.today) is not None:
        return []
    await people.add_absence(context.tx, key, "rest", context.today, None, context.now)
    await people.change(context.tx, key, unanswered=0)
    day = desk.calendar.next_working(context.today)
    shift_start = desk.calendar.at(day, person.shift_start)
    return [Owed(f"rest:{key}:{context.today}", key, "notice", cards.rest(times), shift_start + timedelta(minutes=17))]
