"""The sessionWebhook of each person's last message: remembered, shared by the replicas, used while it is valid.

An address is as good as a key to the conversation: it is never logged, and only DingTalk's own host is called.
Nothing here is documented for 1:1 chats (protocols.md E5, H6), so a refusal always leads back to the robot API.
"""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from yarl import URL

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, PlatformError, StorageBusy, Temporary
from bot.core.log import note
from bot.platforms.dingtalk.account import Account
from bot.platforms.dingtalk.callback import Session
from bot.platforms.http import JsonHttp
from bot.platforms.tokens import Entry, TokenStore

MARGIN = timedelta(seconds=60)  # before its expiry an address is not used any more
_FRESH = timedelta(minutes=45)  # half of the usual life: as long as one lives longer, the next is not written down
_KEPT = 5000
_PATH = "/robot/"

logger = logging.getLogger(__name__)


class Sessions:
    """Says something to one person through the address their last message came with."""

    def __init__(self, account: Account, http: JsonHttp, tokens: TokenStore, clock: Clock) -> None:
        self._prefix = f"dingtalk:{account.client_id}:session:"
        self._origin = URL(account.old_api).origin()
        self._http, self._tokens, self._clock = http, tokens, clock
        self._known: OrderedDict[str, Entry] = OrderedDict()
        self._written: dict[str, datetime] = {}  # until when the one that other replicas see is good

    async def remember(self, user: str, session: Session) -> None:
        """Keep a person's newest address; a busy database only means that other replicas do not learn of it."""
        if not self._is_ours(session.url):
            note(logger, "session.foreign", "一个 sessionWebhook 不在钉钉的地址上，没有用", logging.WARNING)
            return
        entry = session.url, _moment(session)
        self._keep(user, entry)
        written = self._written.get(user)
        if written is not None and written - self._clock.now() > _FRESH:
            return
        with contextlib.suppress(StorageBusy):
            before = await self._tokens.get(self._prefix + user)
            await self._tokens.put(self._prefix + user, *entry, instead_of=before[0] if before else "")
            self._written[user] = entry[1]

    async def say(self, user: str, payload: Mapping[str, Any]) -> bool:
        """Whether the person has got it; when not, it is certain that they have not. Raises Ambiguous."""
        entry = await self._valid(user)
        if entry is None:
            return False
        try:
            refused = await self._post(entry[0], payload)
        except Ambiguous:
            raise
        except PlatformError as error:  # not sent, or turned away before DingTalk
            refused = error.code
        if not refused:
            return True
        note(logger, "session.refused", "sessionWebhook 没有收下，改用机器人接口", code=refused)
        await self._forget(user, entry)
        return False

    async def tell(self, session: Session, words: str) -> None:
        """Answer a message whose sender has no account; best effort."""
        if not self._is_ours(session.url) or _moment(session) - MARGIN <= self._clock.now():
            return
        try:
            refused = await self._post(session.url, {"msgtype": "text", "text": {"content": words}})
        except PlatformError as error:
            refused = error.code
        if refused:
            note(logger, "session.refused", "sessionWebhook 没有收下", logging.WARNING, code=refused)

    async def _post(self, url: str, payload: Mapping[str, Any]) -> str:
        """The error code of one call; empty when the vendor took it. Raises Temporary or Ambiguous."""
        address = URL(url)
        reply = await self._http.post(address.path, dict(address.query), payload, changes=True)
        code = reply.data.get("errcode")
        if code == 0 and not isinstance(code, bool) and reply.status == 200:
            return ""
        if isinstance(code, int) and not isinstance(code, bool):
            return str(code)
        if reply.status >= 400:
            return f"http-{reply.status}"
        raise Ambiguous("钉钉的答复里没有错误码", "garbage")

    async def _valid(self, user: str) -> Entry | None:
        """The address to use now: this process's own, else the one a replica wrote down. Raises Temporary."""
        entry = self._known.get(user)
        if entry is None or entry[1] - MARGIN <= self._clock.now():
            try:
                entry = await self._tokens.get(self._prefix + user)
            except StorageBusy as error:
                raise Temporary(str(error), "storage") from error
        usable = entry is not None and entry[1] - MARGIN > self._clock.now() and self._is_ours(entry[0])
        return entry if usable else None

    async def _forget(self, user: str, entry: Entry) -> None:
        self._known.pop(user, None)
        self._written.pop(user, None)
        with contextlib.suppress(StorageBusy):
            await self._tokens.put(self._prefix + user, "", self._clock.now(), instead_of=entry[0])

    def _keep(self, user: str, entry: Entry) -> None:
        self._known[user] = entry
        self._known.move_to_end(user)
        while len(self._known) > _KEPT:
            self._written.pop(self._known.popitem(last=False)[0], None)

    def _is_ours(self, url: str) -> bool:
        try:
            address = URL(url)
            return address.is_absolute() and address.origin() == self._origin and address.path.startswith(_PATH)
        except ValueError:
            return False


def _moment(session: Session) -> datetime:
    """When an address expires; what no calendar knows has expired."""
    try:
        return datetime.fromtimestamp(session.expires_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)
