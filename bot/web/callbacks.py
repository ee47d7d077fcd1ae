"""The vendors' callbacks: verify → store and handle → answer. Decides what HTTP says; knows no commands.

A message counts as taken only when `receive` has come back: it commits the message and its answer in one transaction.
Until then the vendor is told to send it again, and its repeat finds the stored answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.core.errors import CallbackRefused, PlatformError, StorageBusy
from bot.core.log import note
from bot.core.messages import Incoming, Message
from bot.platforms.base import Alarm, ContactChange, Notice, OnContact
from bot.platforms.dingtalk import DingTalk, Intake
from bot.platforms.dingtalk.intake import BOT, Push
from bot.platforms.wecom import Wecom
from bot.platforms.wecom.platform import BODY_LIMIT

WECOM_PATH = "/callback/wecom"
DINGTALK_PATH = "/callback/dingtalk"
WECOM_DEADLINE = 4.0  # seconds; the vendor hangs up after 5 (WC90238)
DINGTALK_DEADLINE = 2.3  # seconds; the vendor hangs up after 2.5 (DT-A1435)
_DRAIN = 10.0

Receive = Callable[[Incoming], Awaitable[tuple[Message, ...]]]
"""Stores and handles a message, once however often it comes; returns the message to carry back now, if any.
Raises StorageBusy when the database cannot take it. For a tapped card the title is the card's new face."""

logger = logging.getLogger(__name__)


def add_wecom(
    app: web.Application,
    wecom: Wecom,
    receive: Receive,
    *,
    alarm: Alarm | None = None,
    on_contact: OnContact | None = None,
    deadline: float = WECOM_DEADLINE,
) -> None:
    """Serve WeCom's callback from `app`; on shutdown, messages still being handled are waited for."""
    callback = _WecomCallback("wecom", deadline, wecom=wecom, receive=receive, alarm=alarm, on_contact=on_contact)
    app.router.add_get(WECOM_PATH, callback.verify)
    app.router.add_post(WECOM_PATH, callback.push)
    app.cleanup_ctx.append(callback.drain)


def add_dingtalk(
    app: web.Application, dingtalk: DingTalk, intake: Intake, *, deadline: float = DINGTALK_DEADLINE
) -> None:
    """Serve DingTalk's HTTP pushes from `app`: robot messages, and encrypted events."""
    callback = _DingtalkCallback("dingtalk", deadline, dingtalk=dingtalk, intake=intake)
    app.router.add_post(DINGTALK_PATH, callback.push)
    app.cleanup_ctx.append(callback.drain)


