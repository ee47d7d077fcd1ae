"""The numbers behind the weekly board and the morning card."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, case, func
from sqlmodel import col, select

from lessons.boards import Row
from lessons.gap import Tries
from lessons.model import Criterion
from storage.database import Tx
from storage.models import Absence, Assignment, Attempt, Person
from storage.people import leaves_between
from storage.statements import chunks

_WEEKS_BEFORE = 4


async def week(tx: Tx, first: date, last: date, department_ids: Collection[int] | None = None) -> list[Row]:
    """One row a learner for the days `first` to `last`; days of leave are not counted as asked.

    Only campaign questions count: they are the same for everybody, returning questions and own practice are not.
    """
    leaves = await leaves_between(tx, first, last)
    asked = await _asked(tx, first, last, leaves, department_ids)
    learners = await _learners(tx, first, last, department_ids)
    rows = []
    for key, name, department_id, on_boards, points, answers, now, new in learners:
        count, answered = asked.get(key, (0, 0))
        past = answers - new
        mean = now / new if new else None
        before = (points - (now or 0)) / past if past else None
        away = key in leaves and any(_covers(leave, first, last) for leave in leaves[key])
        rows.append(Row(key, name, department_id, count, answered, mean, before, past, on_boards, away))
    return rows


async def _learners(tx: Tx, first: date, last: date, department_ids: Collection[int] | None) -> Iterable[Any]:
    """Active learners by id: (id, name, department, whether on boards), then points and answers of the first tries
    that count, with the weeks before and since `first` alone.

    One walk along the index `ix_attempt_board`, which holds all that is read of an answer.
    """
    points = col(Attempt.points)
    new = case((col(Attempt.board_day) >= first, points))
    sums: list[Any] = [func.sum(points), func.count(points), func.sum(new), func.count(new)]
    counting = (
        col(Attempt.person_id) == col(Person.id),
        col(Attempt.board_day).between(first - timedelta(weeks=_WEEKS_BEFORE), last),
        *_stands(),
    )
    query = (
        select(col(Person.id), col(Person.name), col(Person.department_id), col(Person.on_boards), *sums)
        .outerjoin(Attempt, and_(*counting))
        .where(col(Person.active), col(Person.learns), *_within(department_ids))
        .group_by(col(Person.id))
        .order_by(col(Person.id))
    )
    return await tx.execute(query)


async def _asked(
    tx: Tx, first: date, last: date, leaves: dict[int, list[Absence]], department_ids: Collection[int] | None
) -> dict[int, tuple[int, int]]:
    """(asked, answered) by person; what was asked on a day of leave counts only if it was answered."""
    answers = func.sum(case((col(Assignment.status) == "answered", 1), else_=0))
    wanted = (
        col(Assignment.day).between(first, last),
        col(Assignment.status) != "waiting",
        Assignment.reason == "campaign",
    )
    whole = select(col(Assignment.person_id), func.count(), answers).where(*wanted).group_by(col(Assignment.person_id))
    if department_ids is not None:
        whole = whole.join(Person, col(Person.id) == col(Assignment.person_id)).where(*_within(department_ids))
    found = {person: (int(count), int(done)) for person, count, done in await tx.execute(whole)}
    for block in chunks(person for person in leaves if person in found):
        query = (
            select(col(Assignment.person_id), col(Assignment.day), func.count(), answers)
            .where(*wanted, col(Assignment.person_id).in_(block))
            .group_by(col(Assignment.person_id), col(Assignment.day))
        )
        for person, day, count, done in await tx.execute(query):
            if any(_covers(leave, day, day) for leave in leaves[person]):
                asked, answered = found[person]
                found[person] = (asked - int(count) + int(done), answered)
    return found


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
        *_stands(),
    )


def _stands() -> Any:
    """A try that was not taken back, is not a copy and was not scored by a grader on trial."""
    return col(Attempt.withdrawn_at).is_(None), col(Attempt.copied).is_(False), col(Attempt.trial).is_(False)


def _within(department_ids: Collection[int] | None) -> Any:
    """People of some departments, or of all."""
    return () if department_ids is None else (col(Person.department_id).in_(list(department_ids)),)


def _covers(leave: Absence, first: date, last: date) -> bool:
    return leave.first_day <= first and (leave.last_day is None or leave.last_day >= last)
