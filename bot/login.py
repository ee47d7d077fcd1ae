"""Who is in front of the browser: by a vendor's login or by a link from the chat, for eight hours; knows no HTML."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.core.clock import Clock
from bot.core.errors import JiehuaError, Permanent, PlatformError
from bot.core.log import note
from bot.platforms.base import Door
from storage import audit, logins, people
from storage.database import Database, Tx
from storage.models import Person, Role

log = logging.getLogger(__name__)

HOME = "/login"
STAFF = (Role.MANAGER, Role.TRAINER, Role.COMPLIANCE, Role.OPERATOR)
"""The roles that there is something to see for."""

_LONGEST_PATH = 512
_OVER = "这次登录没有完成或已经过期，请重新开始。"


class Refused(JiehuaError):
    """Nobody is let in; the text says why, for the person at the page."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in, with the roles that count here."""

    person_id: int
    name: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Entered:
    """A new session's secret, and where the browser wanted to go."""

    session: str
    path: str


@dataclass(frozen=True)
class Login:
    """`doors` are the vendors' logins by platform; `public_url` is where the vendors send browsers back to."""

    database: Database
    clock: Clock
    doors: Mapping[str, Door]
    public_url: str

    async def begin(self, platform: str, path: str, agent: str) -> tuple[str, str]:
        """The vendor's address to send the browser to, and the state it must bring back, here and in its cookie."""
        async with self.database.transaction() as tx:
            detail = f"{platform} {own_path(path)}"
            state = await logins.issue(tx, logins.STATE, self.clock.now(), detail=detail)
        return self.doors[platform].authorize(f"{self.public_url}/login/{platform}", state, agent), state

    async def finish(self, platform: str, code: str, state: str, cookie: str) -> Entered:
        """Let in whom the vendor's code names. The state works once and only in the browser that began.

        Raises Refused.
        """
        if not state or not hmac.compare_digest(state.encode(errors="replace"), cookie.encode(errors="replace")):
            raise Refused(_OVER)
        async with self.database.transaction() as tx:
            found = await logins.redeem(tx, logins.STATE, state, self.clock.now())
        began, _, path = (found.detail if found else "").partition(" ")
        if began != platform or not code:
            raise Refused(_OVER)
        user = await self._user_of(platform, code)
        async with self.database.transaction() as tx:
            person = await people.by_identity(tx, platform, user) if user else None
            if person is None:
                raise Refused("你的账号还不在接话教练里，请联系管理员把你加进来。")
            return Entered(await self._let_in(tx, person, platform), own_path(path))

    async def _user_of(self, platform: str, code: str) -> str | None:
        try:
            return await self.doors[platform].user_of(code)
        except PlatformError as error:
            note(log, "login.failed", "the vendor did not say who it is", logging.WARNING, code=error.code)
            raise Refused(_OVER if isinstance(error, Permanent) else "平台暂时没有答复，过一会儿再试。") from None

    async def enter(self, link: str) -> Entered:
        """Let in whom a link from the chat was given to, once. Raises Refused."""
        async with self.database.transaction() as tx:
            found = await logins.redeem(tx, logins.LINK, link, self.clock.now())
        async with self.database.transaction() as tx:  # another one: a refusal must not give the link back
            person = await people.get(tx, found.person_id) if found and found.person_id else None
            if person is None:
                raise Refused("这个链接用过了，或者已经过了 5 分钟。在聊天里再打一次“登录”。")
            return Entered(await self._let_in(tx, person, "link"), HOME)

    async def _let_in(self, tx: Tx, person: Person, way: str) -> str:
        if not person.active or not await _staff_roles(tx, person):
            raise Refused("网页是给主管、培训师、合规和运维用的，你的账号没有这些角色。练习和查话术都在聊天里。")
        now = self.clock.now()
        await audit.write(tx, now, person.name, "login", f"person:{person.id}", actor_id=person.id, way=way)
        return await logins.issue(tx, logins.SESSION, now, person_id=person.id)

    async def who(self, session: str) -> Visitor | None:
        """Who a session belongs to, with the roles they hold now."""
        if not session:
            return None
        async with self.database.reading() as tx:
            person = await logins.person_of(tx, session, self.clock.now())
            roles = await _staff_roles(tx, person) if person is not None else ()
        return Visitor(person.id or 0, person.name, roles) if person is not None and roles else None

    async def leave(self, session: str) -> None:
        async with self.database.transaction() as tx:
            await logins.end(tx, session)


async def _staff_roles(tx: Tx, person: Person) -> tuple[Role, ...]:
    held = await people.roles(tx, person.id or 0)
    return tuple(role for role in STAFF if role in held)


def own_path(text: str) -> str:
    """A path on our own pages; HOME for everything that might lead a browser elsewhere."""
    plain = all(33 <= ord(char) < 127 and char != "\\" for char in text)  # browsers drop tabs and turn \ into /
    if not plain or not text.startswith("/") or text.startswith("//") or len(text) > _LONGEST_PATH:
        return HOME
    try:
        parts = urlsplit(text)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else text
