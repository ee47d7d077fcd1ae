"""A working day of one person, lived through the real dispatcher, and the same rows planted for everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bot.app import open_desk
from bot.bench.ground import MONDAY, keep
from bot.bench.words import graded
from bot.config import Settings
from bot.core.clock import SHANGHAI, ManualClock
from bot.core.messages import Incoming, Kind
from bot.dispatch import Dispatcher
from handlers import cards
from handlers.context import Desk
from lessons.model import Lesson
from storage import assignments, deliveries, people, planting
from storage.database import Database, Tx
from storage.deliveries import Owed
from storage.models import Assignment, Attempt, Content, Conversation, Delivery, Inbox, Lookup, Review

_ANSWER, _LOOK_UP = 60, 50
"""Of a hundred people so many answer on a day, and so many search."""
_KINDS = 200
"""Different model answers of a day: those of a lesson differ by a few closing lines, so many people share one."""
_LATER = 1_000_000
"""No message of the day that was lived has so high an id."""
CALL = 1_000
"""People in one call of WeCom (WC90236)."""


@dataclass(frozen=True)
class Day:
    """What one person's day left: the question and its message, and what came of answering and searching."""

    question: Assignment
    pushed: Delivery
    inbox: Inbox
    attempt: Attempt
    review: Review
    lookup: Lookup
    conversation: Conversation
    answers: list[tuple[Delivery, Content]]


async def live(database: Database, lesson: Lesson) -> Day:
    """The first of them is asked, answers and searches; the bot writes what it writes."""
    clock = ManualClock(at(MONDAY - timedelta(days=1)))
    _, desk = open_desk(Settings())
    dispatcher = Dispatcher(database, desk, clock, lambda _platform, _message: True, lambda: None)

    async def say(words: str) -> None:
        key = f"1000002:u1:{_hash(words)}000"
        await dispatcher.receive(Incoming("wecom", "u1", key, Kind.TEXT, words, passive=True))

    await say("帮助")
    async with database.transaction() as tx:
        person = await people.by_identity(tx, "wecom", "u1")
        assert person is not None
        assert person.id is not None
        (_, digest), *_ = await keep(tx, [lesson], clock.now())
        later = clock.now() + timedelta(hours=8)
        row = Assignment(
            person_id=person.id, lesson_id=lesson.id, digest=digest, reason="campaign", day=clock.now().date(),
            status=assignments.OPEN, opens_at=clock.now(), due_at=later, created_at=clock.now(),
        )  # fmt: skip
        await assignments.add(tx, row)
        message = cards.question(lesson, "campaign", "今天 18:00 ")
        owed = Owed(f"question:{row.id}", person.id, "challenge", message, clock.now(), later)
        await deliveries.enqueue(tx, [owed], clock.now())
    await say(_words(desk, lesson))
    await say("话术 退费")
    async with database.reading() as tx:
        return await _day(tx, person.id)


def _words(desk: Desk, lesson: Lesson) -> str:
    """Of the labelled replies that leave something to learn, and so a card on the ladder, the one of middle length."""
    weak = [text for text in graded()[lesson.id] if desk.scorer.score(lesson, text).band in (1, 2)]
    return sorted(weak, key=len)[len(weak) // 2]


async def _day(tx: Tx, person_id: int) -> Day:
    sent = await planting.written(tx, Delivery, person_id)
    inbox = await planting.written(tx, Inbox, person_id)
    mine = [row for row in sent if row.key.startswith(f"answer:{inbox[1].id}:")]
    contents = {row.digest: row for row in await planting.contents(tx)}
    (attempt,) = await planting.written(tx, Attempt, person_id)
    return Day(
        (await planting.written(tx, Assignment, person_id))[0],
        next(row for row in sent if row.kind == "challenge"),
        inbox[1],
        attempt,
        (await planting.written(tx, Review, person_id))[0],
        (await planting.written(tx, Lookup, person_id))[0],
        (await planting.written(tx, Conversation, person_id))[0],
        [(row, contents[row.content]) for row in mine],
    )


async def plant(tx: Tx, day: Day, who: list[tuple[int, str]], version: planting.Version, on: date) -> None:
    """A day like that one for everybody: all are asked, `_ANSWER` percent answer, `_LOOK_UP` percent search."""
    lesson_id, digest = version
    moment, lesson = at(on), {"lesson_id": lesson_id, "digest": digest}
    answering = [each for each in who if (each[0] * 37 + on.toordinal() * 11) % 100 < _ANSWER]
    asked = {"day": on, "opens_at": moment, "due_at": moment + timedelta(hours=8), "created_at": moment, **lesson}
    await planting.copies(tx, day.question, ({"person_id": key, **asked} for key, _ in who))
    ids = await assignments.ids_of_day(tx, lesson_id, on)
    await planting.copies(
        tx, day.pushed,
        ({"key": f"question:{ids[key]}", **_sent(key, name, moment, key // CALL)} for key, name in who),
    )  # fmt: skip
    heard = {"received_at": moment, "done_at": moment}
    await planting.copies(
        tx, day.inbox,
        ({"key": f"1000002:{name}:{_hash(on, name)[:19]}", "sender": name, "person_id": key, **heard}
         for key, name in answering),
    )  # fmt: skip
    tried = {"created_at": moment, **lesson}
    await planting.copies(
        tx, day.attempt, ({"assignment_id": ids[key], "person_id": key, **tried} for key, _ in answering)
    )
    card = {"lesson_id": lesson_id, "updated_at": moment}
    await planting.copies(tx, day.review, ({"person_id": key, **card} for key, _ in answering))
    for number, (row, content) in enumerate(day.answers):
        kinds = ({"digest": _hash(on, number, kind), "created_at": moment} for kind in range(_KINDS))
        await planting.copies(tx, content, kinds)
        await planting.copies(tx, row, _replies(answering, ids, on, number))
    looked = ({"person_id": key, "created_at": moment} for key, _ in who if key % 100 < _LOOK_UP)
    await planting.copies(tx, day.lookup, looked)


def _replies(who: list[tuple[int, str]], ids: dict[int, int], on: date, number: int) -> Iterable[dict[str, Any]]:
    for key, name in who:
        own = {"key": f"answer:{_LATER + ids[key]}:{number}", "content": _hash(on, number, key % _KINDS)}
        yield {**own, **_sent(key, name, at(on), (number, key))}


def _sent(person_id: int, name: str, moment: datetime, call: object) -> dict[str, Any]:
    """A delivery that went out in a call; ids as long as ours, the vendor's of 64 characters."""
    return {
        "person_id": person_id, "recipient": name, "status": deliveries.SENT, "parts": 1, "parts_sent": 1, "tries": 1,
        "owner": _hash("owner", call, moment), "batch": _hash("batch", call, moment), "due_at": moment,
        "sent_at": moment, "message_id": _hash("vendor", call, moment) * 4, "created_at": moment,
    }  # fmt: skip


def at(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), SHANGHAI) + timedelta(hours=9, minutes=7)


def _hash(*parts: object) -> str:
    """Sixteen characters as good as random, as digests and ids are."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
