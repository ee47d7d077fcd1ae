"""A contact event over each vendor's real wire leads to that one person being read again; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from bot import app, config
from bot.core.clock import ManualClock
from bot.library import ContentLibrary
from bot.platforms.dingtalk.events import contact_changes
from handlers.context import Desk
from storage import people
from storage.database import Database
from storage.models import Person
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.contacts import FakeContacts as DingTalkOrg
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.contacts import FakeContacts as WecomOrg

Opened = tuple[ContentLibrary, Desk]


@asynccontextmanager
async def serving(
    database: Database, opened: Opened, clock: ManualClock, environment: dict[str, str]
) -> AsyncIterator[tuple[app.Program, str]]:
    """The whole bot behind a port, following its directories."""
    settings = config.read(environment | {"JIEHUA_DIRECTORY_SYNC": "on"})
    program = app.build(settings, clock, database, (opened[0], replace(opened[1], settings=settings)))
    runner = web.AppRunner(program.web, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield program, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def found(database: Database, platform: str, account: str) -> Person | None:
    async with database.reading() as tx:
        return await people.by_identity(tx, platform, account)


async def test_wecom_tells_who_changed(database: Database, opened: Opened, clock: ManualClock) -> None:
    async with FakeWecom(members=[], clock=clock) as fake, serving(database, opened, clock, fake.environment()) as bot:
        program, fake.bot_url = bot
        corp = WecomOrg(fake)
        corp.hire("LinXM", "林小满", 1)
        for what in ("create_user", "update_party"):
            pushed = await fake.push_event("sys", "change_contact", ChangeType=what, UserID="LinXM")
            assert pushed.accepted
        await program.sync.catch_up()
        person = await found(database, "wecom", "linxm")
        assert person is not None
        assert (person.name, person.active) == ("林小满", True)
        corp.fire("LinXM")
        await fake.push_event("sys", "change_contact", ChangeType="delete_user", UserID="LINXM")
        await program.sync.catch_up()
        gone = await found(database, "wecom", "linxm")
        assert gone is not None
        assert not gone.active


async def test_dingtalk_tells_who_left(database: Database, opened: Opened, clock: ManualClock) -> None:
    async with FakeDingTalk(members=[], clock=clock) as fake:
        org = DingTalkOrg(fake)
        org.hire("Manager4220", "苏芸", 1)
        async with serving(database, opened, clock, fake.environment()) as (program, _):
            await program.sync.run("dingtalk")
            await fake.listening()
            org.fire("Manager4220")
            pushed = await fake.event({"eventId": "e", "userId": ["Manager4220"]})
            assert pushed.acks[-1].data["status"] == "SUCCESS"
            await program.sync.catch_up()
            person = await found(database, "dingtalk", "Manager4220")
            assert person is not None
            assert not person.active


async def test_dingtalk_over_http(database: Database, opened: Opened, clock: ManualClock) -> None:
    async with FakeDingTalk(members=[], clock=clock) as fake:
        org = DingTalkOrg(fake)
        org.hire("Manager4220", "苏芸", 1)
        sealed = {"EVENT_TOKEN": fake.http.event_token, "EVENT_AES_KEY": fake.http.aes_key}
        environment = fake.environment(MODE="http", **sealed)
        async with serving(database, opened, clock, environment) as (program, address):
            fake.http.url = f"{address}/callback/dingtalk"
            assert await fake.http.event({"EventType": "user_add_org", "CorpId": "c", "UserId": ["Manager4220"]})
            assert await fake.http.event({"EventType": "org_dept_create", "CorpId": "c", "DeptId": [7]})
            await program.sync.catch_up()
            person = await found(database, "dingtalk", "Manager4220")
            assert person is not None
            assert person.name == "苏芸"


@pytest.mark.parametrize(
    ("data", "what", "subjects"),
    [
        ({"userId": ["a", "b"]}, "user_modify_org", ["a", "b"]),
        ({"EventType": "user_add_org", "UserId": ["a"]}, "", ["a"]),
        ({"userId": "a"}, "user_leave_org", ["a"]),
        ({"userId": ["a"]}, "user_active_org", ["a"]),
        ({"deptId": [7, 8]}, "org_dept_remove", ["7", "8"]),
        ({"userId": ["a"]}, "bpms_task_change", []),
        ({"EventType": "check_url"}, "", []),
        ({}, "user_add_org", []),
        ({"userId": [None, {}, "a"]}, "user_add_org", ["a"]),
    ],
)
def test_what_an_event_says(data: dict[str, object], what: str, subjects: list[str]) -> None:
    changes = contact_changes(data, what)
    assert [change.subject for change in changes] == subjects
    assert {change.platform for change in changes} <= {"dingtalk"}
