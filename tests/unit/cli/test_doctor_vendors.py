"""`jiehua doctor` beside the vendors: each thing that can be wrong there is found, with how to mend it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.cli.doctor import Finding, examine, outside
from bot.core.clock import Clock, ManualClock, SystemClock
from bot.core.messages import Incoming, Message, say
from bot.platforms.dingtalk import Intake
from bot.platforms.wecom import Account, Wecom
from bot.web import health
from bot.web.callbacks import add_dingtalk, add_wecom
from storage import deliveries, people, schema
from storage.database import Database
from storage.deliveries import Owed
from tests.fakes.aside import aside
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running as ding_running
from tests.fakes.dingtalk.contacts import FakeContacts as DingTalkOrg
from tests.fakes.stores import MemoryTokens
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import png_of
from tests.fakes.wecom.contacts import FakeContacts as WecomOrg
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("content")


def looked(clock: Clock | None = None) -> dict[str, Finding]:
    """What the doctor finds, by subject; the last one of a subject counts."""
    return {finding.subject: finding for finding in asyncio.run(examine(offline=False, clock=clock))}


@pytest.fixture
def corp(monkeypatch: pytest.MonkeyPatch) -> Iterator[WecomOrg]:
    """A WeCom app that two people see."""
    fake = FakeWecom(members=[], clock=SystemClock())
    corp = WecomOrg(fake)
    corp.hire("linxm", "林小满", 1)
    corp.hire("zhoumin", "周敏", 1)
    with aside(fake):
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield corp


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch) -> Iterator[DingTalkOrg]:
    fake = FakeDingTalk(members=[], clock=SystemClock())
    org = DingTalkOrg(fake)
    org.hire("manager4220", "苏芸", 1)
    with aside(fake):
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield org


def known(platform: str, *accounts: str) -> None:
    """Our people, in the database of the settings."""

    async def write() -> None:
        database = Database("sqlite:///jiehua.db")
        await schema.upgrade(database)
        async with database.transaction() as tx:
            for account in accounts:
                await people.enrol(tx, platform, account, datetime.now(UTC))
        await database.close()

    asyncio.run(write())


# --- WeCom


def test_a_sound_app(corp: WecomOrg, run: Run) -> None:
    known("wecom", "linxm")
    result = run("doctor")
    assert result.code == 0, result.out
    for line in (
        "✓ 企业微信凭证：有效",
        "✓ 企业微信时钟：和平台一致",
        "✓ 企业微信应用：「接话教练」能用，本机地址被接受",
        "✓ 企业微信可见范围：1 个部门、2 人",
        "✓ 网址：没有设置 JIEHUA_PUBLIC_URL，不检查回调，也没有网页登录",
    ):
        assert line in result.lines
    assert corp.fake.secret not in result.out


def test_nothing_is_written_into_an_empty_database(corp: WecomOrg, run: Run) -> None:
    assert run("doctor").code == 0
    assert "还是空的" in run("doctor", "--offline").out


def test_a_wrong_secret(corp: WecomOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEHUA_WECOM_SECRET", "wrong-secret-value")
    found = looked()["企业微信凭证"]
    assert not found.fine
    assert "40001" in found.what
    assert "JIEHUA_WECOM_SECRET" in found.mend


def test_an_address_outside_the_list_is_shown(corp: WecomOrg) -> None:
    corp.fake.trusted_ips = set()
    found = looked()
    assert found["企业微信凭证"].fine
    assert "60020" in found["企业微信应用"].what
    assert "127.0.0.1" in found["企业微信应用"].mend
    assert "企业微信可见范围" not in found


def test_an_app_switched_off(corp: WecomOrg) -> None:
    corp.closed = True
    found = looked()["企业微信应用"]
    assert (found.fine, found.what) == (False, "「接话教练」已停用")


def test_people_outside_the_visible_range_are_named(corp: WecomOrg) -> None:
    known("wecom", "linxm", *(f"gone{number}" for number in range(7)))
    found = looked()["企业微信可见范围"]
    assert not found.fine
    assert found.what == "1 个部门、2 人；我们这边有 7 人不在里面：gone0、gone1、gone2、gone3、gone4 等"
    assert "jiehua people sync" in found.mend


def test_nobody_in_the_visible_range(corp: WecomOrg) -> None:
    corp.range_departments = set()
    found = looked()["企业微信可见范围"]
    assert (found.fine, found.what) == (False, "0 个部门、0 人，谁也看不到")


def test_contacts_that_may_not_be_read(corp: WecomOrg) -> None:
    corp.fake.fault("department/list", "errcode", code=48009)
    found = looked()["企业微信可见范围"]
    assert not found.fine
    assert "可信IP" in found.mend


@pytest.mark.parametrize(("domain", "fine"), [("coach.example.com", True), ("", False), ("old.example.com", False)])
def test_the_trusted_domain_of_the_login(
    corp: WecomOrg, monkeypatch: pytest.MonkeyPatch, domain: str, fine: bool
) -> None:
    async def unreachable(*_: object, **__: object) -> tuple[int, str]:
        return 0, ""

    monkeypatch.setattr(outside, "_ask", unreachable)
    monkeypatch.setenv("JIEHUA_PUBLIC_URL", "https://coach.example.com")
    corp.domain = domain
    found = looked()
    assert found["企业微信登录"].fine == fine
    assert fine or "coach.example.com" in found["企业微信登录"].mend
    assert not found["网址"].fine
    assert "企业微信回调" not in found, "there is no use in looking further"


# --- the clock


@pytest.mark.parametrize(("seconds", "words"), [(30, "一致"), (-30, "一致"), (90, "快 "), (-3600, "慢 ")])
def test_a_clock_that_is_off(corp: WecomOrg, seconds: int, words: str) -> None:
    found = looked(ManualClock(datetime.now(UTC) + timedelta(seconds=seconds)))["企业微信时钟"]
    assert found.fine == (abs(seconds) <= 60)
    assert words in found.what


# --- our own callback


@asynccontextmanager
async def served(app: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    """An application and its health, at the address that is listening."""
    health.add_routes(app, health.Health(Database("sqlite:///jiehua.db")))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    yield
    await runner.cleanup()


@asynccontextmanager
async def service(fake: FakeWecom, listening: socket.socket, token: str) -> AsyncIterator[None]:
    """What `serve` would answer at its public address."""

    async def receive(_incoming: Incoming) -> tuple[Message, ...]:
        return ()

    account = Account(fake.vendor.corp_id, fake.vendor.agent_id, fake.secret, token, fake.aes_key, fake.api_url)
    app = web.Application()
    add_wecom(app, Wecom(account, clock=SystemClock(), tokens=MemoryTokens(), picture_of=png_of), receive)
    async with served(app, listening):
        yield


@pytest.mark.parametrize(("token", "fine", "words"), [("", True, "能验证、能解密"), ("Another", False, "没有认出签名")])
def test_the_callback_is_tried_as_the_vendor_does(
    corp: WecomOrg, monkeypatch: pytest.MonkeyPatch, token: str, fine: bool, words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setenv("JIEHUA_PUBLIC_URL", f"http://127.0.0.1:{port}")
        with aside(service(corp.fake, listening, token or corp.fake.token)):
            found = looked()
    assert found["网址"].fine
    assert (found["企业微信回调"].fine, words in found["企业微信回调"].what) == (fine, True)


@asynccontextmanager
async def ding_service(fake: FakeDingTalk, listening: socket.socket, token: str) -> AsyncIterator[None]:
    """What `serve` would answer to DingTalk at its public address."""

    async def receive(_incoming: Incoming) -> tuple[Message, ...]:
        raise AssertionError("a self-test is nobody's message")

    app = web.Application()
    async with ding_running(fake, event_token=token) as dingtalk:
        add_dingtalk(app, dingtalk, Intake(dingtalk, receive))
        async with served(app, listening):
            yield


@pytest.mark.parametrize(("token", "fine", "words"), [("", True, "能验证、能解密"), ("Another", False, "没有认出签名")])
def test_the_event_subscription_is_tried_as_dingtalk_does(
    org: DingTalkOrg, monkeypatch: pytest.MonkeyPatch, token: str, fine: bool, words: str
) -> None:
    http = org.fake.http
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("JIEHUA_PUBLIC_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("JIEHUA_DINGTALK_MODE", "http")
        monkeypatch.setenv("JIEHUA_DINGTALK_EVENT_TOKEN", http.event_token)
        monkeypatch.setenv("JIEHUA_DINGTALK_EVENT_AES_KEY", http.aes_key)
        with aside(ding_service(org.fake, listening, token or http.event_token)):
            found = looked()["钉钉回调"]
    assert (found.fine, words in found.what) == (fine, True)
    assert fine or found.mend


@asynccontextmanager
async def page(listening: socket.socket, answers: dict[str, web.Response]) -> AsyncIterator[None]:
    """Some other server."""

    async def answer(request: web.Request) -> web.Response:
        given = answers.get(request.path, web.Response(status=404))
        return web.Response(status=given.status, text=given.text or "", content_type="text/plain")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    yield
    await runner.cleanup()


def test_somebody_else_answers_at_our_address(corp: WecomOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("JIEHUA_PUBLIC_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        healthy = web.Response(text='{"status": "ok"}')
        with aside(page(listening, {"/healthz": healthy, "/callback/wecom": web.Response(text="<html>login")})):
            found = looked()["企业微信回调"]
            assert (found.fine, "可能不是本服务" in found.what) == (False, True)
        monkeypatch.setenv("JIEHUA_PUBLIC_URL", "http://127.0.0.1:9")
        assert "连不上" in looked()["网址"].what


# --- DingTalk


def test_a_sound_robot(org: DingTalkOrg, run: Run) -> None:
    known("dingtalk", "manager4220")
    result = run("doctor")
    assert result.code == 0, result.out
    for line in (
        "✓ 钉钉凭证：有效",
        "✓ 钉钉机器人：已发布，能发单聊",
        "✓ 钉钉通讯录范围：1 个部门、1 人",
        "✓ 钉钉额度：本月推送约 0 次调用；标准版每月 5000 次，用完会停发",
    ):
        assert line in result.lines
    assert org.fake.delivered("manager4220") == [], "nobody is written to"


@pytest.mark.parametrize("subject", ["钉钉凭证", "钉钉机器人", "钉钉通讯录范围"])
def test_what_is_wrong_with_dingtalk(org: DingTalkOrg, monkeypatch: pytest.MonkeyPatch, subject: str) -> None:
    if subject == "钉钉凭证":
        monkeypatch.setenv("JIEHUA_DINGTALK_CLIENT_SECRET", "wrong")
    elif subject == "钉钉机器人":
        org.fake.vendor.published = False
    else:
        org.permitted = False
    found = looked()[subject]
    assert not found.fine
    assert found.mend


def test_the_months_calls_used_up(org: DingTalkOrg) -> None:
    org.fake.vendor.api_quota = 0
    found = looked()["钉钉机器人"]
    assert not found.fine
    assert "额度" in found.what + found.mend


# --- what was sent


def test_many_failed_messages_are_told(run: Run) -> None:
    known("web", "1")

    async def fail() -> None:
        database, now = Database("sqlite:///jiehua.db"), datetime.now(UTC)
        async with database.transaction() as tx:
            for number in range(4):
                await deliveries.enqueue(tx, [Owed(f"k{number}", 1, "answer", say("好"), now)], now)
            await deliveries.record(tx, [1], status=deliveries.FAILED)
        await database.close()

    asyncio.run(fail())
    assert "✗ 消息：最近 24 小时 4 条，失败 1 条，不确定 0 条" in run("doctor", "--offline").lines


# --- the judge


@pytest.mark.parametrize(
    ("status", "text", "fine", "words"),
    [
        (200, '{"data":[{"id":"qwen-max"},{"id":"qwen-plus"}]}', True, "qwen-plus 能用"),
        (200, '{"data":[{"id":"qwen-max"}]}', False, "没有叫 qwen-plus 的模型"),
        (401, "", False, "不收这个密钥"),
        (404, "", True, "没有核对"),
        (500, "", False, "HTTP 500"),
    ],
)
def test_the_judges_endpoint(status: int, text: str, fine: bool, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        with aside(page(listening, {"/v1/models": web.Response(status=status, text=text)})):
            found = asyncio.run(outside.judge(url, "key", "qwen-plus"))
    assert (found.fine, words in found.what) == (fine, True)


def test_a_judge_that_is_not_there() -> None:
    assert not asyncio.run(outside.judge("http://127.0.0.1:9/v1", "key", "m")).fine
