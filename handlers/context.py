"""What every handler is given and what it gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from bot.config import Settings
from bot.core.calendar import WorkCalendar
from bot.core.messages import Message
from handlers.state import State
from lessons.catalogue import Catalogue
from lessons.model import AnyLesson, Lesson
from lessons.scoring.result import Score
from lessons.search import Hit
from storage import assignments
from storage.database import Tx
from storage.deliveries import Owed
from storage.models import Assignment, Person, Role


class Scorer(Protocol):
    """Who judges replies. `slow`: it may take seconds. `trial`: the score must not count. `label`: who judged.

    `corrected`: a score after appeals were upheld against what `granted` names.
    """

    @property
    def slow(self) -> bool: ...

    def score(self, lesson: Lesson, text: str) -> Score: ...

    async def prepare(self, lesson: Lesson, text: str) -> None: ...

    def trial(self, lesson: Lesson, score: Score) -> bool: ...

    def label(self, score: Score) -> str: ...

    def corrected(self, lesson: Lesson, text: str, score: Score, granted: frozenset[str]) -> Score: ...

    def score_many(self, pairs: Iterable[tuple[Lesson, str]]) -> list[Score]: ...


class Search(Protocol):
    def search(self, query: str, limit: int = 10) -> list[Hit]: ...


class Library(Protocol):
    """The content in force; replaced as a whole when files change."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def index(self) -> Search: ...


@dataclass(frozen=True)
class Desk:
    """What handlers work with, the same for everybody: content, scorer, calendar, settings."""

    library: Library
    scorer: Scorer
    calendar: WorkCalendar
    settings: Settings

    @property
    def catalogue(self) -> Catalogue:
        return self.library.catalogue


@dataclass(frozen=True)
class Talk:
    """One message of one person, with what is needed to answer it."""

    tx: Tx
    desk: Desk
    person: Person
    roles: frozenset[Role]
    state: State
    now: datetime
    _waiting: list[list[Assignment]] = field(default_factory=list, repr=False)  # once they were read

    async def waiting(self) -> list[Assignment]:
        """The unanswered questions they have been sent, the oldest first; asked of the database once a message."""
        if not self._waiting:
            self._waiting.append(await assignments.open_of(self.tx, self.person_id, self.now))
        return [row for row in self._waiting[0] if row.status == assignments.OPEN]

    @property
    def today(self) -> date:
        return self.desk.calendar.today(self.now)

    @property
    def person_id(self) -> int:
        assert self.person.id is not None
        return self.person.id


@dataclass(frozen=True)
class Reply:
    """What a handler answers: messages for this person, the new state, and messages owed to others.

    With `forget` the person's own words are not kept.
    """

    messages: tuple[Message, ...]
    state: State
    others: tuple[Owed, ...] = ()
    forget: bool = False


Run = Callable[[Talk, str], Awaitable[Reply]]


@dataclass(frozen=True)
class Command:
    """One word a person can type. 帮助 lists it under `group`; `takes` says what may follow: nothing, or words."""

    words: tuple[str, ...]  # the first is its name
    run: Run
    group: str
    about: str
    takes: str = ""
    role: Role = Role.LEARNER
    free: bool = field(default=False)  # the words may follow without a space
    also: frozenset[Role] = frozenset()  # further roles it is for

    @property
    def name(self) -> str:
        return self.words[0]


@dataclass(frozen=True)
class TickContext:
    """What a tick is given: the same desk, no person."""

    tx: Tx
    desk: Desk
    now: datetime

    @property
    def today(self) -> date:
        return self.desk.calendar.today(self.now)

    @property
    def week_begins(self) -> bool:
        """Whether today is the first working day of its week."""
        monday = self.today - timedelta(days=self.today.weekday())
        return self.desk.calendar.working_between(monday, self.today) == [self.today]


@dataclass(frozen=True)
class Tick:
    """Something that happens by the clock. `run` writes what is due and returns what is owed to whom."""

    name: str
    run: Callable[[TickContext], Awaitable[list[Owed]]]


def title_of(lesson: AnyLesson | None, lesson_id: str) -> str:
    """A lesson's title, or its id when the content no longer has it."""
    return lesson.title if lesson else lesson_id
