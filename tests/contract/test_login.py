"""Logging in: by a vendor, by a link from the chat, for eight hours, and nobody else; on both databases."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import select
from yarl import URL

from bot import app, config
from bot.core.clock import ManualClock
from bot.library import ContentLibrary
from bot.login import HOME, Login, own_path
from bot.web.login import SESSION_COOKIE, STATE_COOKIE, add_routes
from handlers.context import Desk
from storage import audit, logins, people
from storage.database import Database
from storage.models import LoginToken, Role, RoleGrant
from tests.chat import World
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running as dingtalk_running
from tests.fakes.dingtalk.contacts import FakeContacts as DingTalkOrg
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running as wecom_running
from tests.fakes.wecom.contacts import FakeContacts as WecomOrg

IN_WECOM = "Mozilla/5.0 (iPhone) MicroMessenger/7.0.1 wxwork/4.1.20 Language/zh"


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]
    set: dict[str, str]  # Set-Cookie lines by name

    @property
    def to(self) -> str:
        return self.headers.get("Location", "")


@dataclass
class Browser:
    """Keeps cookies as a browser does, and sends Secure ones although the test has no TLS."""

    site: str
    cookies: dict[str, str] = field(default_factory=dict)
    agent: str = "Mozilla/5.0"

    async def get(self, path: str | URL, **headers: str) -> Answer:
        return await self.ask("GET", path, None, headers)

    async def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        return await self.ask("POST", path, form or {}, {"Origin": self.site} | headers)

    async def ask(self, method: str, path: str | URL, form: dict[str, str] | None, headers: dict[str, str]) -> Answer:
        url = path if isinstance(path, URL) else URL(self.site + path)
        sent = {"User-Agent": self.agent, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        jar = aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as session,
            session.request(method, url, data=form, headers=sent, allow_redirects=False) as response,
        ):
            text, lines = await response.text(), response.headers.getall("Set-Cookie", [])
            given = {line.partition("=")[0]: line for line in lines}
            for name, line in given.items():
                self.cookies[name] = line.partition("=")[2].partition(";")[0].strip('"')
                if "Max-Age=0" in line:
                    del self.cookies[name]
            return Answer(response.status, text, dict(response.headers), given)


@dataclass
class House:
    """A running login with both vendors behind it."""

    login: Login
    database: Database
    clock: ManualClock
    site: str
    wecom: WecomOrg
    dingtalk: DingTalkOrg

    def browser(self, agent: str = "Mozilla/5.0") -> Browser:
        return Browser(self.site, agent=agent)

    async def person(self, account: str, *roles: Role, platform: str = "wecom", active: bool = True) -> int:
        async with self.database.transaction() as tx:
            person = await people.enrol(tx, platform, account, self.clock.now(), name=f"同事{account}")
            person.active = active
            for role in roles:
                await people.grant(tx, person.id or 0, role)
            return person.id or 0

    async def link(self, person_id: int) -> str:
        async with self.database.transaction() as tx:
            return await logins.issue(tx, logins.LINK, self.clock.now(), person_id=person_id)


@pytest.fixture
async def house(database: Database, clock: ManualClock) -> AsyncIterator[House]:
    async with (
        FakeWecom(members=[], clock=clock) as wecom_fake,
        FakeDingTalk(members=[], clock=clock) as ding_fake,
        wecom_running(wecom_fake) as wecom,
        dingtalk_running(ding_fake) as dingtalk,
    ):
        listening = socket.create_server(("127.0.0.1", 0))  # first: the login must know its own address
        site = f"http://127.0.0.1:{listening.getsockname()[1]}"
        site_app, login = (
            web.Application(),
            Login(database, clock, {"wecom": wecom.oauth, "dingtalk": dingtalk.oauth}, site),
        )
        add_routes(site_app, login)
        runner = web.AppRunner(site_app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        corp, org = WecomOrg(wecom_fake), DingTalkOrg(ding_fake)
        corp.domain, org.redirects = site.removeprefix("http://"), {f"{site}/login/dingtalk"}
        corp.hire("SuYun", "苏芸", 1)
        org.hire("manager4220", "贺明", 1)
        yield House(login, database, clock, site, corp, org)
        await runner.cleanup()


def refused(answer: Answer, words: str) -> None:
    assert answer.status == 403
    assert words in answer.text
    assert SESSION_COOKIE not in answer.set, "nobody is let in"


# --- a link from the chat


async def test_a_link_lets_in_once(house: House) -> None:
    person_id = await house.person("suyun", Role.MANAGER, Role.OPERATOR)
    link, browser = await house.link(person_id), house.browser()
    for _ in range(2):
        page = await browser.get(f"/login?token={link}")
        assert page.status == 200
        assert "只能用一次" in page.text, "opening it, as a preview does, spends nothing"
    entered = await browser.post("/login", {"token": link})
    assert (entered.status, entered.to) == (303, HOME)
    cookie = entered.set[SESSION_COOKIE]
    for flag in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=28800"):
        assert flag in cookie
    page = await browser.get("/login")
    assert "你好，<strong>同事suyun</strong>" in page.text
    assert "身份：主管、运维" in page.text
    refused(await house.browser().post("/login", {"token": link}), "这个链接用过了")
    async with house.database.reading() as tx:
        entry = (await audit.entries(tx))[0]
    assert (entry.action, entry.actor_id, entry.detail) == ("login", person_id, {"way": "link"})


async def test_two_at_once_let_in_one(house: House) -> None:
    link = await house.link(await house.person("suyun", Role.TRAINER))
    answers = await asyncio.gather(*(house.browser().post("/login", {"token": link}) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [303, 403, 403, 403, 403]


@pytest.mark.parametrize(("seconds", "status"), [(299, 303), (300, 403)])
async def test_a_link_lives_five_minutes(house: House, seconds: int, status: int) -> None:
    link = await house.link(await house.person("suyun", Role.COMPLIANCE))
    house.clock.advance(seconds=seconds)
    assert (await house.browser().post("/login", {"token": link})).status == status


async def test_a_new_link_ends_the_one_before(house: House) -> None:
    person_id = await house.person("suyun", Role.TRAINER)
    old, new = await house.link(person_id), await house.link(person_id)
    refused(await house.browser().post("/login", {"token": old}), "再打一次“登录”")
    assert (await house.browser().post("/login", {"token": new})).status == 303


@pytest.mark.parametrize("token", ["", "x", "'; DROP TABLE login_token; --", "\ud800", "9" * 5000])
async def test_made_up_tokens(house: House, token: str) -> None:
    answer = await house.browser().post("/login", {"token": token.encode("utf-8", "replace").decode()})
    assert answer.status == 403


async def test_other_sites_cannot_log_anybody_in_or_out(house: House) -> None:
    link, browser = await house.link(await house.person("suyun", Role.MANAGER)), house.browser()
    refused(await browser.post("/login", {"token": link}, Origin="https://evil.example"), "请从登录页面操作")
    refused(await browser.post("/login", {"token": link}, Origin="null"), "请从登录页面操作")
    assert (await browser.post("/login", {"token": link})).status == 303
    await browser.post("/logout", Origin="https://evil.example")
    await browser.get("/logout")
    assert "你好" in (await browser.get("/login")).text


# --- a vendor's login


@pytest.mark.parametrize(
    ("agent", "host"), [(IN_WECOM, "open.weixin.qq.com"), ("Mozilla/5.0", "login.work.weixin.qq.com")]
)
async def test_wecom_says_who_it_is(house: House, agent: str, host: str) -> None:
    await house.person("suyun", Role.MANAGER)
    browser = house.browser(agent)
    away = await browser.get("/login/wecom")
    assert (away.status, URL(away.to).host) == (302, host)
    for flag in ("HttpOnly", "Secure", "SameSite=Lax", "Max-Age=600"):
        assert flag in away.set[STATE_COOKIE]
    entered = await browser.get(house.wecom.log_in(away.to, "SuYun"))
    assert (entered.status, entered.to) == (303, HOME)
    assert STATE_COOKIE not in browser.cookies
    assert "同事suyun" in (await browser.get("/login")).text


async def test_dingtalk_says_who_it_is(house: House) -> None:
    await house.person("manager4220", Role.OPERATOR, platform="dingtalk")
    browser = house.browser()
    away = await browser.get("/login/dingtalk?next=/login%3Fa%3D1")
    entered = await browser.get(house.dingtalk.log_in(away.to, "union-manager4220"))
    assert (entered.status, entered.to) == (303, "/login?a=1")
    assert "同事manager4220" in (await browser.get("/login")).text


async def test_a_code_in_somebody_elses_browser_lets_nobody_in(house: House) -> None:
    """Otherwise an attacker could log a victim into the attacker's own account."""
    await house.person("suyun", Role.MANAGER)
    attacker, victim = house.browser(), house.browser()
    back = house.wecom.log_in((await attacker.get("/login/wecom")).to, "SuYun")
    refused(await victim.get(back), "请重新开始")
    await victim.get("/login/wecom")
    refused(await victim.get(back), "请重新开始")
    assert (await attacker.get(back)).status == 303


