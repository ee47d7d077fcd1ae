"""The WeCom app as a platform: sending through the API, and the callback's two directions."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.core.clock import Clock
from bot.core.errors import CallbackRefused, Permanent, StorageBusy, Temporary
from bot.core.log import note
from bot.core.messages import Incoming, Message
from bot.platforms.base import DEAF, Alarm, ContactChange, Ear, Limits, Notice, Payload, PictureOf, Sent, Turn, at_once
from bot.platforms.tokens import TokenStore
from bot.platforms.wecom import codes, menu
from bot.platforms.wecom.api import Account, Api, accepted
from bot.platforms.wecom.callback import understood
from bot.platforms.wecom.cards import FACE_CHARACTERS, card_of, in_words, task_id
from bot.platforms.wecom.contacts import Contacts
from bot.platforms.wecom.oauth import Oauth
from bot.platforms.wecom.render import render
from bot.platforms.wecom.said import LENGTHS, LONGEST, Said
from bot.platforms.wecom.text import PART_BYTES, as_text, one_line
from bot.platforms.wecom.wire import Envelope, button_reply, text_reply

BODY_LIMIT = 1024 * 1024
_NO_CARDS = timedelta(hours=1)  # how long words serve after the vendor said that there is no callback address

_TIMESTAMP = re.compile(r"[0-9]{1,12}")

log = logging.getLogger(__name__)


class Wecom:
    """The platform `wecom`; a recipient is a userid, compared without case.

    A payload may carry a `key` of its sender's (a delivery's key). The vendor drops a request equal to one of the
    last hours (`enable_duplicate_check`); that makes a repeated call harmless and would also swallow the same words
    said twice on purpose, so calls with different keys are made to differ. Repeat a call with the same recipients,
    payload and key within `repeat_seconds`, or its outcome must be called unknown.
    """

    name = "wecom"
    title = "企业微信"
    repeat_safe = True
    repeat_seconds: float = LONGEST - LENGTHS
    # 10,000 calls a minute for one corp and API (WC90312), kept well below because 45033 has no published figure.
    limits = Limits(part_bytes=PART_BYTES, recipients=1000, calls_per_second=50.0)

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock,
        tokens: TokenStore,
        picture_of: PictureOf,
        alarm: Alarm | None = None,
        cards: bool = True,
        calls_per_second: float = limits.calls_per_second,
        timeout: float = 10.0,
        turn: Turn = at_once,
        ear: Ear = DEAF,
        callback_window: float = 300.0,  # seconds a callback's timestamp may be off; our choice, WeCom names none
    ) -> None:
        self._account, self._clock, self._picture_of, self._alarm = account, clock, picture_of, alarm
        self.limits = replace(self.limits, calls_per_second=calls_per_second)
        self._cards, self._words_until = cards, clock.now()
        self._window = callback_window
        self._api = Api(
            account,
            clock=clock,
            tokens=tokens,
            timeout=timeout,
            calls_per_second=calls_per_second,
            turn=turn,
            ear=ear,
        )
        self._said = Said(f"wecom:{account.corp_id}:{account.agent_id}:said", tokens, clock)
        self.contacts, self.oauth = Contacts(self._api, account.agent_id), Oauth(account, self._api)
        self._envelope = Envelope(account.token, account.aes_key, account.corp_id)

    async def start(self) -> None:
        await self._api.start()

    async def stop(self) -> None:
        await self._api.stop()

    async def check(self) -> None:
        """Fetch a token: shows whether the account is right. Raises Permanent, Temporary or Misconfigured."""
        await self._api.token()

    # Sending

    @property
    def cards(self) -> bool:
        """Whether buttons are cards now, and not words to type."""
        return self._cards and self._clock.now() >= self._words_until

    def render(self, message: Message) -> list[Payload]:
        return render(message, cards=self._cards)  # the same an hour later: a repeat must be identical

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        """POST message/send (WC90236). Raises Permanent, Temporary (Misconfigured with advice) or Ambiguous."""
        if len(recipients) > self.limits.recipients:
            raise ValueError(f"at most {self.limits.recipients} recipients a call")
        failed = {name: "成员账号不合规则" for name in recipients if not _is_userid(name)}
        wanted = sorted({name for name in recipients if name not in failed})
        if not wanted:
            return Sent(failed=failed)
        data = await self._send(self._body(wanted, payload), str(payload.get("key", "")))
        if data["errcode"] == codes.ALL_UNREACHABLE:
            return Sent(failed=failed | dict.fromkeys(wanted, "不在应用可见范围内，或没有这个成员"))
        return Sent(str(accepted(data).get("msgid", "")), failed | _unreached(wanted, data))

    def _body(self, wanted: list[str], payload: Payload) -> Payload:
        content, key = {name: value for name, value in payload.items() if name != "key"}, str(payload.get("key", ""))
        if "template_card" in content:
            card = content["template_card"]
            content["template_card"] = card | {"task_id": task_id(key, card)}
        return content | {
            "touser": "|".join(wanted),
            "agentid": self._account.agent_id,
            "enable_duplicate_check": 1,
        }

    async def _send(self, body: Payload, key: str) -> dict[str, Any]:
        match body["msgtype"]:
            case "image":
                return await self._send_picture(body, key)
            case "template_card":
                return await self._send_card(body, key)
            case _:
                return await self._post_message(body, key)

    async def _send_picture(self, body: Payload, key: str) -> dict[str, Any]:
        try:
            png = await self._picture_of(body["image"]["picture"])
        except StorageBusy as error:
            raise Temporary(str(error), "storage") from error
        if not png:
            raise Permanent("图片已经不在了", "picture")
        media = self._api.media(png)
        used = await media.get()
        data = await self._post_message(body | {"image": {"media_id": used}}, key)
        if data["errcode"] in codes.MEDIA_DEAD:
            data = await self._post_message(body | {"image": {"media_id": await media.renew(used)}}, key)
        return data

    async def _send_card(self, body: Payload, key: str) -> dict[str, Any]:
        """A card, or its buttons as words when the vendor takes no card: the answer must not end without a way on."""
        if self.cards:
            data = await self._post_message(body, "")  # its task_id tells it from every other
            code = data["errcode"]
            if code == codes.NO_CALLBACK:
                self._words_until = self._clock.now() + _NO_CARDS
                meaning = codes.CODES[code]
                await self._tell(str(code), f"{meaning.says}，卡片按钮先改成文字。请{meaning.advice}。")
            elif code in codes.CARD_REFUSED:
                note(log, "wecom.card", "a card was refused and is sent as words", logging.WARNING, code=code)
            else:
                return data
        words = {name: value for name, value in body.items() if name != "template_card"} | in_words(body)
        return await self._post_message(words, key)

    async def _post_message(self, body: Payload, key: str) -> dict[str, Any]:
        body = body | {"duplicate_check_interval": await self._said.interval(key, body)}
        return await self._api.post("message/send", body, changes=True)

    async def _tell(self, code: str, words: str) -> None:
        if self._alarm is not None:
            await self._alarm(Notice(self.name, code, words))

    async def recall(self, message_id: str) -> None:
        """Take a message back from everybody who got it, within 24 hours (WC94867). Raises Permanent or Temporary."""
        accepted(await self._api.post("message/recall", {"msgid": message_id}, changes=False))

    async def set_face(self, incoming: Incoming, words: str) -> None:
        """Give the card that was tapped one button that says `words` and does nothing, for who tapped it (WC94888).

        For when the response could not do it. The handle works once, for 72 hours. Raises Permanent, Temporary or
        Ambiguous.
        """
        body = {
            "userids": [incoming.sender],
            "agentid": self._account.agent_id,
            "response_code": incoming.handle,
            "button": {"replace_name": one_line(words, FACE_CHARACTERS)},
        }
        accepted(await self._api.post("message/update_template_card", body, changes=True))

    async def menu(self) -> dict[str, Any]:
        """The app's menu as it is now, empty when there is none (menu/get, WC90232). Raises Permanent or Temporary."""
        data = await self._api.get("menu/get", {"agentid": str(self._account.agent_id)})
        return {} if data["errcode"] == codes.NO_MENU else accepted(data)

    async def set_menu(self) -> None:
        """Give the app our menu in place of its own (menu/create, WC90231). Raises Permanent or Temporary."""
        query = {"agentid": str(self._account.agent_id)}
        accepted(await self._api.post("menu/create", menu.body(), changes=False, query=query))

    # Receiving

    def echo(self, query: Mapping[str, str]) -> str:
        """What to answer a URL verification with, exactly (WC90930). Raises CallbackRefused."""
        self._check_time(query)
        return self._envelope.echo(query)

    def incoming(self, query: Mapping[str, str], body: bytes) -> Incoming | Notice | ContactChange | None:
        """What a callback says; None for what concerns nobody. Raises CallbackRefused."""
        if len(body) > BODY_LIMIT:
            raise CallbackRefused("内容太大")
        self._check_time(query)
        elements = self._envelope.open(query, body)
        return understood(elements, self._account.corp_id, self._account.agent_id)

    def fits_passive(self, message: Message) -> bool:
        """Whether the callback's response can carry `message` whole (WC90241: text up to 2,048 bytes, no card)."""
        text = as_text(message)
        has_card = self.cards and (message.link is not None or card_of(message) is not None)
        return message.picture is None and not has_card and text.strip() != "" and len(text.encode()) <= PART_BYTES

    def passive(self, message: Message, incoming: Incoming) -> str | None:
        """The sealed response that answers `incoming` with `message`; None when it cannot carry it.

        For a tapped card a message of a title alone is the card's new face.
        """
        if not incoming.passive or not self.fits_passive(message):
            return None
        now, corp_id = int(self._clock.now().timestamp()), self._account.corp_id
        if incoming.card and not message.lines:
            face = one_line(message.title, FACE_CHARACTERS)
            return self._envelope.seal(button_reply(incoming.sender, corp_id, face, now), now)
        words = Message(message.lines, buttons=message.buttons) if incoming.card else message
        return self._envelope.seal(text_reply(incoming.sender, corp_id, as_text(words), now), now)

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
