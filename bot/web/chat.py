"""The local web chat: the page, its API and its live stream. Who may be whom is the demo's choice, not a login."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.core.clock import SHANGHAI, Clock
from bot.core.errors import StorageBusy
from bot.core.masking import mask
from bot.core.messages import Incoming, Kind, Message, say
from bot.platforms.web import WebChat
from storage import chat_lines, settings
from storage.database import Database
from storage.models import ChatLine

TEXT_LIMIT = 5000
PAGE_LINES = 40
POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HERE = Path(__file__).parent
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Persona:
    """Somebody the visitor of the demo may be."""

    id: int
    name: str
    role: str
    role_name: str
    blurb: str


class Demo(Protocol):
    """What the page needs of a demo: who one may be, and a clock that jumps."""

    async def cast(self) -> list[Persona]: ...

    def now(self) -> datetime: ...

    async def jump(self, to: Literal["tomorrow", "monday"]) -> datetime: ...


@dataclass(frozen=True)
class Chat:
    """Everything the routes need. Without a demo nobody can be picked: the page is opened with ?person=ID."""

    database: Database
    platform: WebChat
    clock: Clock
    receive: Callable[[Incoming], Awaitable[tuple[Message, ...]]]
    demo: Demo | None = None
    timezone: ZoneInfo = SHANGHAI
    hosts: frozenset[str] = LOOPBACK


class _Bad(Exception):
    """The request cannot be answered; the text says why, for the person at the page."""


Handler = Callable[[Chat, web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, chat: Chat) -> None:
    """Serve the chat from `app`; its streams end when the app shuts down."""
    routes: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/", _home),
        ("GET", "/chat", _page),
        ("GET", "/chat/static/{name}", _static),
        ("GET", "/chat/picture/{id}", _picture),
        ("GET", "/chat/events", _events),
        ("GET", "/chat/api/cast", _cast),
        ("GET", "/chat/api/clock", _clock),
        ("GET", "/chat/api/lines", _lines),
        ("POST", "/chat/api/jump", _jump),
        ("POST", "/chat/api/say", _say),
        ("POST", "/chat/api/enter", _enter),
    )
    for method, path, handler in routes:
        app.router.add_route(method, path, _guarded(chat, handler))

    async def end_streams(_app: web.Application) -> None:
        await chat.platform.stop()

    app.on_shutdown.append(end_streams)


def _guarded(chat: Chat, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """`handler` behind the host and origin checks, with errors as JSON and the security headers on every answer."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if not _is_own(request, chat.hosts):
            response: web.StreamResponse = _problem(403, "这个页面只能从运行它的电脑上打开：http://localhost")
        else:
            try:
                response = await handler(chat, request)
            except _Bad as error:
                response = _problem(400, str(error))
            except StorageBusy:
                response = _problem(503, "系统正忙，您写的内容还在，稍等会自动重发。")
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guarded


def _is_own(request: web.Request, hosts: frozenset[str]) -> bool:
    """The host is one of ours (against DNS rebinding), and a POST comes from our own page (against forgery)."""
    if _hostname(f"//{request.host}") not in hosts:
        return False
    if request.method == "GET":
        return True
    origin = request.headers.get("Origin")
    if origin is None:  # not a browser, or one that says it in another way
        return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    return origin.lower() in (f"http://{request.host}".lower(), f"https://{request.host}".lower())


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


# The page and its files


