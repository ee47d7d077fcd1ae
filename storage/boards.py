"""The numbers behind the weekly board and the morning card."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from sqlalchemy import case, func
from sqlmodel import col, select

from lessons.boards import Row
from lessons.gap import Tries
from lessons.model import Criterion
from storage.database import Tx
from storage.models import Absence, Assignment, Attempt, Person
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
    columns = select(Attempt.person_id, func.avg(Attempt.points), func.count())
    query = _counting(columns, first, last).group_by(col(Attempt.person_id))
    return {person: (float(mean), count) for person, mean, count in (await tx.execute(query))}


async def tries(
    tx: Tx, first: date, last: date, lesson_ids: Collection[str], department_ids: Collection[int] | None = None
) -> tuple[int, list[Tries]]:
    """How many people of some departments answered some lessons, and what their first tries came to, by lesson."""
    columns: list[Any] = []
    for criterion in Criterion:
        verdict = col(Attempt.score)[("criteria", criterion.value, "verdict")].as_string()
        columns.append(func.sum(case((verdict.in_(["hit", "partial", "miss"]), 1), else_=0)))
        columns.append(func.sum(case((verdict == "hit", 1.0), (verdict == "partial", 0.5), else_=0.0)))
    people: Any = func.count(func.distinct(col(Attempt.person_id)))

    def of_these(selected: Any) -> Any:
        query = _counting(selected, first, last).where(col(Attempt.lesson_id).in_(list(lesson_ids)))
        if department_ids is None:
            return query
        query = query.join(Person, col(Person.id) == col(Attempt.person_id))
        return query.where(col(Person.department_id).in_(list(department_ids)))

    by_lesson = of_these(select(col(Attempt.lesson_id), people, *columns)).group_by(col(Attempt.lesson_id))
    found = []
    for lesson_id, answered, *sums in await tx.execute(by_lesson):
        judged = dict(zip(Criterion, map(int, sums[::2]), strict=True))
        met = dict(zip(Criterion, map(float, sums[1::2]), strict=True))
        found.append(Tries(lesson_id, int(answered), judged, met))
    return int(await tx.scalar(of_these(select(people))) or 0), found


def _counting(selected: Any, first: date, last: date) -> Any:
    """`selected` of the first tries that count."""
    return selected.join(Assignment, col(Assignment.id) == col(Attempt.assignment_id)).where(
        col(Assignment.day).between(first, last),
        Assignment.status == "answered",
        Assignment.reason == "campaign",
        Attempt.number == 1,
        col(Attempt.withdrawn_at).is_(None),
        col(Attempt.copied).is_(False),
        col(Attempt.trial).is_(False),
    )


def _covers(leave: Absence, first: date, last: date) -> bool:
    return leave.first_day <= first and (leave.last_day is None or leave.last_day >= last)
