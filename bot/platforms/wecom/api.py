"""The calls of one app's API, each with a live access token; what they mean is the platform's business."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, PlatformError, Temporary
from bot.platforms.base import DEAF, Ear, Turn, at_once
from bot.platforms.http import JsonHttp, Reply
from bot.platforms.tokens import TokenCache, TokenStore
from bot.platforms.wecom import codes

MEDIA_SECONDS = 3 * 24 * 3600.0  # an uploaded file's life (WC90253)
_MEDIA_KEPT = 50


@dataclass(frozen=True)
class Account:
    """One self-built app: five values from its pages in the WeCom console, and where the API is."""

    corp_id: str
    agent_id: int
    secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    api: str = "https://qyapi.weixin.qq.com"


class Api:
    """Calls under /cgi-bin. The token goes into the query (WC90313: elsewhere it is 41001) and is shared."""

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock,
        tokens: TokenStore,
        timeout: float,
        calls_per_second: float,
        turn: Turn = at_once,
        ear: Ear = DEAF,
    ) -> None:
        self._account, self._clock, self._tokens, self._turn = account, clock, tokens, turn
        self._http = JsonHttp(
            account.api, timeout=timeout, calls_per_second=calls_per_second, ear=ear, code_of=_refusal
        )
        name = f"wecom:{account.corp_id}:{account.agent_id}"
        self._token = TokenCache(name, self._fetch_token, tokens, clock, ear.token)
        self._media: dict[str, TokenCache] = {}

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        for cache in [self._token, *self._media.values()]:
            await cache.stop()
        await self._http.stop()

    async def token(self) -> str:
        """A token that should work. Raises Permanent, Temporary or Misconfigured."""
        return await self._token.get()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The answer to a question, its errcode still to be looked at. Raises Temporary."""

        async def call(token: str) -> Reply:
            return await self._http.get(f"/cgi-bin/{path}", {"access_token": token, **(query or {})})

        return await self._with_token(call)

    async def post(
        self, path: str, body: Mapping[str, Any], *, changes: bool, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer to a call, its errcode still to be looked at. Raises Temporary, or Ambiguous if it `changes`."""

        async def call(token: str) -> Reply:
            return await self._http.post(
                f"/cgi-bin/{path}", {"access_token": token, **(query or {})}, body, changes=changes
            )

        return await self._with_token(call, Ambiguous if changes else Temporary)

    def media(self, png: bytes) -> TokenCache:
        """The shared media id of a picture. It is kept by content and shared by the replicas, because a repeated
        call is recognised only when its body, media id included, is identical."""
        digest = hashlib.sha256(png).hexdigest()[:16]
        if digest not in self._media:

            async def fetch() -> tuple[str, float]:
                return await self._upload(png), MEDIA_SECONDS

            while len(self._media) >= _MEDIA_KEPT:
                del self._media[next(iter(self._media))]
            name = f"wecom:{self._account.corp_id}:media:{digest}"
            self._media[digest] = TokenCache(name, fetch, self._tokens, self._clock)
        return self._media[digest]

    async def _upload(self, png: bytes) -> str:
        """POST media/upload (WC90253)."""

        async def call(token: str) -> Reply:
            form = aiohttp.MultipartWriter("form-data")
            part = form.append(io.BytesIO(png), {"Content-Type": "image/png"})
            part.set_content_disposition("form-data", name="media", filename="jiehua.png", filelength=str(len(png)))
            return await self._http.upload("/cgi-bin/media/upload", {"access_token": token, "type": "image"}, form)

        media_id = accepted(await self._with_token(call)).get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise Temporary("企业微信的答复里没有图片编号", "garbage")
        return media_id

    async def _with_token(
        self, call: Callable[[str], Awaitable[Reply]], unsure: type[PlatformError] = Temporary
    ) -> dict[str, Any]:
        """The answer to a call; a token that the vendor refuses is renewed once (WC91039)."""
        token = await self._token.get()
        data = _checked(await call(token), unsure)
        if data["errcode"] in codes.TOKEN_DEAD:
            renewed = await self._token.renew(token)
            await self._turn()
            data = _checked(await call(renewed), unsure)
        return data

    async def _fetch_token(self) -> tuple[str, float]:
        """GET gettoken (WC91039)."""
        query = {"corpid": self._account.corp_id, "corpsecret": self._account.secret}
        data = accepted(_checked(await self._http.get("/cgi-bin/gettoken", query)))
        token, lifetime = data.get("access_token"), data.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lifetime, int | float):
            raise Temporary("企业微信的答复里没有访问凭证", "garbage")
        return token, float(lifetime)


def _refusal(reply: Reply) -> str:
    """The errcode of an answer that is no yes; empty for a yes."""
    code = reply.data.get("errcode")
    if isinstance(code, bool) or not isinstance(code, int):
        return "garbage"
    return str(code) if code else ""


def _checked(reply: Reply, unsure: type[PlatformError] = Temporary) -> dict[str, Any]:
    """The answer with an errcode that is a number; without one nobody knows what happened."""
    code = reply.data.get("errcode")
    if isinstance(code, bool) or not isinstance(code, int):
        raise unsure(f"企业微信的答复里没有错误码（HTTP {reply.status}）", "garbage")
    return reply.data


def accepted(data: dict[str, Any]) -> dict[str, Any]:
    """The answer, if its errcode is 0. Raises Permanent or Temporary."""
    if data["errcode"] != 0:
        raise codes.error_for(data["errcode"], str(data.get("errmsg", "")))
    return data