async def test_a_state_works_once_and_at_its_own_door(house: House) -> None:
    await house.person("suyun", Role.MANAGER)
    browser = house.browser()
    back = house.wecom.log_in((await browser.get("/login/wecom")).to, "SuYun")
    state = browser.cookies[STATE_COOKIE]
    refused(await browser.get(back.with_path("/login/dingtalk", keep_query=True)), "请重新开始")
    refused(await browser.get(back), "请重新开始")
    browser.cookies[STATE_COOKIE] = state
    refused(await browser.get(back), "请重新开始")


async def test_a_state_lives_ten_minutes(house: House) -> None:
    await house.person("suyun", Role.MANAGER)
    browser = house.browser()
    away = await browser.get("/login/wecom")
    house.clock.advance(seconds=600)
    refused(await browser.get(house.wecom.log_in(away.to, "SuYun")), "请重新开始")


@pytest.mark.parametrize("query", ["?error=access_denied", "?code=x", "?state=x", "?code=x&state=x", "?code=&state="])
async def test_what_the_vendor_did_not_send(house: House, query: str) -> None:
    browser = house.browser()
    await browser.get("/login/wecom")
    answer = await browser.get(f"/login/wecom{query}")
    refused(answer, "请重新开始")


async def test_a_code_works_once(house: House) -> None:
    await house.person("suyun", Role.MANAGER)
    first, second = house.browser(), house.browser()
    code = house.wecom.log_in((await first.get("/login/wecom")).to, "SuYun")
    other = house.wecom.log_in((await second.get("/login/wecom")).to, "SuYun")
    assert (await first.get(code)).status == 303
    refused(await second.get(other.update_query(code=code.query["code"])), "请重新开始")


