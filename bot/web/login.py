"""The login pages: who one is, the ways in, and out again. What HTTP says; who may come in is decided elsewhere.

A link from the chat is spent by a button, not by being opened: chat programs fetch links to show a preview.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from bot.core.errors import StorageBusy
from bot.core.log import note
from bot.login import HOME, Entered, Login, Refused
from storage.logins import LIFE, SESSION, STATE
from storage.models import Role

SESSION_COOKIE, STATE_COOKIE = "__Host-jiehua-session", "__Host-jiehua-login"
PLATFORMS = {"wecom": "企业微信", "dingtalk": "钉钉"}
ROLES = {Role.MANAGER: "主管", Role.TRAINER: "培训师", Role.COMPLIANCE: "合规", Role.OPERATOR: "运维"}

_HERE = Path(__file__).parent
_BODY_LIMIT = 4096
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # not no-referrer: with it a form says Origin: null
    "Cache-Control": "no-store",
}

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(app: web.Application, login: Login) -> None:
    """Serve the login from `app`."""
    pages = _Pages(login)
    for method, path, handler in (
        ("GET", HOME, pages.home),
        ("POST", HOME, pages.enter),
        ("GET", "/login/static/{name}", pages.static),
        ("GET", "/login/{platform}", pages.vendor),
        ("GET", "/logout", pages.back),
        ("POST", "/logout", pages.leave),
    ):
        app.router.add_route(method, path, _guarded(pages, handler))


class _Pages:
    def __init__(self, login: Login) -> None:
        self.login = login
        self._origin = _origin(login.public_url)
        pages = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, trim_blocks=True)
        self._page = pages.get_template("login.html")

    def page(self, status: int = 200, **values: object) -> web.Response:
        ways = {name: PLATFORMS[name] for name in self.login.doors}
        text = self._page.render({"visitor": None, "problem": "", "token": "", "ways": ways, **values})
        return web.Response(status=status, text=text, content_type="text/html")

    async def home(self, request: web.Request) -> web.Response:
        """Who one is, or the ways in; a link from the chat becomes a button."""
        visitor = await self.login.who(request.cookies.get(SESSION_COOKIE, ""))
        roles = [ROLES[role] for role in visitor.roles] if visitor else []
        return self.page(visitor=visitor, roles=roles, token=request.query.get("token", "")[:200])

    async def enter(self, request: web.Request) -> web.Response:
        """The button of a link from the chat."""
        try:
            token = (await request.post()).get("token", "")
        except ValueError:
            token = ""
        return await self._entered(request, await self.login.enter(token if isinstance(token, str) else ""))

    async def vendor(self, request: web.Request) -> web.Response:
        """Off to the vendor, and back from there with a code (DingTalk calls it authCode) or an error."""
        platform, query = request.match_info["platform"], request.query
        if platform not in self.login.doors:
            return self.page(404, problem="没有这种登录方式。")
        code = query.get("authCode") or query.get("code", "")
        if not code and "state" not in query and "error" not in query:
            agent = request.headers.get("User-Agent", "")
            url, state = await self.login.begin(platform, query.get("next", HOME), agent)
            response = _redirect(url, 302)
            _set(response, STATE_COOKIE, state, int(LIFE[STATE].total_seconds()))
            return response
        cookie = request.cookies.get(STATE_COOKIE, "")
        entered = await self.login.finish(platform, code, query.get("state", ""), cookie)
        response = await self._entered(request, entered)
        _set(response, STATE_COOKIE, "", 0)
        return response

    async def _entered(self, request: web.Request, entered: Entered) -> web.Response:
        """A new session in place of an older one."""
        await self.login.leave(request.cookies.get(SESSION_COOKIE, ""))
        response = _redirect(entered.path)
        _set(response, SESSION_COOKIE, entered.session, int(LIFE[SESSION].total_seconds()))
        return response

    async def leave(self, request: web.Request) -> web.Response:
        await self.login.leave(request.cookies.get(SESSION_COOKIE, ""))
        response = _redirect(HOME)
        _set(response, SESSION_COOKIE, "", 0)
        return response

    async def back(self, _request: web.Request) -> web.Response:
        """Leaving takes a button: a link or a picture elsewhere must not log anybody out."""
        return _redirect(HOME)

    async def static(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != "login.css":
            return self.page(404, problem="没有这个页面。")
        text = (_HERE / "static" / "login.css").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/css")

    def is_own(self, request: web.Request) -> bool:
        """Whether a form was sent from our own page."""
        origin = request.headers.get("Origin")
        if origin is None:  # not a browser, or one that says it in another way
            return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
        return origin.lower() == self._origin


def _guarded(pages: _Pages, handler: Handler) -> Handler:
    """`handler` behind the origin check, with refusals as pages and the security headers on every answer."""

    async def guarded(request: web.Request) -> web.Response:
        try:
            if request.method != "GET" and ((request.content_length or 0) > _BODY_LIMIT or not pages.is_own(request)):
                response = pages.page(403, problem="请从登录页面操作。")
            else:
                response = await handler(request)
        except Refused as error:
            note(logger, "login.refused", "a login was refused", logging.WARNING)
            response = pages.page(403, problem=str(error))
        except StorageBusy:
            response = pages.page(503, problem="系统正忙，过一会儿再试。")
        response.headers.update(_HEADERS)
        return response

    return guarded


def _redirect(path: str, status: int = 303) -> web.Response:
    return web.Response(status=status, headers={"Location": path})


def _set(response: web.Response, name: str, value: str, seconds: int) -> None:
    """A cookie for this host alone, out of reach of scripts, not sent along with other sites' forms."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="Lax")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
