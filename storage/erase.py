"""Forgetting one person: what they said, searched and are called is gone; their scores stay as numbers of nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import col, select

from storage.database import Tx
from storage.models import (
    Absence,
    Appeal,
    Attempt,
    ChatLine,
    Content,
    Conversation,
    Delivery,
    DrillRun,
    Favourite,
    Identity,
    Inbox,
    Judgement,
    LoginToken,
    Lookup,
    Person,
    RoleGrant,
    Token,
)
from storage.retention import unquoted

GONE = "已注销"
_OWN: tuple[Any, ...] = (
    Absence, ChatLine, Conversation, DrillRun, Favourite, Identity, LoginToken, Lookup, RoleGrant,
)  # fmt: skip
"""Tables whose rows of the person go as a whole."""


@dataclass(frozen=True)
class Erased:
    """How many of each there were."""

    replies: int
    messages: int


async def erase(tx: Tx, person: Person, reply_hash: Callable[[str], str]) -> Erased:
    """Forget a person for good; `reply_hash` is how the judge's rows name a reply. The audit log keeps who decided
    what, and whoever writes again is somebody new."""
    key = person.id or 0
    await _said(tx, key)
    replies = await _attempts(tx, key, reply_hash)
    await _sessions(tx, key)
    result = await _run(tx, update(Inbox).where(col(Inbox.person_id) == key).values(text="", carried="[]", sender=""))
    for table in _OWN:
        await _run(tx, delete(table).where(table.person_id == key))
    person.name, person.staff_no, person.tags, person.remind_at, person.joined_on = GONE, None, [], None, None
    person.active = person.learns = person.on_boards = False
    person.held = ["active", "department", "name"]
    await tx.flush()
    return Erased(replies, result)


async def _said(tx: Tx, key: int) -> None:
    """What was written to them, with their own words in it; what is still undecided is never sent."""
    other = select(Delivery.id).where(Delivery.content == Content.digest, col(Delivery.person_id).is_distinct_from(key))
    mine = select(Delivery.content).where(Delivery.person_id == key)
    await _run(tx, delete(Content).where(col(Content.digest).in_(mine), ~other.exists()))
    theirs = col(Delivery.person_id) == key
    waiting = col(Delivery.status).in_(["due", "unknown", "failed"])
    await _run(tx, update(Delivery).where(theirs, waiting).values(status="cancelled", error=GONE))
    await _run(tx, update(Delivery).where(theirs).values(recipient=""))


async def _attempts(tx: Tx, key: int, reply_hash: Callable[[str], str]) -> int:
    rows = (await tx.scalars(select(Attempt).where(Attempt.person_id == key))).all()
    hashes = {reply_hash(row.text) for row in rows if row.text}
    for row in rows:
        row.text, row.score = "", unquoted(row.score)
    for appeal in await tx.scalars(select(Appeal).where(Appeal.person_id == key)):
        appeal.reason, appeal.ruling, appeal.score = "", "", unquoted(appeal.score)
    for each in sorted(hashes):
        await _run(tx, update(Judgement).where(col(Judgement.reply) == each).values(raw=""))
    return len(rows)


async def _sessions(tx: Tx, key: int) -> None:
    """The addresses at which a platform lets us answer them."""
    accounts = (await tx.scalars(select(Identity.external_id).where(Identity.person_id == key))).all()
    for account in accounts:
        await _run(tx, delete(Token).where(col(Token.name).endswith(f":session:{account}", autoescape=True)))


async def _run(tx: Tx, query: Any) -> int:
    result = await tx.execute(query, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0))
