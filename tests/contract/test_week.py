"""The week's numbers against a plain recount of the same invented past, on both databases and after a migration."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from lessons.boards import Row
from storage import attempts, boards, schema
from storage.assignments import ANSWERED, MISSED, OPEN, WAITING, WITHDRAWN
from storage.database import Database
from storage.models import Absence, Assignment, Attempt, Department, LessonVersion, Person

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)
DAYS = [MONDAY + timedelta(days=day) for day in range(-30, 9)]  # two days more than counts at either end
RULES = ["withdrawn", "copied", "trial", "second", "reason", "waiting", "late", "leave", "older", "newer", "gone"]
STATUSES = [ANSWERED] * 6 + [MISSED, MISSED, OPEN, WAITING, WITHDRAWN]


@dataclass(frozen=True)
class Try:
    number: int
    points: int
    withdrawn: bool
    copied: bool
    trial: bool


@dataclass(frozen=True)
class Question:
    id: int
    person: int
    day: date
    reason: str
    status: str
    tries: tuple[Try, ...]


@dataclass(frozen=True)
class Learner:
    id: int
    department: int
    active: bool
    learns: bool
    on_boards: bool
    leaves: tuple[tuple[date, date | None], ...]

    def away(self, first: date, last: date) -> bool:
        return any(start <= first and (end is None or end >= last) for start, end in self.leaves)


@dataclass(frozen=True)
class Past:
    """Some people and what they were asked in six weeks, every case of it by chance."""

    learners: list[Learner]
    questions: list[Question] = field(default_factory=list)


def invented(seed: int, people: int = 24) -> Past:
    dice = random.Random(seed)
    past = Past([_learner(dice, number) for number in range(1, people + 1)])
    for person in past.learners:
        for day in DAYS:
            for reason in dice.sample(["campaign", "campaign", "review", "own"], dice.choice([0, 1, 1, 2])):
                status = dice.choice(STATUSES)
                tries = tuple(_try(dice, number) for number in range(1, dice.randint(1, 3) + 1))
                answers = status == ANSWERED or (status == MISSED and dice.random() < 0.5)
                kept = tries if answers else ()
                past.questions.append(Question(len(past.questions) + 1, person.id, day, reason, status, kept))
    return past


def _learner(dice: random.Random, number: int) -> Learner:
    start = MONDAY + timedelta(days=dice.randint(-9, 6))
    end = dice.choice([None, start + timedelta(days=dice.randint(0, 12))])
    leaves = ((start, end),) if dice.random() < 0.5 else ()
    return Learner(number, 1 + number % 3, number % 8 != 1, number % 8 != 2, dice.random() < 0.8, leaves)


def _try(dice: random.Random, number: int) -> Try:
    withdrawn, copied, trial = (dice.random() < 0.15 for _ in range(3))
    return Try(number, dice.randrange(0, 101, 5), withdrawn, copied, trial)


def recount(past: Past, forgotten: str = "", departments: tuple[int, ...] = (1, 2, 3)) -> list[Row]:
    """The week as one would count it by hand, or with one rule forgotten."""

    def points(person: Learner, first: date, last: date) -> list[int]:
        asked = [question for question in past.questions if question.person == person.id]
        asked = [question for question in asked if first <= question.day <= last]
        asked = [question for question in asked if question.reason == "campaign" or forgotten == "reason"]
        asked = [question for question in asked if question.status == ANSWERED or forgotten == "late"]
        tries = [each for question in asked for each in question.tries]
        tries = [each for each in tries if each.number == 1 or forgotten == "second"]
        tries = [each for each in tries if not each.withdrawn or forgotten == "withdrawn"]
        tries = [each for each in tries if not each.copied or forgotten == "copied"]
        return [each.points for each in tries if not each.trial or forgotten == "trial"]

    def asked(person: Learner) -> list[Question]:
        found = [each for each in past.questions if each.person == person.id and MONDAY <= each.day <= SUNDAY]
        found = [each for each in found if each.reason == "campaign"]
        found = [each for each in found if each.status != WAITING or forgotten == "waiting"]
        free = [each for each in found if person.away(each.day, each.day) and each.status != ANSWERED]
        return [each for each in found if each not in free or forgotten == "leave"]

    rows = []
    for person in past.learners:
        if person.department not in departments or (not (person.active and person.learns) and forgotten != "gone"):
            continue
        now = points(person, MONDAY, SUNDAY + timedelta(days=2 if forgotten == "newer" else 0))
        before = points(person, MONDAY - timedelta(days=30 if forgotten == "older" else 28), MONDAY - timedelta(days=1))
        done = sum(each.status == ANSWERED for each in asked(person))
        means = [sum(each) / len(each) if each else None for each in (now, before)]
        rows.append(
            Row(
                person.id, f"员工{person.id}", person.department, len(asked(person)), done, *means, len(before),
                person.on_boards, person.away(MONDAY, SUNDAY),
            )
        )  # fmt: skip
    return rows


async def store(database: Database, past: Past, *, before_0009: bool = False) -> None:
    people = [
        {
            "id": each.id, "name": f"员工{each.id}", "department_id": each.department, "learns": each.learns,
            "active": each.active, "on_boards": each.on_boards, "shift_start": NOW.time(), "shift_end": NOW.time(),
            "tags": [], "held": [], "unanswered": 0, "created_at": NOW,
        }
        for each in past.learners
    ]  # fmt: skip
    leaves = [
        {"person_id": each.id, "kind": "leave", "first_day": start, "last_day": end, "created_at": NOW}
        for each in past.learners
        for start, end in each.leaves
    ]
    rows = {
        Department: [{"id": number, "name": f"部门{number}", "path": f"/{number}/"} for number in (1, 2, 3)],
        Person: people,
        Absence: leaves,
        LessonVersion: [{"digest": "d", "lesson_id": "x", "content": "{}", "first_used_at": NOW}],
        Assignment: [_question(each) for each in past.questions],
        Attempt: [_attempt(each, tried, before_0009) for each in past.questions for tried in each.tries],
    }
    async with database.transaction() as tx:
        for table, values in rows.items():
            await tx.execute(insert(table.__table__), values)  # type: ignore[attr-defined]


def _question(each: Question) -> dict[str, Any]:
    return {
        "id": each.id, "person_id": each.person, "lesson_id": f"x{each.id}", "digest": "d", "reason": each.reason,
        "day": each.day, "status": each.status, "reminded": 0, "opens_at": NOW, "due_at": NOW, "created_at": NOW,
    }  # fmt: skip


def _attempt(each: Question, tried: Try, before_0009: bool) -> dict[str, Any]:
    values = {
        "assignment_id": each.id, "person_id": each.person, "lesson_id": f"x{each.id}", "digest": "d",
        "number": tried.number, "text": "", "band": 2, "points": tried.points, "score": {}, "scorer": "t",
        "copied": tried.copied, "trial": tried.trial, "withdrawn_at": NOW if tried.withdrawn else None,
        "created_at": NOW,
    }  # fmt: skip
    board_day = attempts.board_day(Assignment(**_question(each)), tried.number)
    return values if before_0009 else {**values, "board_day": board_day}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rule", RULES)
def test_the_past_tells_every_rule(seed: int, rule: str) -> None:
    """A count that forgets one rule differs, so the tests below would notice."""
    past = invented(seed)
    assert recount(past, rule) != recount(past)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_week_is_what_a_recount_gives(database: Database, seed: int) -> None:
    past = invented(seed)
    await store(database, past)
    async with database.reading() as tx:
        assert await boards.week(tx, MONDAY, SUNDAY) == recount(past)
        assert await boards.week(tx, MONDAY, SUNDAY, {1, 3}) == recount(past, departments=(1, 3))
        assert await boards.week(tx, MONDAY, SUNDAY, ()) == []


@pytest.fixture(params=["sqlite", "postgres"])
async def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database whose answers do not know their board yet."""
    url = request.getfixturevalue("postgres").empty() if request.param == "postgres" else f"sqlite:///{tmp_path}/old.db"
    opened = Database(url)
    await schema.upgrade(opened, "0008")
    yield opened
    await opened.close()


async def test_answers_of_before_keep_their_place_on_the_board(earlier: Database) -> None:
    past = invented(3)
    await store(earlier, past, before_0009=True)
    await schema.upgrade(earlier)
    async with earlier.reading() as tx:
        assert await boards.week(tx, MONDAY, SUNDAY) == recount(past)
