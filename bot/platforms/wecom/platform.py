"""The WeCom app as a platform: sending through the API, and the callback's two directions."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, CallbackRefused, Permanent, PlatformError, StorageBusy, Temporary
from bot.core.messages import Incoming, Message
from bot.platforms.base import Limits, Payload, PictureOf, Sent
from bot.platforms.http import JsonHttp, Reply, TokenCache, TokenStore
from bot.platforms.wecom import codes
from bot.platforms.wecom.callback import to_incoming
from bot.platforms.wecom.render import PART_BYTES, as_text, render
from bot.platforms.wecom.wire import Envelope, text_reply

BODY_LIMIT = 1024 * 1024
DUPLICATE_INTERVAL = 14_400  # seconds, the longest allowed (WC90236)
MEDIA_SECONDS = 3 * 24 * 3600.0  # an uploaded file's life (WC90253)
_KEYS = 3600  # how many seconds of the duplicate interval tell equal messages apart
_MEDIA_KEPT = 50

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Account:
    """One self-built app: five values from its pages in the WeCom console, and where the API is."""

    corp_id: str
    agent_id: int
    secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    api: str = "https://qyapi.weixin.qq.com"


class Wecom:
    """The platform `wecom`; a recipient is a userid, compared without case.

    A payload may carry a `key` of its sender's (a delivery's key). The vendor drops a request equal to one of the
    last hours (`enable_duplicate_check`); that makes a repeated call harmless and would also swallow the same words
    said twice on purpose, so calls with different keys are made to differ. Repeat a call with the same recipients,
    payload and key within `repeat_seconds`, or its outcome must be called unknown.
    """

    name = "wecom"
    repeat_safe = True
    repeat_seconds: float = DUPLICATE_INTERVAL - _KEYS
    # 10,000 calls a minute for one corp and API (WC90312), kept well below because 45033 has no published figure.
    limits = Limits(part_bytes=PART_BYTES, recipients=1000, calls_per_second=50.0)

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock,
        tokens: TokenStore,
        picture_of: PictureOf,
        timeout: float = 10.0,
        callback_window: float = 300.0,  # seconds a callback's timestamp may be off; our choice, WeCom names none
    ) -> None:
        self._account, self._clock, self._tokens, self._picture_of = account, clock, tokens, picture_of
        self._window = callback_window
        self._http = JsonHttp(account.api, timeout=timeout)
        self._envelope = Envelope(account.token, account.aes_key, account.corp_id)
        self._token = TokenCache(f"wecom:{account.corp_id}:{account.agent_id}", self._fetch_token, tokens, clock)
        self._media: dict[str, TokenCache] = {}

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        for cache in [self._token, *self._media.values()]:
            await cache.stop()
        await self._http.stop()

    async def check(self) -> None:
        """Fetch a token: shows whether the account is right. Raises Permanent, Temporary or Misconfigured."""
        await self._token.get()

    # Sending

    def render(self, message: Message) -> list[Payload]:
        return render(message)

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        """POST message/send (WC90236). Raises Permanent, Temporary (Misconfigured with advice) or Ambiguous."""
        if len(recipients) > self.limits.recipients:
            raise ValueError(f"at most {self.limits.recipients} recipients a call")
        failed = {name: "成员账号不合规则" for name in recipients if not _is_userid(name)}
        wanted = sorted({name for name in recipients if name not in failed})
        if not wanted:
            return Sent(failed=failed)
        data = await self._send(self._body(wanted, payload))
        if data["errcode"] == codes.ALL_UNREACHABLE:
            return Sent(failed=failed | dict.fromkeys(wanted, "不在应用可见范围内，或没有这个成员"))
        return Sent(str(data.get("msgid", "")), failed | _unreached(wanted, data))

    def _body(self, wanted: list[str], payload: Payload) -> Payload:
        content = {name: value for name, value in payload.items() if name != "key"}
        return content | {
            "touser": "|".join(wanted),
            "agentid": self._account.agent_id,
            "enable_duplicate_check": 1,
            "duplicate_check_interval": DUPLICATE_INTERVAL - zlib.crc32(str(payload.get("key", "")).encode()) % _KEYS,
        }

    async def _send(self, body: Payload) -> dict[str, Any]:
        picture = body["image"].get("picture") if body["msgtype"] == "image" else None
        cache = None if picture is None else await self._uploaded(picture)
        used = ""
        if cache is not None:
            used = await cache.get()
            body = body | {"image": {"media_id": used}}
        data = await self._post_message(body)
        if cache is not None and data["errcode"] in codes.MEDIA_DEAD:
            data = await self._post_message(body | {"image": {"media_id": await cache.renew(used)}})
        return data if data["errcode"] == codes.ALL_UNREACHABLE else _accepted(data)

    async def _post_message(self, body: Payload) -> dict[str, Any]:
        async def post(token: str) -> Reply:
            return await self._http.post("/cgi-bin/message/send", {"access_token": token}, body, changes=True)

        return await self._with_token(post, Ambiguous)

    async def _with_token(
        self, call: Callable[[str], Awaitable[Reply]], unsure: type[PlatformError] = Temporary
    ) -> dict[str, Any]:
        """The answer to a call; a token that the vendor refuses is renewed once (WC91039)."""
        token = await self._token.get()
        data = _checked(await call(token), unsure)
        if data["errcode"] in codes.TOKEN_DEAD:
            data = _checked(await call(await self._token.renew(token)), unsure)
        return data

    async def _fetch_token(self) -> tuple[str, float]:
        """GET gettoken (WC91039)."""
        query = {"corpid": self._account.corp_id, "corpsecret": self._account.secret}
        data = _accepted(_checked(await self._http.get("/cgi-bin/gettoken", query)))
        token, lifetime = data.get("access_token"), data.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(lifetime, int | float):
            raise Temporary("企业微信的答复里没有访问凭证", "garbage")
        return token, float(lifetime)

    # Pictures

    async def _uploaded(self, picture: int) -> TokenCache:
        """The shared media id of a picture. It is kept by content and shared by the replicas, because a repeated
        call is recognised only when its body, media id included, is identical."""
        try:
            png = await self._picture_of(picture)
        except StorageBusy as error:
            raise Temporary(str(error), "storage") from error
        if not png:
            raise Permanent("图片已经不在了", "picture")
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

        async def post(token: str) -> Reply:
            form = aiohttp.MultipartWriter("form-data")
            part = form.append(io.BytesIO(png), {"Content-Type": "image/png"})
            part.set_content_disposition("form-data", name="media", filename="jiehua.png", filelength=str(len(png)))
            return await self._http.upload("/cgi-bin/media/upload", {"access_token": token, "type": "image"}, form)

        media_id = _accepted(await self._with_token(post)).get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise Temporary("企业微信的答复里没有图片编号", "garbage")
        return media_id

    # Receiving

    def echo(self, query: Mapping[str, str]) -> str:
        """What to answer a URL verification with, exactly (WC90930). Raises CallbackRefused."""
        self._check_time(query)
        return self._envelope.echo(query)

    def incoming(self, query: Mapping[str, str], body: bytes) -> Incoming | None:
        """The message in a callback; None for an event that does not concern the chat. Raises CallbackRefused."""
        if len(body) > BODY_LIMIT:
            raise CallbackRefused("内容太大")
        self._check_time(query)
        elements = self._envelope.open(query, body)
        return to_incoming(elements, self._account.corp_id, self._account.agent_id)

    def fits_passive(self, message: Message) -> bool:
        """Whether the callback's response can carry `message` whole (WC90241: text up to 2,048 bytes)."""
        text = as_text(message)
        return message.picture is None and text.strip() != "" and len(text.encode()) <= PART_BYTES

    def passive(self, message: Message, incoming: Incoming) -> str | None:
        """The sealed response that answers `incoming` with `message`; None when it cannot carry it."""
        if not incoming.passive or not self.fits_passive(message):
            return None
        now = int(self._clock.now().timestamp())
        return self._envelope.seal(text_reply(incoming.sender, self._account.corp_id, as_text(message), now), now)

    def _check_time(self, query: Mapping[str, str]) -> None:
        """A replay inside the window is harmless: its message is known already."""
        timestamp = query.get("timestamp", "")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise CallbackRefused("缺少参数")
        if abs(self._clock.now().timestamp() - int(timestamp)) > self._window:
            raise CallbackRefused("时间不对，请核对服务器时钟")