async def test_the_vendor_is_down(house: House) -> None:
    await house.person("suyun", Role.MANAGER)
    browser = house.browser()
    back = house.wecom.log_in((await browser.get("/login/wecom")).to, "SuYun")
    house.wecom.fake.fault("auth/getuserinfo", "status")
    refused(await browser.get(back), "过一会儿再试")


async def test_strangers_and_learners_stay_out(house: House) -> None:
    browser = house.browser()

    async def wecom(userid: str) -> Answer:
        return await browser.get(house.wecom.log_in((await browser.get("/login/wecom")).to, userid))

    async def dingtalk(unionid: str) -> Answer:
        return await browser.get(house.dingtalk.log_in((await browser.get("/login/dingtalk")).to, unionid))

    refused(await wecom("SuYun"), "还不在接话教练里")
    refused(await wecom(""), "还不在接话教练里")
    refused(await dingtalk("external-1"), "还不在接话教练里")
    refused(await dingtalk("union-nobody"), "还不在接话教练里")
    await house.person("suyun")
    refused(await wecom("SuYun"), "你的账号没有这些角色")
    await house.person("manager4220", Role.MANAGER, platform="dingtalk", active=False)
    refused(await dingtalk("union-manager4220"), "你的账号没有这些角色")


# --- where a browser may be led


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        " /login",
        "javascript:alert(1)",
        "login",
        "",
        "/é",
        "/" + "a" * 600,
    ],
)
async def test_nobody_is_led_to_another_site(house: House, path: str) -> None:
    assert own_path(path) == HOME
    await house.person("suyun", Role.MANAGER)
    browser = house.browser()
    away = await browser.get(
        URL("/login/wecom").with_query(next=path).human_repr()
        if path.isascii() and path.isprintable()
        else "/login/wecom"
    )
    assert (await browser.get(house.wecom.log_in(away.to, "SuYun"))).to == HOME


@pytest.mark.parametrize("path", ["/login", "/boards?week=2026-11-16#top", "/a%2Fb"])
def test_our_own_paths_stay(path: str) -> None:
    assert own_path(path) == path


# --- the session


async def logged_in(house: House, *roles: Role) -> tuple[Browser, int]:
    person_id = await house.person("suyun", *(roles or (Role.MANAGER,)))
    browser = house.browser()
    await browser.post("/login", {"token": await house.link(person_id)})
    assert "你好" in (await browser.get("/login")).text
    return browser, person_id


async def test_a_session_lives_eight_hours(house: House) -> None:
    browser, _ = await logged_in(house)
    house.clock.advance(hours=8, seconds=-1)
    assert "你好" in (await browser.get("/login")).text
    house.clock.advance(seconds=1)
    assert "请登录" in (await browser.get("/login")).text


async def test_logging_out_ends_it_on_the_server_too(house: House) -> None:
    browser, _ = await logged_in(house)
    stolen = dict(browser.cookies)
    left = await browser.post("/logout")
    assert (left.status, left.to) == (303, HOME)
    assert SESSION_COOKIE not in browser.cookies
    browser.cookies = stolen
    assert "请登录" in (await browser.get("/login")).text


async def test_who_leaves_or_loses_the_role_is_out_at_once(house: House) -> None:
    browser, person_id = await logged_in(house)
    async with house.database.transaction() as tx:
        await people.change(tx, person_id, active=False)
    assert "请登录" in (await browser.get("/login")).text
    async with house.database.transaction() as tx:
        await people.change(tx, person_id, active=True)
        await tx.execute(RoleGrant.__table__.delete())  # type: ignore[attr-defined]
    assert "请登录" in (await browser.get("/login")).text


