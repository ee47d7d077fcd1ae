"""DingTalk's Stream: a socket that we open and the vendor pushes on (protocols.md E3). Decides when a push is answered.

A push is answered when it has been stored. Storing that takes longer than `ack_after` is answered before it ends,
because the vendor waits three seconds and may then push it again; the work goes on. A push that could not be stored,
or for which there is no room, gets no answer. Repeats are harmless: the inbox knows a message by its own id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.core.errors import CallbackRefused, PlatformError, StorageBusy, Temporary
from bot.core.log import note
from bot.platforms.base import Payload
from bot.platforms.dingtalk import codes
from bot.platforms.dingtalk.account import Account
from bot.platforms.dingtalk.frames import Answer, Frame
from bot.platforms.dingtalk.intake import Intake, Push
from bot.platforms.http import JsonHttp

OPEN = "/v1.0/gateway/connections/open"
_STEADY = 10.0  # seconds a connection must have lasted for its end to be no failure
_DRAIN = 0.7  # seconds that work in hand may take when the bot stops
_LIMIT = 1024 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds, and how many pushes are in hand at most. The vendor's own ping rhythm is not documented, so half-open
    sockets are found by our own: a ping every third of `silence`, and no frame at all for `silence`. A connection whose
    end was announced is closed by the vendor within ten seconds or so; `leaving` is when we do it."""

    silence: float = 90.0
    first_pause: float = 1.0
    longest_pause: float = 60.0
    ack_after: float = 2.0
    leaving: float = 60.0
    in_hand: int = 200


