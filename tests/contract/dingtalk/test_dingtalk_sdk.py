"""The fake is honest: DingTalk's own SDK connects to it, receives, acks and answers. It runs in a thread of its own.

The bot does not use the SDK: 0.24.3 calls blocking HTTP in the loop and swallows cancellation (protocols.md F).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from bot.core.clock import ManualClock
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.gateway import BOT, CARD, Pushed

if not os.environ.get("CI"):
    pytest.importorskip("dingtalk_stream", reason="the official SDK is not installed")


class OfficialBot:
    """The SDK's client with handlers that answer, on a loop in a thread."""

    def __init__(self, fake: FakeDingTalk, monkeypatch: pytest.MonkeyPatch) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import dingtalk_stream as sdk
            import websockets.exceptions  # noqa: F401 - the SDK names it without importing it
        heard: list[Any] = []
        self.heard, self.taps, self.events = heard, list[Any](), list[Any]()
        taps, events = self.taps, self.events

        class Chat(sdk.ChatbotHandler):  # type: ignore[misc]
            async def process(self, callback: Any) -> tuple[int, str]:
                message = sdk.ChatbotMessage.from_dict(callback.data)
                heard.append(message)
                self.reply_text(f"你说：{message.text.content.strip()}", message)
                return sdk.AckMessage.STATUS_OK, "OK"

        class Card(sdk.CallbackHandler):  # type: ignore[misc]
            async def process(self, callback: Any) -> tuple[int, Any]:
                tap = sdk.CardCallbackMessage.from_dict(callback.data)
                taps.append(tap)
                says = tap.content["cardPrivateData"]["params"]["says"]
                chosen = {"cardParamMap": {"chosen": says}}
                return sdk.AckMessage.STATUS_OK, {"userPrivateData": chosen}

        class Events(sdk.EventHandler):  # type: ignore[misc]
            async def process(self, event: Any) -> tuple[int, str]:
                events.append(event)
                return sdk.AckMessage.STATUS_OK, "OK"

        quiet = logging.getLogger("tests.dingtalk_sdk")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False  # it logs tickets
        self._client = sdk.DingTalkStreamClient(sdk.Credential(fake.client_id, fake.secret), logger=quiet)
        url = f"{fake.api_url}/v1.0/gateway/connections/open"
        monkeypatch.setattr(sdk.DingTalkStreamClient, "OPEN_CONNECTION_API", url)
        monkeypatch.setattr(sdk.DingTalkStreamClient, "get_host_ip", lambda _self: "127.0.0.1")
        self._client.register_callback_handler(BOT, Chat())
        self._client.register_callback_handler(CARD, Card())
        self._client.register_all_event_handler(Events())
        self._loop, self._ended = asyncio.new_event_loop(), False
        self._thread = threading.Thread(target=self._run, name="dingtalk sdk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._client.websocket.close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        main = self._loop.create_task(self._client.start())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(main)
        self._ended = True
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    def _end(self) -> None:
        """Cancel until it is noticed: the SDK takes the first one for a network fault and sleeps."""
        if not self._ended:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.call_later(0.05, self._end)


@pytest.fixture
def quiet_sdk() -> Iterator[None]:
    """The SDK and its HTTP library leave sockets to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_official_sdk_receives_acks_and_answers(
    clock: ManualClock, quiet_sdk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeDingTalk(members=["Alice"], clock=clock) as fake:
        bot = OfficialBot(fake, monkeypatch)
        bot.start()
        try:
            await fake.listening()
            fake.gateway.ack_seconds = 10
            pushed = await fake.says("Alice", " 您先别急😀")
            assert (pushed.accepted, pushed.acks[0].data) == (True, {"response": "OK"})
            assert await fake.gateway.ping(fake.gateway.connections[0])
            event = await fake.event({"timeStamp": 1, "userId": ["Alice"]})
            assert not event.accepted or event.acks[0].data == event.data, "0.24.3 acks events without a status"
            fake.cards.by_track["t1"] = _card()
            tap = await fake.gateway.push(Pushed(CARD, fake.cards.callback("t1", "Alice", 1)))
            fake.cards.answered("t1", "Alice", tap.acks[0].data)
        finally:
            await asyncio.to_thread(bot.stop)
        assert fake.errors == []
        message = bot.heard[0]
        assert (message.sender_staff_id, message.message_id) == ("Alice", pushed.data["msgId"])
        assert message.session_webhook == pushed.data["sessionWebhook"]
        assert [(shown.text, shown.way) for shown in fake.delivered("Alice")] == [("你说：您先别急😀", "session")]
        assert fake.cards.by_track["t1"].seen_by("Alice")["chosen"] == "再答"
        assert len(bot.taps) == len(bot.events) == 1


def _card() -> Any:
    from tests.fakes.dingtalk.cards import Card

    return Card({"title": "题", "button1": "再答", "says1": "再答"}, ["Alice"])
