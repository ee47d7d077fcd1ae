"""The DingTalk robot as a platform: who gets a message which way, and what the vendor said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.clock import Clock
from bot.core.errors import Ambiguous, CallbackRefused, Permanent, Temporary
from bot.core.messages import Message
from bot.platforms.base import DEAF, Ear, Limits, Payload, Sent, Turn, at_once
from bot.platforms.dingtalk import cards, codes
from bot.platforms.dingtalk.account import Account
from bot.platforms.dingtalk.api import Api, refusal
from bot.platforms.dingtalk.callback import Session, Tap
from bot.platforms.dingtalk.contacts import Contacts
from bot.platforms.dingtalk.oauth import Oauth
from bot.platforms.dingtalk.old_api import OldApi
from bot.platforms.dingtalk.old_api import refusal as old_refusal
from bot.platforms.dingtalk.render import PART_BYTES, render
from bot.platforms.dingtalk.sessions import Sessions
from bot.platforms.dingtalk.sign import EventEnvelope, check
from bot.platforms.http import JsonHttp, canonical
from bot.platforms.tokens import TokenStore

BODY_LIMIT = 1024 * 1024
_SEND = "/v1.0/robot/oToMessages/batchSend"
_UNKNOWN = "组织里没有这个人，或机器人对他不可见"
_LATER = "钉钉对这个人限流，稍后再送"


class DingTalk:
    """The platform `dingtalk`; a recipient is a staff id (userid), spelt exactly as DingTalk spells it.

    A call for one person goes through the sessionWebhook of their last message while that is valid: it is an answer
    to them, and costs none of the month's API calls. Everything else goes through the robot API. The vendor knows no
    repeats, so a call without an answer that can be believed is Ambiguous.
    """

    name = "dingtalk"
    title = "钉钉"
    repeat_safe = False
    repeat_seconds: float = 0.0
    limits = Limits(part_bytes=PART_BYTES, recipients=20, calls_per_second=20.0)  # DT-A0714, A1433

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock,
        tokens: TokenStore,
        timeout: float = 10.0,
        turn: Turn = at_once,
        ear: Ear = DEAF,
    ) -> None:
        self.account, self._clock = account, clock
        rate = self.limits.calls_per_second
        self.http = JsonHttp(account.api, timeout=timeout, calls_per_second=rate, ear=ear, code_of=refusal)
        self._old_http = JsonHttp(account.old_api, timeout=timeout, ear=ear, code_of=old_refusal)
        self._api = Api(account, self.http, tokens, clock, turn, ear)
        old = OldApi(self._api, self._old_http)
        self.contacts, self.oauth = Contacts(old), Oauth(account, self.http, old)
        self._sessions = Sessions(account, self._old_http, tokens, clock)
        sealed = account.event_token and account.event_aes_key
        self._envelope = (
            EventEnvelope(account.event_token, account.event_aes_key, account.client_id) if sealed else None
        )

    async def start(self) -> None:
        await self.http.start()
        await self._old_http.start()

    async def stop(self) -> None:
        await self._api.stop()
        await self.http.stop()
        await self._old_http.stop()

    async def check(self) -> None:
        """Fetch a token: shows whether the account is right. Raises Permanent, Temporary or Misconfigured."""
        await self._api.check()

    # Sending

    def render(self, message: Message) -> list[Payload]:
        return render(message, card=bool(self.account.card_template), tap_links=self.account.tap_links)

    def fits_passive(self, message: Message) -> bool:
        return False  # Stream's acks carry no answer, and over HTTP an answer must be given before it is known

    async def send(self, recipients: Sequence[str], payload: Payload) -> Sent:
        """Raises Permanent, Temporary (Misconfigured with advice) or Ambiguous."""
        if len(recipients) > self.limits.recipients:
            raise ValueError(f"at most {self.limits.recipients} recipients a call")
        failed = {name: "成员账号不合规则" for name in recipients if not _is_userid(name)}
        wanted = sorted({name for name in recipients if name not in failed})
        if not wanted:
            return Sent(failed=failed)
        sent = await self._send(wanted, payload)
        return Sent(sent.message_id, failed | dict(sent.failed), sent.later)

    async def _send(self, wanted: list[str], payload: Payload) -> Sent:
        if payload["msgtype"] == "card":
            track = cards.track_id(str(payload.get("key", "")), wanted)
            body = cards.creation(self.account, payload["card"], track, wanted)
            return cards.delivered(await self._api.call(cards.CREATE, body, changes=True), track, wanted)
        content = {name: value for name, value in payload.items() if name != "key"}
        if len(wanted) == 1 and self.account.session_reply and await self._sessions.say(wanted[0], content):
            return Sent()
        try:
            return await self._batch(wanted, content)
        except Permanent as error:
            if len(wanted) == 1 or error.code.casefold() != codes.NOBODY:
                raise
            return await self._one_by_one(wanted, content)

    async def _batch(self, wanted: list[str], content: Payload) -> Sent:
        """POST oToMessages/batchSend (DT-A0714): a 200 may still name people who have not got it."""
        key, param = _sample(content)
        body = {"robotCode": self.account.robot, "userIds": wanted, "msgKey": key, "msgParam": param}
        data = await self._api.call(_SEND, body, changes=True)
        query = data.get("processQueryKey")
        if not isinstance(query, str) or not query:
            raise Ambiguous("钉钉的答复里没有 processQueryKey", "garbage")
        failed = dict.fromkeys(_named(data, "invalidStaffIdList", wanted), _UNKNOWN)
        later = [name for name in _named(data, "flowControlledStaffIdList", wanted) if name not in failed]
        return Sent(query, failed, dict.fromkeys(later, _LATER))

    async def _one_by_one(self, wanted: list[str], content: Payload) -> Sent:
        """The whole call was refused because of somebody whom the answer does not name: nobody has got it yet."""
        failed: dict[str, str] = {}
        later: dict[str, str] = {}
        for name in wanted:
            try:
                sent = await self._batch([name], content)
            except Permanent as error:
                failed[name] = str(error)
            except Temporary as error:
                later[name] = str(error)
            else:
                failed, later = failed | dict(sent.failed), later | dict(sent.later)
        return Sent(failed=failed, later=later)

    # Receiving

    async def remember(self, sender: str, session: Session) -> None:
        """Answers to this person may go this way until it expires."""
        if self.account.session_reply:
            await self._sessions.remember(sender, session)

    async def tell(self, session: Session, words: str) -> None:
        """Answer somebody who has no account here, where they wrote; best effort."""
        await self._sessions.tell(session, words)

    async def mark(self, tap: Tap) -> None:
        """Show on a card what somebody chose (DT-A0782). Raises like `send`."""
        body = cards.update(tap.card, tap.incoming.sender, tap.says)
        await self._api.call(cards.UPDATE, body, changes=False, method="PUT")

    def verified(self, headers: Mapping[str, str]) -> None:
        """Whether a robot message over HTTP is from DingTalk (DT-A0718). Raises CallbackRefused."""
        check(headers, self.account.client_secret, self._clock.now().timestamp())

    def event(self, query: Mapping[str, str], body: bytes) -> tuple[Mapping[str, Any], Payload]:
        """An encrypted event and the answer that accepts it (DT-E0232). Raises CallbackRefused."""
        if self._envelope is None:
            raise CallbackRefused("没有设置事件订阅的 Token 和 AES Key")
        now = self._clock.now().timestamp()
        opened = self._envelope.open(query, body, now)
        return opened, self._envelope.seal("success", str(int(now * 1000)))


def _sample(content: Payload) -> tuple[str, str]:
    """The robot API's spelling of a payload: a template's name and its parameters as a JSON text (DT-A0699)."""
    if content["msgtype"] == "text":
        return "sampleText", canonical(content["text"]).decode()
    return "sampleMarkdown", canonical(content["markdown"]).decode()


def _named(data: Mapping[str, Any], key: str, wanted: Sequence[str]) -> list[str]:
    """Those of `wanted` whom an accepted call names."""
    names = data.get(key)
    return [name for name in wanted if isinstance(names, list) and name in names]


def _is_userid(name: str) -> bool:
    """Whether a name addresses one person; ";" would join the spaces of a card."""
    return bool(name.strip()) and name.isprintable() and not set(name) & set(";, ")