class Stream:
    """One connection, renewed for ever; several replicas share the load, the vendor picks one a message."""

    def __init__(
        self,
        http: JsonHttp,
        account: Account,
        intake: Intake,
        *,
        pace: Pace | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http, self._account, self._intake = http, account, intake
        self._pace, self._pause = pace or Pace(), pause
        self._session: aiohttp.ClientSession | None = None
        self._running: asyncio.Task[None] | None = None
        self._sockets: set[aiohttp.ClientWebSocketResponse] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Future[Payload | None]] = set()
        self._answering: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin connecting; `http` is started."""
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._running = asyncio.create_task(self._run(), name="dingtalk stream")

    async def stop(self) -> None:
        """Hang up within a second; messages in hand are finished if they need no longer."""
        running, self._running = self._running, None
        if running is None or self._session is None:
            return
        await _cancelled({running, *self._readers})
        for socket in list(self._sockets):  # of a reader that had not begun
            await socket.close()
        if self._working:
            await asyncio.wait(self._working, timeout=_DRAIN)
            note(logger, "stream.stopped", "Stream 已停", unfinished=len(self._working))
        await _cancelled({*self._working, *self._answering})
        await self._session.close()

    # Connecting

    async def _run(self) -> None:
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            began, asked = loop.time(), 0.0
            try:
                await self._serve()
                failures = 0 if loop.time() - began >= _STEADY else failures + 1
            except PlatformError as error:
                failures, asked = failures + 1, getattr(error, "retry_after", None) or 0.0
                advice = getattr(error, "advice", "")
                sentence = f"Stream 连不上：{error}" + (f"。{advice}" if advice else "")
                note(logger, "stream.down", sentence, logging.WARNING, code=error.code, failures=failures)
            except Exception:  # a fault of ours must not leave the bot deaf
                failures += 1
                logger.exception("Stream 出错", extra={"action": "stream.failed", "ids": {"failures": failures}})
            longest = min(self._pace.first_pause * 2 ** min(failures, 20), self._pace.longest_pause)
            await self._pause(max(longest * random.uniform(0.5, 1.0), min(asked, codes.OPERATOR_RETRY)))

    async def _serve(self) -> None:
        """Open one connection; come back when it has ended or shall be replaced. Then the old one is still read."""
        socket = await self._connect(*await self._open())
        self._sockets.add(socket)
        note(logger, "stream.up", "Stream 已连接")
        leaving = asyncio.Event()
        reader = asyncio.create_task(self._read(socket, leaving), name="dingtalk reader")
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        asked = asyncio.create_task(leaving.wait())
        try:
            await asyncio.wait({reader, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()

    async def _open(self) -> tuple[str, str]:
        """An endpoint and its ticket, which lives 90 seconds and opens one connection. Raises like an API call."""
        topics = [{"type": "CALLBACK", "topic": topic} for topic in self._intake.topics]
        body = {
            "clientId": self._account.client_id,
            "clientSecret": self._account.client_secret,
            "subscriptions": [{"type": "EVENT", "topic": "*"}, *topics],
            "ua": "jiehua-py/1",
        }
        reply = await self._http.post(OPEN, {}, body, changes=False)
        endpoint, ticket = reply.data.get("endpoint"), reply.data.get("ticket")
        if reply.status != 200 or not isinstance(endpoint, str) or not isinstance(ticket, str) or not ticket:
            raise codes.error_for(reply.status, reply.data)
        if URL(endpoint).scheme not in ("ws", "wss"):
            raise Temporary("Stream 的地址不对", "garbage")
        return endpoint, ticket

    async def _connect(self, endpoint: str, ticket: str) -> aiohttp.ClientWebSocketResponse:
        """Raises Temporary; the library's own error would show the ticket."""
        if self._session is None:
            raise RuntimeError("start() comes first")
        mark = "&" if "?" in endpoint else "?"
        address = URL(f"{endpoint}{mark}ticket={quote(ticket, safe='')}", encoded=True)
        silence = self._pace.silence
        try:
            async with asyncio.timeout(min(silence, 15.0)):
                return await self._session.ws_connect(
                    address,
                    heartbeat=silence / 3,
                    timeout=aiohttp.ClientWSTimeout(ws_receive=silence, ws_close=0.3),
                    max_msg_size=_LIMIT,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = f"{type(error).__name__} {getattr(error, 'status', '')}".strip()
            raise Temporary(f"Stream 握手没成（{what}）", "socket") from None

    # Reading

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, leaving: asyncio.Event) -> None:
        """Take frames until the socket ends, however it ends."""
        why, loop = "closed", asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as patience:
                while True:
                    message = await socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        why = f"closed {socket.close_code or ''}".strip()
                        break
                    await self._frame(socket, str(message.data), leaving)
                    if leaving.is_set() and patience.when() is None:
                        patience.reschedule(loop.time() + self._pace.leaving)
        except TimeoutError:
            why = "silent"
        except (aiohttp.ClientError, ConnectionError) as error:
            why = type(error).__name__
        except Exception:  # a fault of ours ends this connection, and the next one is opened
            logger.exception("Stream 出错", extra={"action": "stream.failed", "ids": {}})
        finally:
            note(logger, "stream.ended", "Stream 断开", why=why)
            self._sockets.discard(socket)
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await socket.close()

    async def _frame(self, socket: aiohttp.ClientWebSocketResponse, raw: str, leaving: asyncio.Event) -> None:
        frame = Frame.read(raw)
        kind, topic, data, answer = frame.type, frame.topic, frame.data, Answer(socket, frame.message_id)
        if kind == "SYSTEM" and topic == "disconnect":
            leaving.set()
        elif kind == "SYSTEM":
            await answer.give(200, {"opaque": data.get("opaque")})
        elif kind == "EVENT":
            self._take(answer, Push(topic, data, event=frame.event))
        elif kind == "CALLBACK" and topic in self._intake.topics:
            self._take(answer, Push(topic, data))
        else:
            await answer.give(404, {})

    def _take(self, answer: Answer, push: Push) -> None:
        """Work on a push beside the reading; no more than `in_hand` at once."""
        if len(self._working) >= self._pace.in_hand:
            note(logger, "stream.full", "手上的消息太多，这条等平台重发", logging.WARNING, working=len(self._working))
            return
        work = asyncio.ensure_future(self._intake.take(push))
        self._working.add(work)
        work.add_done_callback(self._working.discard)
        answering = asyncio.create_task(self._answer(answer, push, work))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    async def _answer(self, answer: Answer, push: Push, work: asyncio.Future[Payload | None]) -> None:
        """Answer on the socket that the push came on, in time.

        What a callback says stands under `response`: DEVP shows it for messages, the official SDKs of Python and Go do
        it for cards. An event is answered by its status.
        """
        done, _ = await asyncio.wait({work}, timeout=self._pace.ack_after)
        if not done:
            push.answered = True
            await answer.give(200, _said(push))
        try:
            said = await work
        except StorageBusy:
            note(logger, "stream.busy", "数据库暂时写不进，这条先留在内存里", logging.WARNING)
        except CallbackRefused as error:  # it would be the same when it came again
            note(logger, "stream.refused", f"拒收一条推送：{error}", logging.WARNING)
            await answer.give(200, _said(push))
        except Exception:
            logger.exception("处理推送时出错", extra={"action": "stream.failed", "ids": {}})
            await answer.give(500, _said(push))
        else:
            await answer.give(200, _said(push, said))


def _said(push: Push, said: Payload | None = None) -> Payload:
    return {"response": said} if push.event is None else {"status": "SUCCESS", "message": "success"}


async def _cancelled(tasks: set[Any]) -> None:
    """Cancel these and wait until they have noticed."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
