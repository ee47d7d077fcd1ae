"""What the demo's people did on past days: invented answers with invented scores, plausible together."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from handlers.context import Desk
from lessons import ladder
from lessons.campaign import CampaignSpec, slots
from lessons.catalogue import canonical, digest
from lessons.model import Criterion, Lesson, Sample
from lessons.scoring.result import Mark, Score, Verdict
from lessons.scoring.total import POINTS
from storage import assignments, attempts, people
from storage import campaigns as rows
from storage.database import Tx
from storage.models import Attempt, Person, Review

PAST, DAILY, DRAFT = "demo-past", "demo-daily", "demo-draft"
SCORER = "demo"

_SEED = 20261121
_LEVELS = (Mark.MISS, Mark.MISS, Mark.PARTIAL, Mark.HIT, Mark.HIT)


@dataclass(frozen=True)
class Try:
    """One invented answer."""

    person: Person
    day: date
    lesson: Lesson
    sample: Sample
    score: Score
    at: datetime
    board_day: date | None


async def play(tx: Tx, desk: Desk, first: date, until: date, now: datetime, visitors: frozenset[str]) -> None:
    """Let everybody work through the days from `first` up to, not including, `until`, as far as they have not yet.

    Questions that visitors of the demo have open stay theirs to answer.
    """
    plan = await _plan(tx, desk, first, until)
    past = await rows.get(tx, PAST)
    began = CampaignSpec.model_validate(past.spec).starts_on if past else first
    taken = {(row.person_id, row.day): row for day in plan for row in await assignments.all_of_day(tx, day)}
    absent = {day: await people.absent_on(tx, day) for day in plan}
    asked: list[dict[str, Any]] = []
    tries: list[Try] = []
    for place, person in enumerate(await people.learners(tx)):
        dice = random.Random(f"{_SEED}/{person.staff_no}/{first}")
        skill = 1.8 + ((place * 7 + 5) % 10) / 7
        for day, lesson in plan.items():
            row = taken.get((person.id or 0, day))
            settled = row is not None and (row.status != assignments.OPEN or person.name in visitors)
            if settled or person.id in absent[day]:
                continue
            answers = dice.random() < 0.74 + ((place + 3) % 5) * 0.06
            at = desk.calendar.at(day, time(9, 40)) + timedelta(minutes=dice.randrange(300))
            wish = skill + (day - began).days * 0.035 + dice.gauss(0, 0.7)
            if row is None:
                asked.append(_asked(person, lesson, day, at, answers, desk))
            elif answers:
                row.status, row.answered_at = assignments.ANSWERED, at
            if answers and (row is None or row.lesson_id == lesson.id):
                sample = min(lesson.samples, key=lambda x: (abs(x.band - wish), x.text))
                board_day = attempts.board_day(row, 1) if row is not None else day
                tries.append(Try(person, day, lesson, sample, _score(lesson, sample, dice), at, board_day))
    await assignments.add_many(tx, asked)
    await _keep(tx, desk, tries, now)


async def _plan(tx: Tx, desk: Desk, first: date, until: date) -> dict[date, Lesson]:
    """The lesson of every working day, from the demo's own campaigns."""
    lessons = {lesson.id: lesson for lesson in desk.catalogue.situations() if lesson.samples}
    plan: dict[date, Lesson] = {}
    for key in (PAST, DAILY):
        row = await rows.get(tx, key)
        if row is None:
            continue
        spec = CampaignSpec.model_validate(row.spec)
        ids = [lesson_id for lesson_id in spec.lesson_ids(desk.catalogue) if lesson_id in lessons]
        for slot in slots(spec, ids, desk.calendar):
            if slot.day >= until:
                break
            if slot.day >= first:
                plan[slot.day] = lessons[slot.lesson_id]
    return plan


def _score(lesson: Lesson, sample: Sample, dice: random.Random) -> Score:
    """The score a sample's band stands for: points inside the band, marks around its level."""
    low, high = POINTS[sample.band]
    points = dice.randrange(low, high + 1, 5)
    marks = {criterion: _LEVELS[min(max(sample.band + dice.choice((-1, 0, 0, 0, 1)), 0), 4)] for criterion in Criterion}
    verdicts = {criterion: Verdict(mark) for criterion, mark in marks.items()}
    return Score(lesson.id, sample.band, points, verdicts, (), (), SCORER)


def _asked(person: Person, lesson: Lesson, day: date, at: datetime, answers: bool, desk: Desk) -> dict[str, Any]:
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
        "answered_at": at if answers else None,
    }


async def _keep(tx: Tx, desk: Desk, tries: list[Try], now: datetime) -> None:
    """Store the tries, the lesson versions they saw, and the ladder cards that follow from them."""
    ids: dict[tuple[int, date], int] = {}
    for day, lesson_id in sorted({(each.day, each.lesson.id) for each in tries}):
        ids |= {(person, day): key for person, key in (await assignments.ids_of_day(tx, lesson_id, day)).items()}
    for lesson in {each.lesson.id: each.lesson for each in tries}.values():
        await assignments.keep_version(tx, digest(lesson), lesson.id, canonical(lesson), now)
    await assignments.bulk(tx, Attempt, [_attempt(each, ids[each.person.id or 0, each.day]) for each in tries])
    await assignments.bulk(tx, Review, _cards(desk, tries, now, await assignments.all_cards(tx)))


def _attempt(each: Try, assignment_id: int) -> dict[str, Any]:
    return {
        "assignment_id": assignment_id,
        "person_id": each.person.id,
        "lesson_id": each.lesson.id,
        "digest": digest(each.lesson),
        "number": 1,
        "text": each.sample.text,
        "band": each.score.band,
        "points": each.score.points,
        "score": each.score.to_dict(),
        "scorer": SCORER,
        "copied": False,
        "created_at": each.at,
        "board_day": each.board_day,
    }


def _cards(desk: Desk, tries: list[Try], now: datetime, known: set[tuple[int, str]]) -> list[dict[str, Any]]:
    """Cards of the weaker answers; what fell due in the past was worked off, so they are due in the coming days."""
    today, rows_ = desk.calendar.today(now), []
    for number, each in enumerate(tries):
        card = ladder.enter(each.score.band, each.day, lambda day, steps: desk.calendar.next_working(day, steps=steps))
        key = (each.person.id or 0, each.lesson.id)
        if card is None or card.due_on is None or key in known:
            continue
        known.add(key)
        soon = desk.calendar.next_working(today, steps=1 + number % 9)
        rows_.append(
            {
                "person_id": key[0],
                "lesson_id": key[1],
                "step": card.step,
                "passes": 0,
                "due_on": max(card.due_on, soon),
                "updated_at": now,
            }
        )
    return rows_
