"""From a push to `receive`, the same for Stream and HTTP: who wrote, what they are told instead, what is answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.errors import PlatformError
from bot.core.log import note
from bot.core.messages import Incoming, Message
from bot.platforms.base import Alarm, Notice, OnContact, Payload
from bot.platforms.dingtalk import callback, cards
from bot.platforms.dingtalk.events import contact_changes
from bot.platforms.dingtalk.platform import DingTalk

BOT = "/v1.0/im/bot/messages/get"
CARD = "/v1.0/card/instances/callback"

_QUOTA = "钉钉本月的推送额度用完了，学员的话收不到正文。请到钉钉开放平台升级额度，或等下个月。"

Receive = Callable[[Incoming], Awaitable[tuple[Message, ...]]]
"""Stores and handles a message, once however often it comes; for a tapped card it returns something when the tap has
settled the card. Raises StorageBusy."""

logger = logging.getLogger(__name__)


@dataclass
class Push:
    """One push: its topic and data, and of an event what it is about. `answered` is set once the vendor has its answer,
    even before ours is ready."""

    topic: str
    data: Mapping[str, Any]
    answered: bool = False
    event: str | None = None


class Intake:
    """Takes pushes for one robot."""

    def __init__(
        self, dingtalk: DingTalk, receive: Receive, alarm: Alarm | None = None, on_contact: OnContact | None = None
    ) -> None:
        self._dingtalk, self._receive, self._alarm, self._on_contact = dingtalk, receive, alarm, on_contact

    @property
    def topics(self) -> tuple[str, ...]:
        return (BOT, CARD) if self._dingtalk.account.card_template else (BOT,)

    async def take(self, push: Push) -> Payload | None:
        """Store and handle a push; returns what a card shall show. Raises CallbackRefused or StorageBusy."""
        if push.event is not None:
            await self.event(push.data, push.event)
            return None
        if push.topic == CARD:
            return await self._card(push)
        await self._message(push.data)
        return None

    async def event(self, data: Mapping[str, Any], what: str = "") -> None:
        """An event of the organisation: none concerns the chat, but the quota may be used up, or somebody has moved."""
        if callback.over_quota(data):
            await self.quota()
        for change in contact_changes(data, what):
            note(logger, "contact.changed", "the directory changed", platform="dingtalk", what=change.what)
            if self._on_contact is not None:
                await self._on_contact(change)

    async def quota(self) -> None:
        """Tell the operator that messages come without their text for the rest of the month (DT-A1431)."""
        if self._alarm is None:
            note(logger, "dingtalk.quota", _QUOTA, logging.ERROR, code=callback.QUOTA)
        else:
            await self._alarm(Notice("dingtalk", callback.QUOTA, _QUOTA))

    async def _message(self, data: Mapping[str, Any]) -> None:
        heard = callback.heard(data)
        if callback.over_quota(data):
            await self.quota()
        if heard.incoming is not None:
            if heard.session is not None:
                await self._dingtalk.remember(heard.incoming.sender, heard.session)
            await self._receive(heard.incoming)
            return
        note(logger, "callback.unheard", "一条消息不能受理", logging.WARNING, platform="dingtalk")
        if heard.session is not None:
            await self._dingtalk.tell(heard.session, heard.instead)

    async def _card(self, push: Push) -> Payload | None:
        """A tapped button: the answer marks it on the card, the API does when the answer has gone already.

        A tap that settled nothing leaves the card as it is: every line of a list may be tapped, and one that is out of
        date is refused in words.
        """
        tap = callback.tapped(push.data)
        if not await self._receive(tap.incoming):
            return None
        if push.answered:
            try:
                await self._dingtalk.mark(tap)
            except PlatformError as error:
                note(logger, "card.unmarked", "卡片没有更新", logging.WARNING, code=error.code)
        return cards.answer(tap.says)
