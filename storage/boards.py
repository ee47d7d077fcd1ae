"""The numbers behind the weekly board."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import case, func
from sqlmodel import col, select

from lessons.boards import Row
from storage.database import Tx
from storage.models import Absence, Assignment, Attempt
from storage.people import learners, leaves_between

_WEEKS_BEFORE = 4


async def week(tx: Tx, first: date, last: date, department_ids: Collection[int] | None = None) -> list[Row]:
    """One row a learner for the days `first` to `last`; days of leave are not counted as asked.

    Only campaign questions count: they are the same for everybody, returning questions and own practice are not.
    """
    people = await learners(tx, department_ids)
    leaves = await leaves_between(tx, first, last)
    asked = await _asked(tx, first, last, leaves)
    now = await _points(tx, first, last)
    before = await _points(tx, first - timedelta(weeks=_WEEKS_BEFORE), first - timedelta(days=1))
    rows = []
    for person in people:
        key = int(person.id or 0)
        count, answered = asked.get(key, (0, 0))
        points, _ = now.get(key, (None, 0))
        past, past_answers = before.get(key, (None, 0))
        away = any(_covers(leave, first, last) for leave in leaves.get(key, []))
        rows.append(
            Row(
                key,
                person.name,
                person.department_id,
                count,
                answered,
                points,
                past,
                past_answers,
                person.on_boards,
                away,
            )
        )
    return rows


async def _asked(tx: Tx, first: date, last: date, leaves: dict[int, list[Absence]]) -> dict[int, tuple[int, int]]:
    """(asked, answered) by person; what was asked on a day of leave counts only if it was answered."""
    query = (
        select(
            col(Assignment.person_id),
            col(Assignment.day),
            func.count(),
            func.sum(case((col(Assignment.status) == "answered", 1), else_=0)),
        )
        .where(
            col(Assignment.day).between(first, last),
            col(Assignment.status) != "waiting",
            Assignment.reason == "campaign",
        )
        .group_by(col(Assignment.person_id), col(Assignment.day))
    )
    found: dict[int, tuple[int, int]] = {}
    for person, day, count, answered in await tx.execute(query):
        away = any(_covers(leave, day, day) for leave in leaves.get(person, []))
        asked, done = found.get(person, (0, 0))
        found[person] = (asked + (int(answered) if away else count), done + int(answered))
    return found


async def _points(tx: Tx, first: date, last: date) -> dict[int, tuple[float, int]]:
    """(mean points, answers) of first tries that count, by person."""
    query = (
        select(Attempt.person_id, func.avg(Attempt.points), func.count())
        .join(Assignment, col(Assignment.id) == col(Attempt.assignment_id))
        .where(
            col(Assignment.day).between(first, last),
            Assignment.status == "answered",
            Assignment.reason == "campaign",
            Attempt.number == 1,
            col(Attempt.withdrawn_at).is_(None),
            col(Attempt.copied).is_(False),
            col(Attempt.trial).is_(False),
        )
        .group_by(col(Attempt.person_id))
    )
    return {person: (float(mean), count) for person, mean, count in (await tx.execute(query))}


def _covers(leave: Absence, first: date, last: date) -> bool:
    return leave.first_day <= first and (leave.last_day is None or leave.last_day >= last)
