"""What is not kept for ever: texts are blanked, old rows deleted, a few hundred at a time; numbers stay for the boards.

Ids grow with time, so old rows stand first: a step looks at the next few by id and stops at the first that is young.
Where rows stay, a mark remembers how far the nights before have come.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import SQLModel, col, select

from storage import settings
from storage.database import Database, Tx
from storage.models import (
    Appeal,
    Attempt,
    ChatLine,
    Content,
    Conversation,
    Delivery,
    DrillRun,
    Inbox,
    Judgement,
    LoginToken,
    Lookup,
    Picture,
    Token,
)

_SPENT = timedelta(days=30)  # an expired token may still say when it last worked


@dataclass(frozen=True)
class Cutoffs:
    """Texts before `texts` are blanked, rows before `rows` deleted, what expired is judged at `now`."""

    texts: datetime
    rows: datetime
    now: datetime


Step = Callable[[Database, Cutoffs, int], Awaitable[int]]
"""Clean up at most so many rows in a short transaction of its own; returns how many there were, 0 when done."""


def _blanking(table: Any, moment: Any, blank: Callable[[Tx, Sequence[int]], Awaitable[None]]) -> Step:
    """Take the texts out of old rows, each once."""
    mark = f"retention:{table.__tablename__}"

    async def step(database: Database, cutoffs: Cutoffs, limit: int) -> int:
        async with database.reading() as tx:
            after = int(await settings.get(tx, mark) or 0)
            ids = await _next(tx, table, moment, after, cutoffs.texts, limit)
        if ids:
            async with database.transaction() as tx:
                await blank(tx, ids)
                await settings.put(tx, mark, str(ids[-1]))
        return len(ids)

    return step


def _deleting(table: Any, moment: Any, cutoff: Callable[[Cutoffs], datetime]) -> Step:
    """Delete old rows."""

    async def step(database: Database, cutoffs: Cutoffs, limit: int) -> int:
        async with database.reading() as tx:
            ids = await _next(tx, table, moment, 0, cutoff(cutoffs), limit)
        return await _delete(database, table, table.id, ids)

    return step


def _expiring(table: Any, key: Any, moment: Any, cutoff: Callable[[Cutoffs], datetime]) -> Step:
    """Delete rows by a moment, whatever their order."""

    async def step(database: Database, cutoffs: Cutoffs, limit: int) -> int:
        async with database.reading() as tx:
            keys = (await tx.scalars(select(key).where(col(moment) < cutoff(cutoffs)).limit(limit))).all()
        return await _delete(database, table, key, keys)

    return step


async def _unused_contents(database: Database, cutoffs: Cutoffs, limit: int) -> int:
    """Delete contents that no delivery of the kept time shows; what is owed again later is stored again."""
    used = select(Delivery.id).where(Delivery.content == Content.digest, col(Delivery.created_at) >= cutoffs.texts)
    old = col(Content.created_at) < cutoffs.texts, ~used.exists()
    async with database.reading() as tx:
        digests = (await tx.scalars(select(Content.digest).where(*old).limit(limit))).all()
    return await _delete(database, Content, Content.digest, digests, *old)


async def _next(tx: Tx, table: Any, moment: Any, after: int, before: datetime, limit: int) -> list[int]:
    """The next ids beyond `after`, up to the first row that is not older than `before`."""
    query = select(table.id, moment).where(table.id > after).order_by(table.id).limit(limit)
    rows: list[Any] = list(await tx.execute(query))
    young = next((index for index, (_, at) in enumerate(rows) if at >= before), len(rows))
    return [key for key, _ in rows[:young]]


async def _delete(database: Database, table: type[SQLModel], key: Any, keys: Sequence[Any], *further: Any) -> int:
    if keys:
        async with database.transaction() as tx:
            await tx.execute(delete(table).where(col(key).in_(keys), *further))
    return len(keys)


# --- what is blanked


async def _attempts(tx: Tx, ids: Sequence[int]) -> None:
    """The reply and what the score quotes of it; band, points and verdicts stay."""
    for row in await tx.scalars(select(Attempt).where(col(Attempt.id).in_(ids))):
        row.text, row.score = "", unquoted(row.score)


async def _appeals(tx: Tx, ids: Sequence[int]) -> None:
    """Why they appealed, what they heard, and the quotes of the score before it; the decision stays."""
    for row in await tx.scalars(select(Appeal).where(col(Appeal.id).in_(ids))):
        row.reason, row.ruling, row.score = "", "", unquoted(row.score)


def unquoted(score: dict[str, Any]) -> dict[str, Any]:
    """A stored score without the learner's words."""
    criteria = {name: {**verdict, "quote": None} for name, verdict in score.get("criteria", {}).items()}
    breaches = [{**breach, "quote": ""} for breach in score.get("red_lines", [])]
    kept = {"criteria": criteria, "red_lines": breaches}
    return {**score, **{name: value for name, value in kept.items() if name in score}}


def _setting(table: Any, **values: Any) -> Callable[[Tx, Sequence[int]], Awaitable[None]]:
    async def blank(tx: Tx, ids: Sequence[int]) -> None:
        query = update(table).where(table.id.in_(ids)).values(**values)
        await tx.execute(query, execution_options={"synchronize_session": False})

    return blank


STEPS: dict[str, Step] = {
    "attempt texts": _blanking(Attempt, Attempt.created_at, _attempts),
    "appeals": _blanking(Appeal, Appeal.created_at, _appeals),
    "inbox texts": _blanking(Inbox, Inbox.received_at, _setting(Inbox, text="", carried="[]")),
    "lookup words": _blanking(Lookup, Lookup.created_at, _setting(Lookup, words="")),
    "drill talks": _blanking(DrillRun, DrillRun.touched_at, _setting(DrillRun, said=[], status="done")),
    "judge answers": _blanking(Judgement, Judgement.at, _setting(Judgement, raw="")),
    "chat lines": _deleting(ChatLine, ChatLine.at, lambda cutoffs: cutoffs.texts),
    "pictures": _deleting(Picture, Picture.created_at, lambda cutoffs: cutoffs.texts),
    "conversations": _expiring(
        Conversation, Conversation.person_id, Conversation.updated_at, lambda cutoffs: cutoffs.texts
    ),
    "contents": _unused_contents,
    "deliveries": _deleting(Delivery, Delivery.created_at, lambda cutoffs: cutoffs.rows),
    "inbox": _deleting(Inbox, Inbox.received_at, lambda cutoffs: cutoffs.rows),
    "lookups": _deleting(Lookup, Lookup.created_at, lambda cutoffs: cutoffs.rows),
    "logins": _expiring(LoginToken, LoginToken.hash, LoginToken.expires_at, lambda cutoffs: cutoffs.now),
    "tokens": _expiring(Token, Token.name, Token.expires_at, lambda cutoffs: cutoffs.now - _SPENT),
}
"""Everything that is cleaned up, in this order."""