def _is_userid(name: str) -> bool:
    """Whether a name addresses one person: "@all" or "a|b" would reach others."""
    return bool(name.strip()) and "|" not in name and name.casefold() != "@all"


def _unreached(wanted: Sequence[str], data: Mapping[str, Any]) -> dict[str, str]:
    """Recipients the vendor names in an accepted call, as we spelt them; it spells them in lower case."""
    spelt = {name.casefold(): name for name in wanted}
    failed: dict[str, str] = {}
    for key, why in (("invaliduser", "不在应用可见范围内，或没有这个成员"), ("unlicenseduser", "没有接口许可")):
        for name in str(data.get(key) or "").split("|"):
            if name.casefold() in spelt:
                failed[spelt[name.casefold()]] = why
    return failed


def _checked(reply: Reply, unsure: type[PlatformError] = Temporary) -> dict[str, Any]:
    """The answer with an errcode that is a number; without one nobody knows what happened."""
    code = reply.data.get("errcode")
    if isinstance(code, bool) or not isinstance(code, int):
        raise unsure(f"企业微信的答复里没有错误码（HTTP {reply.status}）", "garbage")
    return reply.data


def _accepted(data: dict[str, Any]) -> dict[str, Any]:
    """The answer, if its errcode is 0. Raises Permanent or Temporary."""
    if data["errcode"] != 0:
        raise codes.error_for(data["errcode"], str(data.get("errmsg", "")))
    return data
