"""What an operator hears of: a line in the log at once, and one message a day to everybody with that role."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from bot.alarms import Alarms
from bot.core.clock import ManualClock
from bot.platforms.base import ContactChange, Notice
from storage.database import Database
from storage.models import Inbox, Role
from tests.chat import LESSON, World
from tests.contract.test_delivery import FlakyDatabase
from tests.contract.wecom_office import Office, Opened, office_of
from tests.fakes.wecom import FakeWecom

DISABLED = Notice("wecom", "close_inactive_agent", "应用已被停用。")


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[FakeWecom]:
    async with FakeWecom(("Alice", "Boss"), clock=clock) as fake:
        yield fake
        assert fake.errors == []


@pytest.fixture
async def office(fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock) -> AsyncIterator[Office]:
    """Boss is an operator, Alice is not."""
    async with office_of(fake, database, opened, clock) as office:
        await office.join("Alice")
        await office.join("Boss", role=Role.OPERATOR)
        fake.unread("Boss")
        fake.unread("Alice")
        yield office


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if getattr(r, "action", "") == "platform.alarm"]


async def test_an_app_about_to_be_disabled_reaches_the_operator_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    fake = office.fake
    for _ in range(2):
        pushed = await fake.push_event("sys", "inactive_alert", EffectTime=1796270400)
        assert (pushed.accepted, pushed.reply) == (True, None)
        fake.advance(5)
    await office.deliver()
    (heard,) = fake.unread("Boss")
    assert heard.startswith("**企业微信要处理一下**")
    assert "停用它" in heard
    assert fake.unread("Alice") == []
    assert len(alarms(caplog)) == 1
    assert await office.count(Inbox) == 2, "an alert is no message"


async def test_the_next_day_it_is_said_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    boss = await world.person("老杨", "信息部", Role.OPERATOR, learns=False)
    alarm = Alarms(world.database, world.clock)
    for hours, heard in ((0, 1), (2, 0), (22, 1)):
        world.clock.advance(hours=hours)
        await alarm(DISABLED)
        assert len(await boss.reads()) == heard
    assert len(alarms(caplog)) == 3, "the log hears of it every hour"


async def test_two_replicas_say_it_once(world: World) -> None:
    boss = await world.person("老杨", "信息部", Role.OPERATOR, learns=False)
    for _ in range(2):
        await Alarms(world.database, world.clock)(DISABLED)
    assert len(await boss.reads()) == 1


async def test_with_a_busy_database_it_stands_in_the_log(
    world: World, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await world.person("老杨", "信息部", Role.OPERATOR, learns=False)
    flaky = FlakyDatabase(database_url)
    flaky.busy = 1
    await Alarms(flaky, world.clock)(DISABLED)
    await flaky.close()
    assert alarms(caplog) == ["应用已被停用。", "the database was busy; the alarm stands only here"]


async def test_an_address_that_is_not_trusted_is_named_to_the_operator(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    fake = office.fake
    await office.world.campaign(LESSON)
    fake.trusted_ips = set()
    await office.world.at("09:20")
    fake.advance(700)
    await office.deliver()
    assert len(alarms(caplog)) == 1
    assert "127.0.0.1" in alarms(caplog)[0]
    fake.trusted_ips = None
    fake.advance(700)
    await office.deliver()
    heard = fake.unread("Boss")
    assert sum("企业可信IP" in text for text in heard) == 1
    assert any("今日一题" in text for text in fake.unread("Alice")), "what waited for the setting arrives"


async def test_without_a_callback_address_cards_become_words_and_the_operator_hears_why(office: Office) -> None:
    fake = office.fake
    fake.vendor.cards.callback = False
    await office.says("Alice", "话术 退费")
    assert any("可以回复：「1」" in text for text in fake.unread("Alice"))
    await office.deliver()
    assert [text for text in fake.unread("Boss") if "接收消息" in text]


async def test_a_change_of_the_directory_goes_to_whom_it_concerns(
    fake: FakeWecom, database: Database, opened: Opened, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    changes: list[ContactChange] = []

    async def on_contact(change: ContactChange) -> None:
        changes.append(change)

    async with office_of(fake, database, opened, clock, on_contact=on_contact) as office:
        xml = fake.callbacks.event("sys", "change_contact", ChangeType="delete_user", UserID="zhangsan").xml
        query, body = fake.callbacks.envelope(xml.replace("<AgentID>1000002</AgentID>", ""))
        assert await fake.callbacks.post(query, body) == (200, b"")
        assert await office.count(Inbox) == 0
    assert [(change.what, change.subject) for change in changes] == [("delete_user", "zhangsan")]
    assert "contact.changed" in [getattr(record, "action", "") for record in caplog.records]
    assert "zhangsan" not in caplog.text
