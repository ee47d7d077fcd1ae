"""DingTalk's new API: the access token in its header, renewed once, and what an answer means (DT-A0033, A0012)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, PlatformError, Temporary
from bot.platforms.base import DEAF, Ear, Turn, at_once
from bot.platforms.dingtalk import codes
from bot.platforms.dingtalk.account import Account
from bot.platforms.http import JsonHttp, Reply
from bot.platforms.tokens import TokenCache, TokenStore

HEADER = "x-acs-dingtalk-access-token"


class Api:
    """Calls as one app; replicas share the token through the store."""

    def __init__(
        self,
        account: Account,
        http: JsonHttp,
        tokens: TokenStore,
        clock: Clock,
        turn: Turn = at_once,
        ear: Ear = DEAF,
    ) -> None:
        self._account, self._http, self._turn = account, http, turn
        self._token = TokenCache(f"dingtalk:{account.client_id}", self._fetch, tokens, clock, ear.token)

    async def stop(self) -> None:
        await self._token.stop()

    async def check(self) -> None:
        """Fetch a token: shows whether the account is right. Raises Permanent, Temporary or Misconfigured."""
        await self._token.get()

    async def token(self, instead_of: str = "") -> str:
        """A token that should work, other than one the vendor refused. Raises Permanent, Temporary or Misconfigured."""
        return await (self._token.renew(instead_of) if instead_of else self._token.get())

    async def call(
        self, path: str, body: Mapping[str, Any], *, changes: bool, method: str = "POST"
    ) -> Mapping[str, Any]:
        """The answer to a call that the vendor accepted. Raises Permanent, Temporary (Misconfigured) or Ambiguous."""
        unsure = Ambiguous if changes else Temporary
        token = await self._token.get()
        reply = await self._send(method, path, body, token, changes)
        if codes.code_of(reply.data).casefold() in codes.TOKEN_DEAD:
            renewed = await self._token.renew(token)
            await self._turn()
            reply = await self._send(method, path, body, renewed, changes)
        return accepted(reply, unsure)

    async def _send(self, method: str, path: str, body: Mapping[str, Any], token: str, changes: bool) -> Reply:
        return await self._http.post(path, {}, body, changes=changes, headers={HEADER: token}, method=method)

    async def _fetch(self) -> tuple[str, float]:
        """POST oauth2/accessToken; inside its life the vendor repeats the same token and extends it (DT-A0033)."""
        body = {"appKey": self._account.client_id, "appSecret": self._account.client_secret}
        data = accepted(await self._http.post("/v1.0/oauth2/accessToken", {}, body, changes=False), Temporary)
        token, lifetime = data.get("accessToken"), data.get("expireIn")
        if not isinstance(token, str) or not token or isinstance(lifetime, bool) or not isinstance(lifetime, int):
            raise Temporary("钉钉的答复里没有访问凭证", "garbage")
        return token, float(lifetime)


def refusal(reply: Reply) -> str:
    """The code of an answer that is no yes; empty for a yes."""
    code = codes.code_of(reply.data) or ("punished" if reply.data.get("punish") else "")
    return code or ("" if 200 <= reply.status < 300 else f"http-{reply.status}")


def accepted(reply: Reply, unsure: type[PlatformError]) -> Mapping[str, Any]:
    """The answer, when its status is 2xx and it carries no error code: one may stand inside a 200."""
    if not 200 <= reply.status < 300 or codes.code_of(reply.data) or reply.data.get("punish"):
        raise codes.error_for(reply.status, reply.data, unsure)
    return reply.data
