"""The fake itself: its API on port 0 and the words tests use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

from aiohttp import web
from yarl import URL

from bot.core.clock import Clock, ManualClock
from tests.fakes.handed import handed
from tests.fakes.onlooker import Onlooker
from tests.fakes.sealer import random_aes_key
from tests.fakes.wecom.api import VendorApi
from tests.fakes.wecom.callbacks import Callbacks, Pushed, selected_items
from tests.fakes.wecom.cards import Dealt
from tests.fakes.wecom.vendor import Request, Shown, Vendor


class FakeWecom(Onlooker[Shown, Request]):
    """One corp with one self-built app. `vendor` and `callbacks` hold the knobs.

    Give the bot and the fake the same clock; `advance` moves it.
    """

    def __init__(
        self,
        members: Iterable[str] = ("Alice", "bob"),
        *,
        bot_url: str = "",
        clock: Clock | None = None,
        corp_id: str = "ww1234567890abcdef",
        agent_id: int = 1000002,
        trusted_ips: Iterable[str] | None = None,
    ) -> None:
        self.clock: Clock = clock or ManualClock(datetime.now(UTC))
        self.secret, self.token = handed("secret", "fake-secret-0f1e2d3c4b5a"), handed("secret", "FakeCallbackToken")
        self.aes_key = handed("key", random_aes_key())
        self.vendor = Vendor(self.clock, corp_id, agent_id, self.secret, list(members))
        self.callbacks = Callbacks(self.vendor, self.token, self.aes_key)
        self.api = VendorApi(self.vendor, None if trusted_ips is None else set(trusted_ips))
        self.faults, self.calls = self.api.faults, self.api.requests
        self.api_url = ""
        self._read: dict[str, int] = {}
        self._runner: web.AppRunner | None = None
        self.bot_url = bot_url

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.api.app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.api_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def trusted_ips(self) -> set[str] | None:
        """企业可信IP; None trusts every address."""
        return self.api.trusted_ips

    @trusted_ips.setter
    def trusted_ips(self, value: set[str] | None) -> None:
        self.api.trusted_ips = value

    # What the bot is told

    @property
    def bot_url(self) -> str:
        """Where callbacks go; a bare host gets /callback/wecom."""
        return self.callbacks.url

    @bot_url.setter
    def bot_url(self, value: str) -> None:
        self.callbacks.url = f"{value.rstrip('/')}/callback/wecom" if value and URL(value).path in ("", "/") else value

    def environment(self) -> dict[str, str]:
        """The bot's settings for this fake."""
        return {
            "JIEHUA_WECOM_CORP_ID": self.vendor.corp_id,
            "JIEHUA_WECOM_AGENT_ID": str(self.vendor.agent_id),
            "JIEHUA_WECOM_SECRET": self.secret,
            "JIEHUA_WECOM_TOKEN": self.token,
            "JIEHUA_WECOM_AES_KEY": self.aes_key,
            "JIEHUA_WECOM_API": self.api_url,
        }

    # What people do

    async def push_text(self, user: str, text: str, *, msg_id: int | None = None, lost: int = 0) -> Pushed:
        """`user` types something. The first `lost` answers get lost, so that the vendor sends it again."""
        return await self._deliver(self.callbacks.message(self._who(user), "text", msg_id, Content=text), lost)

    async def push_media(self, user: str, kind: str = "image") -> Pushed:
        """`user` sends a picture, a voice message, …"""
        return await self._deliver(self.callbacks.message(self._who(user), kind, None, MediaId="m", PicUrl="http://x"))

    async def push_event(self, user: str, event: str, *, lost: int = 0, **elements: str | int) -> Pushed:
        """Any event, with the elements of WC90240."""
        return await self._deliver(self.callbacks.event(user, event, "", **elements), lost)

    async def enter(self, user: str) -> Pushed:
        return await self.push_event(self._who(user), "enter_agent", EventKey="")

    async def click(self, user: str, key: str) -> Pushed:
        return await self.push_event(self._who(user), "click", EventKey=key)

    async def click_card(
        self,
        user: str,
        key: str,
        task_id: str,
        selected: Mapping[str, Sequence[str]] | None = None,
        *,
        kind: str = "button_interaction",
        handle: str = "",
        lost: int = 0,
    ) -> Pushed:
        """`user` taps a button of any card, sent or not; `handle` is the response code."""
        card = {"EventKey": key, "TaskId": task_id, "CardType": kind, "ResponseCode": handle or f"rc-{task_id}"}
        raw = "" if selected is None else selected_items(selected)
        pushed = self.callbacks.event(self._who(user), "template_card_event", raw, **card)
        pushed.task_id = task_id
        return await self._deliver(pushed, lost)

    async def tap(self, user: str, label: str, *, card: Dealt | None = None, lost: int = 0) -> Pushed:
        """`user` taps what begins with `label` on their newest card, or on another one of theirs."""
        dealt = card or self.vendor.cards.held_by(user)[-1]
        key, selected = dealt.picked(label)
        handle, kind = self.vendor.cards.code_for(dealt, [self._who(user)]), str(dealt.card["card_type"])
        return await self.click_card(user, key, dealt.task_id, selected or None, kind=kind, handle=handle, lost=lost)

    def cards_of(self, user: str) -> list[Dealt]:
        """The cards the person has, the newest last."""
        return self.vendor.cards.held_by(user)

    def face(self, user: str, card: Dealt | None = None) -> str:
        """What the person's newest card says in place of its buttons; empty while they can be tapped."""
        return (card or self.cards_of(user)[-1]).faces.get(user.casefold(), "")

    async def subscribe(self, user: str) -> Pushed:
        """`user` comes into the visible range."""
        if self.vendor.member(user) is None:
            self.vendor.members.append(user)
        return await self.push_event(user, "subscribe")

    async def unsubscribe(self, user: str) -> Pushed:
        """`user` leaves the visible range, and the bot is told."""
        self.revoke_user(user)
        return await self.push_event(user, "unsubscribe")

    async def again(self, pushed: Pushed) -> Pushed:
        """The vendor sends a message once more although it was answered: the same MsgId, everything else fresh."""
        return await self._deliver(Pushed(pushed.user, pushed.xml, pushed.event, pushed.task_id))

    async def verify_url(self) -> bool:
        """An operator saves the callback URL in the console."""
        return await self.callbacks.verify()

    def _who(self, user: str) -> str:
        name = self.vendor.member(user)
        if name is None:
            raise ValueError(f"{user} is not in the visible range and cannot write to the app")
        return name

    async def _deliver(self, pushed: Pushed, lost: int = 0) -> Pushed:
        return await self.callbacks.deliver(pushed, lost)

    # What people see

    def delivered(self, user: str) -> list[Shown]:
        """Everything the person sees from the bot, in order, passive and active."""
        return [shown for shown in self.vendor.shown if shown.user.casefold() == user.casefold()]

    def unread(self, user: str) -> list[str]:
        """What came since this was asked last."""
        texts, seen = self.hears(user), self._read.get(user.casefold(), 0)
        self._read[user.casefold()] = len(texts)
        return texts[seen:]

    # What happens to the app

    def expire_token(self, code: int = 42001) -> None:
        """The token in use stops working (40014: declared invalid)."""
        self.vendor.expire_token(code)

    def revoke_user(self, user: str) -> None:
        """`user` leaves the visible range, and nobody is told."""
        self.vendor.members = [name for name in self.vendor.members if name.casefold() != user.casefold()]

    @property
    def errors(self) -> list[str]:
        """What the bot did wrong that nobody told it: passive replies the vendor would not show."""
        return self.callbacks.errors
