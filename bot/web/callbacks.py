"""The vendors' callbacks: verify → store and handle → answer. Decides what HTTP says; knows no commands.

A message counts as taken only when `receive` has come back: it commits the message and its answer in one transaction.
Until then the vendor is told to send it again, and its repeat finds the stored answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from bot.core.errors import CallbackRefused, StorageBusy
from bot.core.log import note
from bot.core.messages import Incoming, Message
from bot.platforms.wecom import Wecom
from bot.platforms.wecom.platform import BODY_LIMIT

WECOM_PATH = "/callback/wecom"
WECOM_DEADLINE = 4.0  # seconds; the vendor hangs up after 5 (WC90238)
_DRAIN = 10.0

Receive = Callable[[Incoming], Awaitable[tuple[Message, ...]]]
"""Stores and handles a message, once however often it comes; returns the message to carry back now, if any.
Raises StorageBusy when the database cannot take it."""

logger = logging.getLogger(__name__)


def add_wecom(app: web.Application, wecom: Wecom, receive: Receive, *, deadline: float = WECOM_DEADLINE) -> None:
    """Serve WeCom's callback from `app`; on shutdown, messages still being handled are waited for."""
    working: set[asyncio.Future[tuple[Message, ...]]] = set()

    async def verify(request: web.Request) -> web.Response:
        """URL verification: the bare plaintext within a second, no quotes, no line end (WC90930)."""
        try:
            return web.Response(text=wecom.echo(request.query))
        except CallbackRefused as error:
            return _refused(error)

    async def push(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(deadline):
                incoming = wecom.incoming(request.query, await _body(request))
                if incoming is None:
                    return web.Response()
                return _answer(wecom, incoming, await _handled(incoming))
        except CallbackRefused as error:
            return _refused(error)
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413, text="内容太大")
        except StorageBusy:
            note(logger, "callback.busy", "数据库暂时写不进，请平台重发", logging.WARNING, platform="wecom")
            return web.Response(status=503, text="稍后重发")
        except TimeoutError:
            # Not an empty 200: nobody knows yet whether the message will be stored. The vendor sends it again, and by
            # then it is either stored, with its answer, or handled anew.
            note(logger, "callback.late", "没能按时处理完，请平台重发", logging.WARNING, platform="wecom")
            return web.Response(status=503, text="稍后重发")
        except Exception:
            logger.exception("处理回调时出错", extra={"action": "callback.failed", "ids": {"platform": "wecom"}})
            return web.Response(status=500, text="处理出错")

    async def _handled(incoming: Incoming) -> tuple[Message, ...]:
        """What `receive` returns; it runs on when the deadline passes or the vendor hangs up."""
        work = asyncio.ensure_future(receive(incoming))
        working.add(work)
        work.add_done_callback(working.discard)
        work.add_done_callback(_retrieved)
        return await asyncio.shield(work)

    async def drain(_app: web.Application) -> AsyncIterator[None]:
        yield
        if working:
            await asyncio.wait(working, timeout=_DRAIN)

    app.router.add_get(WECOM_PATH, verify)
    app.router.add_post(WECOM_PATH, push)
    app.cleanup_ctx.append(drain)


async def _body(request: web.Request) -> bytes:
    """The body, read no further than the limit."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(body))
    return bytes(body)


def _answer(wecom: Wecom, incoming: Incoming, messages: tuple[Message, ...]) -> web.Response:
    if not messages:
        return web.Response()
    sealed = wecom.passive(messages[0], incoming) if len(messages) == 1 else None
    if sealed is None:
        raise ValueError("receive returned what the response cannot carry; ask fits_passive before the commit")
    return web.Response(text=sealed, content_type="text/xml")


def _refused(error: CallbackRefused) -> web.Response:
    note(logger, "callback.refused", f"拒收一个回调：{error}", logging.WARNING, platform="wecom")
    return web.Response(status=403, text=str(error))


def _retrieved(work: asyncio.Future[tuple[Message, ...]]) -> None:
    """A failure after the deadline was answered with 503 already; the repeat meets it again and logs it."""
    if not work.cancelled():
        work.exception()
