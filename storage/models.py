"""The tables, as rows; they validate nothing and are never input types."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored as UTC; SQLite keeps no zone, so it is put back when read. Naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Remembers what it made of the moments seen last: in a bulk insert they are the same for thousands of rows."""
        process: Any = super().bind_processor(dialect)
        return process and lru_cache(maxsize=1024)(process)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_Key: Any = BigInteger().with_variant(Integer(), "sqlite")  # there every integer has 64 bits


def key() -> Any:
    """The id of a table that grows every day: two thousand million rows are two years of a million people."""
    return Field(default=None, primary_key=True, sa_type=_Key)


def moment(*, nullable: bool = False, index: bool = False) -> Any:
    """A UTC moment column."""
    column: Any = Column(UtcDateTime(), nullable=nullable, index=index)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def json_column(default: type[Any] = dict) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


class Role(StrEnum):
    LEARNER = "learner"
    MANAGER = "manager"
    TRAINER = "trainer"
    COMPLIANCE = "compliance"
    OPERATOR = "operator"


class Department(SQLModel, table=True):
    """`path` is the ids from the root, `/1/4/`, so that a subtree is a prefix."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="department.id")
    path: str = Field(default="/", index=True)
    external_id: str | None = Field(default=None, unique=True)


class Person(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    staff_no: str | None = Field(default=None, unique=True)
    department_id: int = Field(foreign_key="department.id", index=True)
    learns: bool = True
    active: bool = True
    shift_start: time = time(9, 0)
    shift_end: time = time(18, 0)
    remind_at: time | None = None
    on_boards: bool = True
    tags: list[str] = json_column(list)
    joined_on: date | None = None
    unanswered: int = 0  # pushes in a row without an answer
    held: list[str] = json_column(list)  # what the people sheet decides: name, department, active
    created_at: datetime = moment()


class Identity(SQLModel, table=True):
    """How a platform calls a person. Several platforms may know one person; `preferred` gets the pushes."""

    __table_args__ = (UniqueConstraint("platform", "external_id"),)
    id: int | None = Field(default=None, primary_key=True)
    platform: str
    external_id: str
    person_id: int = Field(foreign_key="person.id", index=True)
    preferred: bool = True


class RoleGrant(SQLModel, table=True):
    """A role a person holds; a manager's holds for a department and everything below it."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    role: str
    department_id: int | None = Field(default=None, foreign_key="department.id", index=True)
    deputy: bool = False


class Absence(SQLModel, table=True):
    """Days on which nobody writes to a person. `kind`: leave (excluded from boards) · pause (asked for) ·
    rest (set by the bot after unanswered reminders). An open end lasts until 恢复."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    kind: str
    first_day: date
    last_day: date | None = None
    created_at: datetime = moment()


class LessonVersion(SQLModel, table=True):
    """A lesson's content as it was when somebody was asked; never changed."""

    digest: str = Field(primary_key=True, max_length=16)
    lesson_id: str = Field(index=True)
    content: str
    first_used_at: datetime = moment()


class Campaign(SQLModel, table=True):
    """A schedule of lessons for an audience. `spec` is the validated CampaignSpec; `next_at` is the truth of when."""

    id: str = Field(primary_key=True, max_length=64)
    title: str
    status: str = Field(index=True)  # draft · running · paused · ended
    spec: dict[str, Any] = json_column()
    created_by: int | None = Field(default=None, foreign_key="person.id")
    approved_by: int | None = Field(default=None, foreign_key="person.id")
    created_at: datetime = moment()
    approved_at: datetime | None = moment(nullable=True)
    next_at: datetime | None = moment(nullable=True, index=True)


class Firing(SQLModel, table=True):
    """One planned run of a schedule. The key holds local wall time without offset, so a daylight-saving fold or a
    second replica finds it taken."""

    key: str = Field(primary_key=True, max_length=128)
    outcome: str  # planned · skipped · done · failed
    people: int = 0
    detail: str = ""
    at: datetime = moment()


class Assignment(SQLModel, table=True):
    """One lesson put to one person on one day."""

    __table_args__ = (
        UniqueConstraint("person_id", "lesson_id", "day"),
        Index("ix_assignment_status_due_at", "status", "due_at"),
        Index("ix_assignment_day_person_id", "day", "person_id"),
    )
    id: int | None = key()
    person_id: int = Field(foreign_key="person.id", index=True)
    lesson_id: str
    digest: str = Field(max_length=16)
    campaign_id: str | None = Field(default=None, foreign_key="campaign.id", index=True)
    reason: str  # campaign · review · own
    day: date
    status: str  # waiting · open · answered · missed · withdrawn
    reminded: int = 0
    opens_at: datetime = moment()  # when it is sent; before that it cannot be answered by accident
    due_at: datetime = moment()
    created_at: datetime = moment()
    answered_at: datetime | None = moment(nullable=True)


