"""People follow the vendors' directories: on demand, every night once, and person by person; on both databases."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from sqlmodel import select

from bot.core.clock import SHANGHAI, ManualClock
from bot.core.errors import Temporary
from bot.directory import Stopped
from bot.platforms.base import ContactChange, Notice
from bot.sync import Sync
from storage import people
from storage.database import Database
from storage.models import Delivery, Department, Firing, Identity, Person
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running as dingtalk_running
from tests.fakes.dingtalk.contacts import FakeContacts as DingTalkOrg
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.bot import running as wecom_running
from tests.fakes.wecom.contacts import FakeContacts as WecomOrg

Org = WecomOrg | DingTalkOrg
NIGHT = datetime(2026, 11, 24, 3, 40, tzinfo=SHANGHAI)


@dataclass
class Office:
    """An organisation on one platform, and the bot that follows it."""

    org: Org
    sync: Sync
    database: Database
    clock: ManualClock
    told: list[Notice]

    @property
    def platform(self) -> str:
        return next(iter(self.sync.sources))

    async def run(self, *, confirmed: bool = False) -> dict[str, int]:
        changes = (await self.sync.run(self.platform, confirmed=confirmed)).changes
        return {name: count for name, count in changes.counts().items() if count}

    async def people(self) -> dict[str, tuple[str, str, bool]]:
        """By user id: name, department, active."""
        query = (
            select(Identity.external_id, Person.name, Department.name, Person.active)
            .join(Person, Identity.person_id == Person.id)  # type: ignore[arg-type]
            .join(Department, Person.department_id == Department.id)  # type: ignore[arg-type]
        )
        async with self.database.reading() as tx:
            return {row[0]: (row[1], row[2], row[3]) for row in await tx.execute(query)}


async def never(_seconds: float) -> None:
    """A pause of no time."""


def staff(org: Org) -> Org:
    """A call centre of two teams and a branch, with ten people each."""
    for number, name, parent in ((2, "客服中心", 1), (3, "一组", 2), (4, "城东支行", 1)):
        org.department(number, name, parent)
    for number in range(10):
        org.hire(f"a{number}", f"甲{number}", 3)
        org.hire(f"b{number}", f"乙{number}", 4)
    return org


@pytest.fixture(params=["wecom", "dingtalk"])
async def office(request: pytest.FixtureRequest, database: Database, clock: ManualClock) -> AsyncIterator[Office]:
    told: list[Notice] = []

    async def alarm(notice: Notice) -> None:
        told.append(notice)

    if request.param == "wecom":
        async with FakeWecom(members=[], clock=clock) as wecom_fake, wecom_running(wecom_fake) as wecom:
            wecom.contacts._pause = never
            sync = Sync(database, {"wecom": wecom.contacts}, clock, SHANGHAI, alarm, automatic=True)
            yield Office(staff(WecomOrg(wecom_fake)), sync, database, clock, told)
        return
    async with FakeDingTalk(members=[], clock=clock) as ding_fake, dingtalk_running(ding_fake) as dingtalk:
        dingtalk.contacts._pause = never
        sync = Sync(database, {"dingtalk": dingtalk.contacts}, clock, SHANGHAI, alarm, automatic=True)
        yield Office(staff(DingTalkOrg(ding_fake)), sync, database, clock, told)


async def test_an_organisation_is_taken_over_and_followed(office: Office) -> None:
    assert await office.run() == {"new_departments": 4, "joins": 20}
    assert await office.run() == {}
    office.org.members[0].departments = [2]
    office.org.members[1].name = "乙零零"
    office.org.fire("a1")
    office.org.department(4, "城东第一支行", 2)
    office.org.hire("new", "新人", 4)
    assert await office.run() == {"changed_departments": 1, "joins": 1, "moves": 1, "renames": 1, "leaves": 1}
    found = await office.people()
    assert found["a0"] == ("甲0", "客服中心", True)
    assert found["b0"] == ("乙零零", "城东第一支行", True)
    assert found["a1"] == ("甲1", "一组", False)
    assert found["new"] == ("新人", "城东第一支行", True)
    office.org.hire("a1", "甲1", 3)
    assert await office.run() == {"returns": 1}


async def test_comparing_writes_nothing(office: Office) -> None:
    compared = await office.sync.compare(office.platform)
    assert len(compared.changes.joins) == 20
    assert await office.people() == {}


async def test_an_answer_cut_short_empties_nothing(office: Office) -> None:
    await office.run()
    for number in range(10):
        office.org.fire(f"a{number}")
    office.org.fire("b0")
    with pytest.raises(Stopped, match="20 人里有 11 人"):
        await office.run()
    assert all(active for _, _, active in (await office.people()).values())
    assert await office.run(confirmed=True) == {"leaves": 11}


async def test_a_reading_that_breaks_off_changes_nothing(office: Office) -> None:
    await office.run()
    route = "user/list" if office.platform == "wecom" else "topapi/v2/user/list"
    office.org.hire("new", "新人", 4)
    office.org.fake.fault(route, "truncated", times=9)
    with pytest.raises(Temporary):
        await office.run()
    assert "new" not in await office.people()


# --- every night


async def test_every_night_once_whichever_replica(office: Office) -> None:
    twin = replace(office.sync)
    office.clock.set(NIGHT.replace(hour=3, minute=39))
    assert await office.sync.nightly() == 0
    office.clock.set(NIGHT)
    assert sum(await asyncio.gather(office.sync.nightly(), twin.nightly())) == 1
    assert len(await office.people()) == 20
    for hour, minute in ((3, 41), (4, 10), (4, 40), (5, 59), (6, 0), (12, 0)):
        office.clock.set(NIGHT.replace(hour=hour, minute=minute))
        assert await office.sync.nightly() == await twin.nightly() == 0
    office.org.hire("new", "新人", 4)
    office.clock.set(NIGHT.replace(day=25, minute=55))
    assert await twin.nightly() == 1
    assert "new" in await office.people()


async def test_switched_off_nothing_happens_unasked(office: Office) -> None:
    off = replace(office.sync, automatic=False)
    office.clock.set(NIGHT)
    assert await off.nightly() == 0
    await off.on_contact(ContactChange(office.platform, "create_user", "a0", person=True))
    assert await off.catch_up() == 0


async def test_a_busy_vendor_gets_two_more_tries_and_then_the_operator_hears(office: Office) -> None:
    route = "department/list" if office.platform == "wecom" else "auth/scopes"
    office.org.fake.fault(route, "errcode", code=-1, times=9)
    for minute, told in ((0, 0), (30, 0), (60, 1)):
        office.clock.set(NIGHT)
        office.clock.advance(minutes=minute)
        assert await office.sync.nightly() == 0
        assert len(office.told) == told
    assert "没有读成" in office.told[0].words
    async with office.database.reading() as tx:
        assert [row.outcome for row in await tx.scalars(select(Firing))] == ["failed"] * 3


async def test_a_wrong_setting_is_told_at_once_with_advice(office: Office) -> None:
    if isinstance(office.org, WecomOrg):
        office.org.fake.trusted_ips = set()
    else:
        office.org.permitted = False
    office.clock.set(NIGHT)
    assert await office.sync.nightly() == 0
    assert "127.0.0.1" in office.told[0].words or "权限管理" in office.told[0].words
    if isinstance(office.org, WecomOrg):
        office.org.fake.trusted_ips = None
    else:
        office.org.permitted = True
    office.clock.advance(minutes=30)
    assert await office.sync.nightly() == 1, "mended in time for the next try"


async def test_a_stop_at_night_is_told_once(office: Office) -> None:
    await office.run()
    for number in range(10):
        office.org.fire(f"a{number}")
        office.org.fire(f"b{number}")
    for minute in (0, 30, 60):
        office.clock.set(NIGHT)
        office.clock.advance(minutes=minute)
        await office.sync.nightly()
    assert [notice.code for notice in office.told] == ["directory-stop"]
    assert "jiehua people sync --force" in office.told[0].words
    assert all(active for _, _, active in (await office.people()).values())


# --- person by person


async def changed(office: Office, what: str, subject: str, renamed: str = "") -> None:
    change = ContactChange(
        office.platform, what, subject, person="party" not in what and "dept" not in what, renamed=renamed
    )
    await office.sync.on_contact(change)
    await office.sync.catch_up()


async def test_one_person_is_taken_over(office: Office) -> None:
    await office.run()
    office.org.hire("new", "新人", 4)
    office.org.members[0].departments = [2]
    await changed(office, "create_user", "new")
    found = await office.people()
    assert found["new"] == ("新人", "城东支行", True)
    assert found["a0"][1] == "一组", "only the one that was named"
    office.org.fire("new")
    await changed(office, "user_leave_org", "new")
    assert (await office.people())["new"] == ("新人", "城东支行", False)
    await changed(office, "delete_party", "4")
    await changed(office, "delete_user", "nobody")
    assert "nobody" not in await office.people()


async def test_departments_are_read_once_they_have_come_to_rest(office: Office, clock: ManualClock) -> None:
    await office.run()
    office.org.members[0].departments = [4]
    office.org.hire("new", "新人", 4)
    for _ in range(3):
        await changed(office, "update_party", "4")
        clock.advance(seconds=100)
        await changed(office, "org_dept_modify" if office.platform == "dingtalk" else "update_party", "4")
    assert "new" not in await office.people(), "one event after the other"
    clock.advance(seconds=121)
    assert await office.sync.catch_up() == 1
    found = await office.people()
    assert (found["new"], found["a0"][1]) == (("新人", "城东支行", True), "城东支行")
    assert await office.sync.catch_up() == 0


async def test_departments_that_never_come_to_rest_are_read_after_a_quarter_of_an_hour(
    office: Office, clock: ManualClock
) -> None:
    await office.run()
    office.org.hire("new", "新人", 4)
    for _ in range(10):
        await changed(office, "update_party", "4")
        clock.advance(seconds=100)
    assert (await office.people())["new"] == ("新人", "城东支行", True)


async def test_a_vendor_too_busy_for_departments_is_left_to_the_night(office: Office, clock: ManualClock) -> None:
    await office.run()
    route = "department/list" if office.platform == "wecom" else "topapi/v2/department/listsub"
    office.org.fake.fault(route, "errcode", code=-1, times=9)
    await changed(office, "delete_party", "4")
    clock.advance(seconds=121)
    assert await office.sync.catch_up() == 1
    assert all(active for _, _, active in (await office.people()).values())
    assert office.told == []


async def test_a_user_id_changes(office: Office) -> None:
    await office.run()
    office.org.members[0].userid = "a00"
    await changed(office, "update_user", "a0", renamed="a00")
    found = await office.people()
    assert "a0" not in found
    assert found["a00"] == ("甲0", "一组", True)


async def test_a_person_the_vendor_will_not_show_now_waits_for_the_night(office: Office) -> None:
    await office.run()
    route = "user/get" if office.platform == "wecom" else "topapi/v2/user/get"
    office.org.fake.fault(route, "errcode", code=-1, times=9)
    await changed(office, "update_user", "a0")
    await changed(office, "update_user", "a1")
    assert all(active for _, _, active in (await office.people()).values())


async def test_no_push_goes_to_who_left_and_no_secret_into_the_log(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "bot"):
        await office.run()
        office.org.fire("a0")
        await office.run()
    async with office.database.reading() as tx:
        assert await people.learners(tx)
        assert "a0" not in {row.recipient for row in await tx.scalars(select(Delivery))}
    for secret in (office.org.fake.secret, "甲0"):
        assert secret not in caplog.text