async def test_a_new_login_ends_the_old_session_of_the_browser(house: House) -> None:
    browser, person_id = await logged_in(house)
    old = dict(browser.cookies)
    await browser.post("/login", {"token": await house.link(person_id)})
    assert browser.cookies != old
    browser.cookies = old
    assert "请登录" in (await browser.get("/login")).text


async def test_only_hashes_are_kept_and_what_ran_out_is_swept(house: House) -> None:
    browser, person_id = await logged_in(house)
    await browser.get("/login/wecom")
    link = await house.link(person_id)
    async with house.database.reading() as tx:
        rows = list((await tx.scalars(select(LoginToken))).all())
    assert sorted(row.kind for row in rows) == ["link", "session", "state"]
    stored = " ".join(str(row) for row in rows)
    for secret in (link, *browser.cookies.values()):
        assert re.fullmatch(r"[0-9a-f]{64}", secret)
        assert secret not in stored
    house.clock.advance(days=1)
    await house.link(person_id)
    async with house.database.reading() as tx:
        assert len((await tx.scalars(select(LoginToken))).all()) == 1


# --- the page


async def test_the_page_offers_the_ways_in(house: House) -> None:
    page = await house.browser().get("/login")
    for words in ("用企业微信登录", "用钉钉登录", "对接话教练说“登录”"):
        assert words in page.text
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "same-origin"),
    ):
        assert page.headers[name] == value
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert (await house.browser().get("/login/static/login.css")).headers["Content-Type"].startswith("text/css")
    assert (await house.browser().get("/login/static/..%2f..%2fconfig.py")).status == 404
    assert (await house.browser().get("/login/feishu")).status == 404


async def test_what_stands_on_the_page_is_escaped(house: House) -> None:
    async with house.database.transaction() as tx:
        person = await people.enrol(tx, "wecom", "x", house.clock.now(), name="<script>alert(1)</script>")
        await people.grant(tx, person.id or 0, Role.MANAGER)
    browser = house.browser()
    assert "<script" not in (await browser.get("/login?token=%22%3E%3Cscript%3E")).text
    await browser.post("/login", {"token": await house.link(person.id or 0)})
    page = await browser.get("/login")
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text


async def test_no_secret_reaches_the_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "bot"):
        browser, person_id = await logged_in(house)
        away = await browser.get("/login/wecom")
        back = house.wecom.log_in(away.to, "SuYun")
        await browser.get(back)
        await browser.get(back)
        link = await house.link(person_id)
        await browser.post("/login", {"token": link})
        await browser.post("/login", {"token": link})
    for secret in (link, back.query["code"], back.query["state"], *browser.cookies.values(), house.wecom.fake.secret):
        assert secret not in caplog.text


# --- the command


async def test_the_chat_gives_a_link_to_whom_it_is_for(world: World) -> None:
    learner = await world.person("小林")
    manager = await world.person("周敏", "客服中心", Role.MANAGER)
    await learner.says("登录")
    learner.hears("要有相应角色才能用")
    await learner.says("帮助")
    learner.hears_not("登录")
    await manager.says("帮助")
    manager.hears("登录")
    await manager.says("帮助 登录")
    manager.hears("登录：一个只能用一次的网页登录链接")
    await manager.says("登录")
    manager.hears("还没有开通")


@pytest.mark.parametrize("role", [Role.MANAGER, Role.TRAINER, Role.COMPLIANCE, Role.OPERATOR])
async def test_the_link_of_the_chat_opens_the_door(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock, role: Role
) -> None:
    world = World.build(database, opened, clock, public_url="https://coach.example.com")
    person = await world.person("周敏", "客服中心", role)
    await person.says("登录")
    found = re.search(r"https://coach\.example\.com/login\?token=([0-9a-f]{64})\b", person.hears("只能用一次"))
    assert found
    login = Login(database, clock, {}, "https://coach.example.com")
    visitor = await login.who((await login.enter(found[1])).session)
    assert visitor is not None
    assert (visitor.person_id, visitor.roles) == (person.id, (role,))


@pytest.mark.parametrize(("public", "status"), [("https://coach.example.com", 200), ("", 404)])
async def test_the_running_bot_serves_the_login_where_it_has_an_address(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock, public: str, status: int
) -> None:
    async with FakeWecom(members=[], clock=clock) as fake:
        settings = config.read(fake.environment() | {"JIEHUA_PUBLIC_URL": public})
        program = app.build(settings, clock, database, (opened[0], replace(opened[1], settings=settings)))
        runner = web.AppRunner(program.web, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        page = await Browser(f"http://127.0.0.1:{runner.addresses[0][1]}").get("/login")
        await runner.cleanup()
    assert page.status == status
    assert ("用企业微信登录" in page.text) == bool(public)