@dataclass(frozen=True)
class _Callback:
    """What every callback URL has in common. Work runs on when the deadline passes or the vendor hangs up."""

    platform: str
    deadline: float
    working: set[asyncio.Future[Any]] = field(default_factory=set)

    async def guarded(self, answer: Awaitable[web.Response]) -> web.Response:
        """The answer, or what HTTP says when there is none in time."""
        try:
            async with asyncio.timeout(self.deadline):
                return await answer
        except CallbackRefused as error:
            return self.refused(error)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413, text="内容太大")
        except StorageBusy:
            note(logger, "callback.busy", "数据库暂时写不进，请平台重发", logging.WARNING, platform=self.platform)
            return web.Response(status=503, text="稍后重发")
        except TimeoutError:
            # Not an empty 200: nobody knows yet whether the message will be stored. The vendor sends it again, and by
            # then it is either stored, with its answer, or handled anew.
            note(logger, "callback.late", "没能按时处理完，请平台重发", logging.WARNING, platform=self.platform)
            return web.Response(status=503, text="稍后重发")
        except Exception:
            logger.exception("处理回调时出错", extra={"action": "callback.failed", "ids": {"platform": self.platform}})
            return web.Response(status=500, text="处理出错")

    def refused(self, error: CallbackRefused) -> web.Response:
        note(logger, "callback.refused", f"拒收一个回调：{error}", logging.WARNING, platform=self.platform)
        return web.Response(status=403, text=str(error))

    async def drain(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        if self.working:
            await asyncio.wait(self.working, timeout=_DRAIN)

    def track(self, work: Awaitable[Any]) -> asyncio.Future[Any]:
        task = asyncio.ensure_future(work)
        self.working.add(task)
        task.add_done_callback(self.working.discard)
        task.add_done_callback(_retrieved)
        return task


@dataclass(frozen=True, kw_only=True)
class _WecomCallback(_Callback):
    """WeCom's callback URL."""

    wecom: Wecom
    receive: Receive
    alarm: Alarm | None
    on_contact: OnContact | None

    async def verify(self, request: web.Request) -> web.Response:
        """URL verification: the bare plaintext within a second, no quotes, no line end (WC90930)."""
        try:
            return web.Response(text=self.wecom.echo(request.query))
        except CallbackRefused as error:
            return self.refused(error)

    async def push(self, request: web.Request) -> web.Response:
        return await self.guarded(self._opened(request))

    async def _opened(self, request: web.Request) -> web.Response:
        return await self._answer(self.wecom.incoming(request.query, await _body(request)))

    async def _answer(self, found: Incoming | Notice | ContactChange | None) -> web.Response:
        if not isinstance(found, Incoming):
            await _noticed(found, self.alarm, self.on_contact)
            return web.Response()
        messages = await asyncio.shield(self.track(self.receive(found)))
        if not messages:
            return web.Response()
        sealed = self.wecom.passive(messages[0], found) if len(messages) == 1 else None
        if sealed is None:
            raise ValueError("receive returned what the response cannot carry; ask fits_passive before the commit")
        words, face = messages[0].lines, messages[0].title
        if found.card and found.handle and words and face:  # words leave no room for the card's new face
            self.track(_set_face(self.wecom, found, face))
        return web.Response(text=sealed, content_type="text/xml")


@dataclass(frozen=True, kw_only=True)
class _DingtalkCallback(_Callback):
    """DingTalk's callback URL: the vendor waits 2.5 seconds and repeats nothing (DT-A1435, protocols.md H8)."""

    dingtalk: DingTalk
    intake: Intake

    async def push(self, request: web.Request) -> web.Response:
        return await self.guarded(self._answer(request))

    async def _answer(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if "nonce" in request.query:
            event, sealed = self.dingtalk.event(request.query, body)
            await self.intake.event(event)
            return web.json_response(sealed)
        self.dingtalk.verified(request.headers)
        push = Push(BOT, _object(body))
        work = self.track(self.intake.take(push))
        done, _ = await asyncio.wait({work}, timeout=self.deadline * 0.8)
        if done:
            work.result()
        else:  # it is in hand; saying otherwise would bring no repeat
            push.answered = True
            note(logger, "callback.late", "没能按时处理完，先应下", logging.WARNING, platform=self.platform)
        return web.json_response({"msgtype": "empty"})


async def _body(request: web.Request) -> bytes:
    """The body, read no further than the limit."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(body))
    return bytes(body)


async def _noticed(found: Notice | ContactChange | None, alarm: Alarm | None, on_contact: OnContact | None) -> None:
    """What is not for the chat goes to the operator or to the directory."""
    if isinstance(found, Notice) and alarm is not None:
        await alarm(found)
    elif isinstance(found, ContactChange):
        note(logger, "contact.changed", "the directory changed", platform=found.platform, what=found.what)
        if on_contact is not None:
            await on_contact(found)


async def _set_face(wecom: Wecom, tap: Incoming, words: str) -> None:
    """Only for the eye: a card that keeps its buttons is refused in words again."""
    try:
        await wecom.set_face(tap, words)
    except PlatformError as error:
        note(logger, "card.face", "a tapped card could not be changed", logging.WARNING, code=error.code)


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise CallbackRefused("内容格式不对")
    return data


def _retrieved(work: asyncio.Future[Any]) -> None:
    """A failure after the deadline was answered with 503 already; the repeat meets it again and logs it."""
    if not work.cancelled():
        work.exception()