async def _home(chat: Chat, request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/chat"})


async def _page(chat: Chat, request: web.Request) -> web.StreamResponse:
    return _file(_HERE / "templates" / "chat.html", "text/html")


async def _static(chat: Chat, request: web.Request) -> web.StreamResponse:
    wanted = request.match_info["name"]
    path = next((path for path in (_HERE / "static").iterdir() if path.name == wanted), None)
    if path is None or path.suffix not in _TYPES:
        return _problem(404, "没有这个文件。")
    return _file(path, _TYPES[path.suffix])


def _file(path: Path, content_type: str) -> web.Response:
    """A small text file; the browser asks each time, so an upgrade shows at once."""
    return web.Response(
        text=path.read_text(encoding="utf-8"), content_type=content_type, headers={"Cache-Control": "no-cache"}
    )


async def _picture(chat: Chat, request: web.Request) -> web.StreamResponse:
    picture_id = _id(request.match_info["id"], "图片")
    async with chat.database.reading() as tx:
        png = await settings.picture(tx, picture_id)
    if png is None:
        return _problem(404, "没有这张图片。")
    tag = f'"{hashlib.sha256(png).hexdigest()[:16]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=png, content_type="image/png", headers=headers)


# What the page asks


async def _cast(chat: Chat, request: web.Request) -> web.StreamResponse:
    """The personas, each with the id of the newest line the bot wrote to it."""
    cast = await chat.demo.cast() if chat.demo else []
    async with chat.database.reading() as tx:
        newest = await chat_lines.newest_answers(tx, [persona.id for persona in cast])
    return _json({"cast": [asdict(persona) | {"newest": newest.get(persona.id, 0)} for persona in cast]})


async def _clock(chat: Chat, request: web.Request) -> web.StreamResponse:
    now = chat.demo.now() if chat.demo else chat.clock.now()
    return _json({"now": _moment(chat, now), "jumps": chat.demo is not None})


async def _lines(chat: Chat, request: web.Request) -> web.StreamResponse:
    """The newest lines, or those before ?before=ID, and whether there are older ones."""
    person_id = _id(request.query.get("person"), "身份")
    before = request.query.get("before")
    async with chat.database.reading() as tx:
        rows = await chat_lines.latest(tx, person_id, PAGE_LINES + 1, _id(before, "位置") if before else None)
    return _json({"lines": [_line(chat, row) for row in rows[-PAGE_LINES:]], "more": len(rows) > PAGE_LINES})


async def _jump(chat: Chat, request: web.Request) -> web.StreamResponse:
    places: dict[str, Literal["tomorrow", "monday"]] = {"tomorrow": "tomorrow", "monday": "monday"}
    to = (await _body(request)).get("to")
    if chat.demo is None:
        raise _Bad("只有演示环境的时钟能跳。")
    if not isinstance(to, str) or to not in places:
        raise _Bad("只能跳到明天早上（tomorrow）或下周一（monday）。")
    return _json({"now": _moment(chat, await chat.demo.jump(places[to]))})


async def _say(chat: Chat, request: web.Request) -> web.StreamResponse:
    """Store what was typed, then hand it on. The same key again stores nothing twice and is handed on again, so a
    message whose first try broke half-way still gets its answer."""
    body = await _body(request)
    person_id, text, key = _id(body.get("person"), "身份"), _text(body.get("text")), _key(body.get("key"))
    key = f"web:{person_id}:{key}"
    async with chat.database.transaction() as tx:
        if person_id not in await chat_lines.lock(tx, [person_id]):
            raise _Bad("没有这个人，请换一个身份。")
        await chat_lines.add(tx, person_id, True, say(mask(text)), key, chat.clock.now())
        row = await chat_lines.by_key(tx, key)
    chat.platform.wake(person_id)
    await chat.receive(Incoming(platform="web", sender=str(person_id), key=key, kind=Kind.TEXT, text=text))
    return _json({"line": _line(chat, row) if row else None})


async def _enter(chat: Chat, request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    person_id = _id(body.get("person"), "身份")
    key = _key(body.get("key") or uuid.uuid4().hex)
    async with chat.database.reading() as tx:
        if not await chat_lines.knows(tx, person_id):
            raise _Bad("没有这个人，请换一个身份。")
    await chat.receive(
        Incoming(platform="web", sender=str(person_id), key=f"web:{person_id}:enter:{key}", kind=Kind.ENTER)
    )
    return _json({})


# The live stream


async def _events(chat: Chat, request: web.Request) -> web.StreamResponse:
    """Server-sent events: every line after ?after=ID, or after the Last-Event-ID of a reconnecting page."""
    person_id = _id(request.query.get("person"), "身份")
    seen = [request.query.get("after", "0"), request.headers.get("Last-Event-ID", "0")]
    last = max(int(text) if text.isascii() and text.isdigit() else 0 for text in seen)
    response = web.StreamResponse(headers=_HEADERS | {"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):
        await _follow(chat, response, person_id, last)
    return response


async def _follow(chat: Chat, response: web.StreamResponse, person_id: int, last: int) -> None:
    """Write the person's lines as they come, until the page goes or the platform stops."""
    await response.write(b"retry: 1000\n\n")
    loop = asyncio.get_running_loop()
    spoke = loop.time()
    if await _is_ahead(chat, person_id, last):
        await response.write(b"event: reset\ndata: {}\n\n")
        last = 0
    with chat.platform.listening(person_id) as woken:
        while not chat.platform.stopped:
            woken.clear()
            rows = await _rows_after(chat, person_id, last)
            for row in rows:
                await response.write(f"id: {row.id}\ndata: {_dumps(_line(chat, row))}\n\n".encode())
                last, spoke = row.id or last, loop.time()
            if loop.time() - spoke >= HEARTBEAT_SECONDS:
                await response.write(b": still here\n\n")
                spoke = loop.time()
            if not rows:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), POLL_SECONDS)


async def _is_ahead(chat: Chat, person_id: int, last: int) -> bool:
    """Whether the page knows lines that this database does not: the demo was rebuilt while the page was open."""
    try:
        async with chat.database.reading() as tx:
            return last > await chat_lines.newest_id(tx, person_id)
    except StorageBusy:
        return False


async def _rows_after(chat: Chat, person_id: int, last: int) -> list[ChatLine]:
    """The next lines; none while the database is busy, for the next look finds them."""
    try:
        async with chat.database.reading() as tx:
            return await chat_lines.after(tx, person_id, last, 100)
    except StorageBusy:
        return []


# Reading requests, writing answers


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except web.HTTPRequestEntityTooLarge as error:
        raise _Bad(f"太长了：一次最多 {TEXT_LIMIT:,} 个字。") from error
    except (ValueError, RecursionError, LookupError) as error:
        raise _Bad("请求的内容不是 JSON。") from error
    if request.content_type != "application/json" or not isinstance(body, dict):
        raise _Bad("请求的内容要是一个 JSON 对象。")
    return body


def _id(value: object, what: str) -> int:
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        raise _Bad(f"{what}编号不对：要写一个正整数。")
    return int(text)


def _key(value: object) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise _Bad("key 不对：1 到 64 个字母、数字、横线或下划线。")
    return value


def _text(value: object) -> str:
    """What was typed, without control characters and half characters, which a database may refuse."""
    if not isinstance(value, str):
        raise _Bad("text 不对：要写文字。")
    text = _CONTROLS.sub("", value.replace("\r\n", "\n")).encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    if not text.strip():
        raise _Bad("还没写内容，写一句再发吧。")
    if len(text) > TEXT_LIMIT:
        raise _Bad(f"太长了：一次最多 {TEXT_LIMIT:,} 个字，现在有 {len(text):,} 个。")
    return text.strip("\n")


def _line(chat: Chat, row: ChatLine) -> dict[str, Any]:
    """A line as the page reads it; `key` is the page's own, so that it knows its bubble again."""
    key = row.key.rpartition(":")[2] if row.mine else ""
    return {
        "id": row.id, "mine": row.mine, "key": key, "at": _moment(chat, row.at), "message": json.loads(row.message)
    }  # fmt: skip


def _moment(chat: Chat, at: datetime) -> str:
    """Local wall time with its offset; the page shows it without knowing time zones."""
    return at.astimezone(chat.timezone).isoformat(timespec="seconds")


def _problem(status: int, sentence: str) -> web.Response:
    return _json({"error": sentence}, status)


def _json(data: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(data, status=status, dumps=_dumps)


def _dumps(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