class Attempt(SQLModel, table=True):
    """One reply with its score; `text` is masked. `number` 1 counts, later ones and copies are practice; a
    withdrawn one keeps its place but counts nowhere."""

    __table_args__ = (
        UniqueConstraint("assignment_id", "number"),
        Index("ix_attempt_created_at_person_id", "created_at", "person_id"),
        Index("ix_attempt_board", "person_id", "board_day", "withdrawn_at", "copied", "trial", "points"),
    )
    id: int | None = key()
    assignment_id: int = Field(foreign_key="assignment.id", sa_type=_Key)
    person_id: int = Field(foreign_key="person.id", index=True)
    lesson_id: str = Field(index=True)
    digest: str = Field(max_length=16)
    number: int
    text: str
    band: int
    points: int
    score: dict[str, Any] = json_column()
    scorer: str
    copied: bool = False
    trial: bool = False  # scored by a grader that has not passed its exam for this lesson: counts nowhere
    withdrawn_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    board_day: date | None = None  # the day of its question, if it is a campaign's and this the first try, in time


class Appeal(SQLModel, table=True):
    """One thing a score says that its learner disputes: a criterion, a red line or a flag, called `subject`.

    `score` with its band and points is how it stood before the decision and stays here; `others` are the answers of
    other people that said the same and were corrected with it.
    """

    __table_args__ = (
        UniqueConstraint("attempt_id", "subject"),
        Index("ix_appeal_digest_reply", "digest", "reply"),
        Index("ix_appeal_status_created_at", "status", "created_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="attempt.id", sa_type=_Key)
    person_id: int = Field(foreign_key="person.id", index=True)
    lesson_id: str
    digest: str = Field(max_length=16)
    reply: str = Field(max_length=16)  # equal for replies that say the same word by word
    subject: str
    reason: str  # masked
    status: str  # open · upheld · rejected · void (the answer was taken back)
    score: dict[str, Any] = json_column()
    band: int
    points: int
    new_band: int | None = None
    new_points: int | None = None
    others: list[dict[str, int]] = json_column(list)
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    ruling: str = ""  # why, for the learner
    created_at: datetime = moment()
    decided_at: datetime | None = moment(nullable=True)


class Exam(SQLModel, table=True):
    """How a grader did on a lesson's gold replies; only a grader that passed gives scores that count."""

    __table_args__ = (UniqueConstraint("grader", "digest"),)
    id: int | None = Field(default=None, primary_key=True)
    grader: str
    lesson_id: str = Field(index=True)
    digest: str = Field(max_length=16)
    asked: int
    agreed: int  # the very band
    passed: bool
    answers: list[dict[str, Any]] = json_column(list)
    at: datetime = moment()


class Judgement(SQLModel, table=True):
    """One call to the judge: what was asked of which model, what it said word for word, how long it took."""

    id: int | None = Field(default=None, primary_key=True)
    lesson_id: str
    digest: str = Field(max_length=16)
    reply: str = Field(index=True, max_length=16)  # the hash of the masked reply; the text itself is in the attempt
    model: str
    prompt: str = Field(max_length=16)
    outcome: str  # ok · timeout · unreachable · refused · malformed · skipped (the circuit was open)
    raw: str = ""
    milliseconds: int
    tokens_in: int = 0
    tokens_out: int = 0
    at: datetime = moment(index=True)


class DrillRun(SQLModel, table=True):
    """One drill of one person, from the first reply to the debrief. `said` is the talk as plain data, masked."""

    __table_args__ = (Index("ix_drillrun_person_id_status", "person_id", "status"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    drill_id: str = Field(index=True)
    digest: str = Field(max_length=16)
    situation: str = Field(max_length=16)  # the version of the situation it was played in
    status: str  # open · done
    said: list[dict[str, Any]] = json_column(list)
    band: int | None = None
    points: int | None = None
    started_at: datetime = moment()
    touched_at: datetime = moment()


class Review(SQLModel, table=True):
    """The ladder card of one person and lesson: which step, when it is due, when it retired."""

    __table_args__ = (
        UniqueConstraint("person_id", "lesson_id"),
        Index("ix_review_due_on_person_id", "due_on", "person_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    lesson_id: str
    step: int = 0
    passes: int = 0
    due_on: date | None = None  # None: retired
    updated_at: datetime = moment()


class Favourite(SQLModel, table=True):
    """A template a person keeps."""

    __table_args__ = (UniqueConstraint("person_id", "template_id"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    template_id: str
    created_at: datetime = moment()


class Lookup(SQLModel, table=True):
    """One template search: the masked words, how many hits, which was picked. Zero hits are the trainers' list."""

    id: int | None = key()
    person_id: int = Field(foreign_key="person.id", index=True)
    words: str
    hits: int = Field(index=True)
    picked: str | None = None
    created_at: datetime = moment(index=True)


class Conversation(SQLModel, table=True):
    """Where one person's talk stands; `state` is the handlers' ConversationState as data."""

    person_id: int = Field(primary_key=True, foreign_key="person.id")
    state: dict[str, Any] = json_column()
    updated_at: datetime = moment()


class Inbox(SQLModel, table=True):
    """Every message that came in, once, with the answer it got; `text` is masked."""

    __table_args__ = (
        UniqueConstraint("platform", "key"),
        Index("ix_inbox_status_received_at", "status", "received_at"),
        Index("ix_inbox_received_at", "received_at"),
    )
    id: int | None = key()
    platform: str
    key: str
    sender: str
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    kind: str
    text: str
    status: str  # new · done · failed
    tries: int = 0
    carried: str = "[]"  # the messages that went back in the response itself
    stamp: str = Field(default="", max_length=16)  # how it stands to the sender's working time: handlers/hours.py
    received_at: datetime = moment()
    done_at: datetime | None = moment(nullable=True)


class Delivery(SQLModel, table=True):
    """One message to one person: what is owed, and what became of it."""

    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_delivery_status_due_at", "status", "due_at"),
        Index("ix_delivery_person_id_created_at", "person_id", "created_at"),
        Index("ix_delivery_recipient_status", "recipient", "status"),
        Index("ix_delivery_recipient_sent_at", "recipient", "sent_at"),
        Index("ix_delivery_kind_status", "kind", "status"),
        Index("ix_delivery_batch", "batch"),
        Index("ix_delivery_sent_at", "sent_at"),
        Index("ix_delivery_content_created_at", "content", "created_at"),
    )
    id: int | None = key()
    key: str = Field(max_length=160)
    person_id: int | None = Field(default=None, foreign_key="person.id")
    platform: str
    recipient: str
    kind: str  # answer · challenge · reminder · board · notice · alarm · care · group
    content: str = Field(max_length=16)  # digest of the Content row
    status: str  # due · sending · sent · failed · unknown · cancelled
    parts: int = 0  # how many calls show it, known once it is taken up
    parts_sent: int = 0
    tries: int = 0
    owner: str | None = None
    batch: str | None = None  # who was sent to in one call; a repeat must go to the same people
    due_at: datetime = moment()
    queued_until: datetime | None = moment(nullable=True)  # until then a job is believed to work on it
    expires_at: datetime | None = moment(nullable=True)
    sent_at: datetime | None = moment(nullable=True)
    message_id: str = ""
    error: str = ""
    stamp: str = Field(default="", max_length=16)  # how its sending stands to working time: handlers/hours.py
    created_at: datetime = moment()


class Rate(SQLModel, table=True):
    """When the next call of something with a limit may be made, by all replicas together; seconds since 1970."""

    name: str = Field(primary_key=True)
    next_at: float


class Content(SQLModel, table=True):
    """A rendered-neutral message, stored once however many people get it."""

    digest: str = Field(primary_key=True, max_length=16)
    message: str
    created_at: datetime = moment(index=True)


class Picture(SQLModel, table=True):
    """A PNG that a message shows."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    png: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = moment()


class ChatLine(SQLModel, table=True):
    """What the local web chat shows: both directions, in order."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    mine: bool  # typed by the person
    message: str
    key: str = Field(sa_column=Column(String, unique=True, nullable=False))
    at: datetime = moment()


class Audit(SQLModel, table=True):
    """Who changed what, append-only; each row's hash covers the row before it."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment()
    actor_id: int | None = Field(default=None, foreign_key="person.id")
    actor: str
    action: str = Field(index=True)
    subject: str
    detail: dict[str, Any] = json_column()
    previous: str = ""
    hash: str = Field(default="", max_length=64)


class Token(SQLModel, table=True):
    """A platform's access token, shared by all replicas."""

    name: str = Field(primary_key=True)
    value: str
    expires_at: datetime = moment()


class LoginToken(SQLModel, table=True):
    """What lets a browser in: a link from the chat, the state of a vendor's login on its way, a session. Only the
    hash is kept; `detail` is where the browser wants to go."""

    __tablename__ = "login_token"
    hash: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=8)  # link · state · session
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    detail: str = ""
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)


class Setting(SQLModel, table=True):
    """Small facts the program must remember: the demo clock's offset, what was seeded."""

    name: str = Field(primary_key=True)
    value: str
