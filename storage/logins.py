"""What lets a browser in: links that work once, vendors' logins on their way, sessions; hashed, each with an end."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Tx
from storage.models import LoginToken, Person

LINK, STATE, SESSION = "link", "state", "session"
LIFE = {LINK: timedelta(minutes=5), STATE: timedelta(minutes=10), SESSION: timedelta(hours=8)}


@dataclass(frozen=True)
class Redeemed:
    """What a secret stood for: whose it was (nobody's yet for a state), and where the browser wants to go."""

    person_id: int | None
    detail: str


async def issue(tx: Tx, kind: str, now: datetime, *, person_id: int | None = None, detail: str = "") -> str:
    """A new secret of this kind: 64 letters and digits. What has run out is swept away on the way; a person's earlier
    links stop working."""
    await tx.execute(delete(LoginToken).where(col(LoginToken.expires_at) <= now))
    if kind == LINK:
        await tx.execute(delete(LoginToken).where(col(LoginToken.kind) == LINK, col(LoginToken.person_id) == person_id))
    secret = secrets.token_hex(32)
    tx.add(
        LoginToken(
            hash=_hash(kind, secret),
            kind=kind,
            person_id=person_id,
            detail=detail,
            created_at=now,
            expires_at=now + LIFE[kind],
        )
    )
    await tx.flush()
    return secret


async def redeem(tx: Tx, kind: str, secret: str, now: datetime) -> Redeemed | None:
    """Use a secret up; None when there is none, or somebody was faster, or it has run out."""
    query = (
        delete(LoginToken)
        .where(col(LoginToken.hash) == _hash(kind, secret), col(LoginToken.kind) == kind)
        .returning(col(LoginToken.person_id), col(LoginToken.detail), col(LoginToken.expires_at))
    )
    row = (await tx.execute(query, execution_options={"synchronize_session": False})).first()
    return Redeemed(row[0], row[1]) if row is not None and row[2] > now else None


async def person_of(tx: Tx, secret: str, now: datetime) -> Person | None:
    """Whose session this is, while it lasts and they are active."""
    query = (
        select(Person)
        .join(LoginToken, col(LoginToken.person_id) == col(Person.id))
        .where(
            LoginToken.hash == _hash(SESSION, secret),
            LoginToken.kind == SESSION,
            col(LoginToken.expires_at) > now,
            col(Person.active),
        )
    )
    return (await tx.scalars(query)).first()


async def end(tx: Tx, secret: str) -> None:
    """End a session."""
    await tx.execute(delete(LoginToken).where(col(LoginToken.hash) == _hash(SESSION, secret)))


async def end_all(tx: Tx, person_id: int) -> None:
    """End every session and link of a person."""
    await tx.execute(delete(LoginToken).where(col(LoginToken.person_id) == person_id))


def _hash(kind: str, secret: str) -> str:
    """The secrets are long and random, so a plain hash cannot be turned back."""
    return hashlib.sha256(f"{kind}:{secret}".encode(errors="replace")).hexdigest()
