"""/metrics, /healthz and /readyz of a whole program, on both databases."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text

from bot import VERSION
from bot.core.clock import ManualClock
from bot.core.log import JsonLines
from bot.core.messages import say
from bot.library import ContentLibrary
from bot.web import health, metrics
from handlers.context import Desk
from storage import deliveries, inbox
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Delivery, Inbox, Role, Token
from tests.chat import Friend, World
from tests.contract.wecom_office import office_of
from tests.conversations.test_daily_loop import GOOD
from tests.fakes.wecom import FakeWecom


@asynccontextmanager
async def pages(world: World, token: str = "") -> AsyncIterator[str]:
    """The program's two pages without its loops; gives the address."""
    app = web.Application()
    program = world.program
    health.add_routes(app, program.health)
    board = metrics.Board(
        program.meters, program.beats, program.database, program.clock, {"wecom": "wecom:corp:7"},
        lambda: program.parked.waiting, {"version": VERSION},
    )  # fmt: skip
    program.meters.registry.unregister(program.board)
    metrics.add_routes(app, board, token)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def get(address: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(address, headers=headers) as answer:
        body = await answer.json() if answer.content_type == "application/json" else await answer.text()
        return answer.status, body


async def owe(world: World, person: Friend, key: str, **columns: Any) -> None:
    now = world.clock.now()
    async with world.database.transaction() as tx:
        await deliveries.enqueue(tx, [Owed(key, person.id, "notice", say(key), now)], now)
        if columns:
            await tx.execute(Delivery.__table__.update().where(Delivery.key == key).values(**columns))  # type: ignore[attr-defined]


async def test_a_scrape_shows_the_database_and_the_program(world: World, alice: Friend) -> None:
    await alice.says(GOOD)
    now = world.clock.now()
    await owe(world, alice, "old", due_at=now - timedelta(minutes=30))
    await owe(world, alice, "lost", status=deliveries.UNKNOWN)
    async with world.database.transaction() as tx:
        for number, status in enumerate((inbox.NEW, inbox.FAILED, inbox.DONE)):
            tx.add(
                Inbox(platform="web", key=f"k{number}", sender="1", kind="text", text="秘密", status=status,
                      received_at=now - timedelta(minutes=5))
            )  # fmt: skip
        tx.add(Token(name="wecom:corp:7", value="hush", expires_at=now + timedelta(hours=1)))
        tx.add(Token(name="dingtalk:x:session:zhangsan", value="hush", expires_at=now))
    async with pages(world) as address:
        status, shown = await get(f"{address}/metrics")
    assert status == 200
    for line in (
        'jiehua_queue_depth{platform="web"} 1.0',
        'jiehua_queue_depth{platform="wecom"} 0.0',
        'jiehua_queue_late_seconds{platform="web"} 1800.0',
        'jiehua_deliveries{status="unknown"} 1.0',
        'jiehua_unknown{platform="web"} 1.0',
        "jiehua_inbox_unfinished 1.0",
        "jiehua_inbox_failed 1.0",
        "jiehua_inbox_parked 0.0",
        'jiehua_token_left_seconds{platform="wecom"} 3600.0',
        "jiehua_database_up 1.0",
        f'jiehua_build_info{{version="{VERSION}"}} 1.0',
        'jiehua_message_seconds_count{platform="web"} 1.0',
        'jiehua_scoring_seconds_count{grader="offline"} 1.0',
        'jiehua_vendor_calls_total{platform="web"}',
        "jiehua_loop_lag_seconds",
    ):
        assert line in shown, line
    for secret in ("秘密", "hush", "zhangsan", "小林"):
        assert secret not in shown


async def test_a_look_at_the_database_serves_several_scrapes(world: World, alice: Friend) -> None:
    async with pages(world) as address:
        await get(f"{address}/metrics")
        await owe(world, alice, "late", due_at=world.clock.now() - timedelta(minutes=1))
        assert 'jiehua_queue_depth{platform="web"} 1.0' not in (await get(f"{address}/metrics"))[1]


async def test_without_a_database_a_scrape_still_answers(world: World, alice: Friend) -> None:
    async with world.database.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE delivery RENAME TO gone"))
    async with pages(world) as address:
        status, shown = await get(f"{address}/metrics")
    assert status == 200
    assert "jiehua_database_up 0.0" in shown
    assert "jiehua_queue_depth" not in shown


async def test_with_a_token_everybody_needs_it(world: World) -> None:
    async with pages(world, "open-sesame") as address:
        assert (await get(f"{address}/metrics"))[0] == 403
        assert (await get(f"{address}/metrics", Authorization="Bearer wrong"))[0] == 403
        assert (await get(f"{address}/metrics", Authorization="Bearer open-sesame"))[0] == 200


async def test_a_proxy_on_the_same_machine_does_not_open_the_door(world: World) -> None:
    async with pages(world) as address:
        assert (await get(f"{address}/metrics"))[0] == 200
        assert (await get(f"{address}/metrics", **{"X-Forwarded-For": "203.0.113.9"}))[0] == 403


@pytest.mark.parametrize(
    ("remote", "may"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("192.168.0.9", True), ("::1", True), ("fd00::7", True),
        ("::ffff:10.0.0.1", True), ("8.8.8.8", False), ("::ffff:8.8.8.8", False), ("2001:4860:4860::8888", False),
        ("", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_only_neighbours_may_ask_without_a_token(remote: str, may: bool) -> None:
    request = make_mocked_request("GET", "/metrics").clone(remote=remote)
    assert metrics.allowed(request, "") is may


async def test_messages_and_the_token_of_a_vendor_are_seen(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    async with FakeWecom(("Boss",), clock=clock) as fake, office_of(fake, database, opened, clock) as office:
        await office.join("Boss", role=Role.OPERATOR)
        await office.wecom.check()
        shown = (await office.world.program.board.text()).decode()
    assert 'jiehua_message_seconds_count{platform="wecom"} 1.0' in shown
    assert 'jiehua_token_left_seconds{platform="wecom"}' in shown, "the name of the token is the platform's"


async def test_a_callback_is_timed_and_other_pages_are_not(world: World) -> None:
    app = web.Application(middlewares=[metrics.timing(world.program.meters)])

    async def push(_request: web.Request) -> web.Response:
        return web.Response(status=503)

    app.router.add_post("/callback/wecom", push)
    app.router.add_post("/other", push)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as http:
        for path in ("/callback/wecom", "/other", "/callback/none"):
            async with http.post(address + path):
                pass
    await runner.cleanup()
    shown = (await world.program.board.text()).decode()
    assert 'jiehua_callback_seconds_count{platform="wecom",status="503"} 1.0' in shown
    assert shown.count("jiehua_callback_seconds_count{") == 1


async def test_every_line_about_a_message_carries_its_request(world: World, alice: Friend) -> None:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    logger, handler = logging.getLogger("bot"), Keep()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        await alice.says("帮助", key="twice")
        await alice.says("帮助", key="twice")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    (repeat,) = [entry for entry in map(json.loads, lines) if entry["action"] == "inbox.repeat"]
    assert len(repeat["request"]) == 8
    assert repeat["key"] == "twice"
    assert "帮助" not in "".join(lines)


# --- health


async def test_ready_says_which_part_is_not(world: World) -> None:
    async with pages(world) as address:
        status, body = await get(f"{address}/readyz")
        assert (status, body["status"]) == (200, "ok")
        assert set(body["parts"]) == {"stop", "database", "content", "work"}
        async with world.database.engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        status, body = await get(f"{address}/readyz")
        assert (status, body["status"], body["parts"]["database"]) == (503, "old schema", "old schema")


async def test_not_ready_while_leaving(world: World) -> None:
    async with pages(world) as address:
        await world.program.health.leave()
        status, body = await get(f"{address}/readyz")
        assert (status, body["status"]) == (503, "stopping")
        assert (await get(f"{address}/healthz"))[0] == 200, "it still lives"


async def test_not_ready_when_background_work_is_stuck(world: World) -> None:
    now = [0.0]
    beats = replace(world.program.beats, monotonic=lambda: now[0])
    program = replace(world.program, beats=beats)
    beats.mark("courier")
    now[0] = health.STALE + 1
    parts = await program.health.parts()
    assert parts["work"] == "stuck: courier"
    beats.mark("courier")
    assert (await program.health.parts())["work"] == "ok"


async def test_not_ready_without_content(world: World) -> None:
    checked = health.Health(world.database, lambda: False)
    assert (await checked.parts())["content"] == "no lessons"


async def test_not_alive_when_the_loop_lags(world: World) -> None:
    async with pages(world) as address:
        status, body = await get(f"{address}/healthz")
        assert (status, body["status"]) == (200, "ok")
        for _ in range(10):
            world.program.health.pulse.note(3.0)
        status, body = await get(f"{address}/healthz")
        assert (status, body) == (503, {"status": "stuck", "loop_lag_seconds": 3.0})


async def test_ready_does_not_wait_for_a_dead_database() -> None:
    checked = health.Health(Database("postgresql://nobody@127.0.0.1:1/none"))
    async with asyncio.timeout(health._PATIENCE + 3):
        assert (await checked.parts())["database"] == "no database"
    await checked.database.close()
