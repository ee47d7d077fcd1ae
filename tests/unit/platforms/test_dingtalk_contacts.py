"""Reading DingTalk's directory: one level at a time, pages, ranges, and what a refusal means."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.clock import ManualClock
from bot.core.errors import Misconfigured, Permanent, Temporary
from bot.directory.model import DirDepartment, DirPerson
from bot.platforms.dingtalk import DingTalk
from bot.platforms.dingtalk.contacts import NO_NAMES
from tests.fakes.dingtalk import FakeDingTalk
from tests.fakes.dingtalk.bot import running
from tests.fakes.dingtalk.contacts import FakeContacts

LIST, SUBS, GET = "topapi/v2/user/list", "topapi/v2/department/listsub", "topapi/v2/user/get"


@pytest.fixture
async def org(clock: ManualClock) -> AsyncIterator[FakeContacts]:
    """A bank with a call centre of two teams and a branch."""
    async with FakeDingTalk(members=[], clock=clock) as fake:
        org = FakeContacts(fake)
        for number, name, parent in ((2, "客服中心", 1), (3, "一组", 2), (4, "城东支行", 1)):
            org.department(number, name, parent)
        org.hire("LinXM", "林小满", 3)
        org.hire("zhoumin", "周敏", 2, 4)
        org.hire("wuyue", "吴越", 4, active=False)
        org.hire("head", "行长", 1)
        yield org


@pytest.fixture
async def dingtalk(org: FakeContacts) -> AsyncIterator[DingTalk]:
    async with running(org.fake) as dingtalk:
        yield dingtalk


@pytest.fixture
def waits(dingtalk: DingTalk) -> list[float]:
    """The seconds waited, without waiting."""
    found: list[float] = []

    async def pause(seconds: float) -> None:
        found.append(seconds)

    dingtalk.contacts._pause = pause
    return found


async def test_every_level_and_everybody(org: FakeContacts, dingtalk: DingTalk) -> None:
    found = await dingtalk.contacts.read()
    assert set(found.departments) == {
        DirDepartment("1", "演示银行"),
        DirDepartment("2", "客服中心", "1"),
        DirDepartment("3", "一组", "2"),
        DirDepartment("4", "城东支行", "1"),
    }
    assert set(found.people) == {
        DirPerson("LinXM", "林小满", ("3",)),
        DirPerson("zhoumin", "周敏", ("2", "4")),
        DirPerson("wuyue", "吴越", ("4",), active=False),
        DirPerson("head", "行长", ("1",)),
    }, "user ids are spelt exactly"
    assert (found.platform, found.gaps, found.whole) == ("dingtalk", (), True)


@pytest.mark.parametrize("empty_pages", [False, True])
async def test_all_pages_are_read(org: FakeContacts, dingtalk: DingTalk, empty_pages: bool) -> None:
    org.empty_pages, org.page = empty_pages, 2
    for number in range(7):
        org.hire(f"p{number}", f"某{number}", 3)
    found = await dingtalk.contacts.read()
    assert len(found.people) == 11
    assert found.whole


async def test_who_slips_between_two_pages_is_asked_for(org: FakeContacts, dingtalk: DingTalk) -> None:
    """Somebody leaves while the pages are read: everybody after them moves up, and one is on no page."""
    org.page = 2
    for number in range(6):
        org.hire(f"p{number}", f"某{number}", 3)

    def leave() -> None:
        if any(member.userid == "p0" for member in org.members) and len(org.fake.requests(LIST)) >= 2:
            org.fire("p0")

    org.after_page = leave
    known = [member.userid for member in org.members]
    found = {person.external_id: person.active for person in (await dingtalk.contacts.read(also=known)).people}
    assert all(found[f"p{number}"] for number in range(1, 6)), "nobody who is there is taken for gone"
    assert org.fake.requests(GET), "somebody was on no page"


async def test_a_range_of_a_department_and_a_person(org: FakeContacts, dingtalk: DingTalk) -> None:
    org.scope_departments, org.scope_users = [2], ["head"]
    found = await dingtalk.contacts.read(also=["wuyue", "nobody"])
    assert {(each.external_id, each.parent) for each in found.departments} == {("2", "1"), ("3", "2")}
    assert {person.external_id for person in found.people if person.active} == {"LinXM", "zhoumin", "head"}
    assert {person.external_id for person in found.people if not person.active} == {"wuyue", "nobody"}
    assert found.whole


async def test_a_department_that_refuses_leaves_a_gap(org: FakeContacts, dingtalk: DingTalk) -> None:
    org.fake.fault(LIST, "errcode", code=60011)
    found = await dingtalk.contacts.read()
    assert not found.whole
    assert any("不让读" in gap for gap in found.gaps)


async def test_a_root_without_a_name(org: FakeContacts, dingtalk: DingTalk) -> None:
    org.fake.fault("topapi/v2/department/get", "errcode", code=60011)
    found = await dingtalk.contacts.read()
    assert DirDepartment("1", "") in found.departments
    assert (found.gaps, found.whole) == ((NO_NAMES,), True)


@pytest.mark.parametrize(
    ("code", "kind"), [(88, Misconfigured), (60020, Misconfigured), (90020, Misconfigured), (41, Permanent)]
)
async def test_what_needs_an_operator_fails_as_a_whole(
    org: FakeContacts, dingtalk: DingTalk, code: int, kind: type[Exception]
) -> None:
    org.fake.fault(LIST, "errcode", code=code)
    with pytest.raises(kind, match=str(code)):
        await dingtalk.contacts.read()


async def test_missing_rights_say_what_to_open(org: FakeContacts, dingtalk: DingTalk) -> None:
    org.permitted = False
    with pytest.raises(Misconfigured, match="88 60011") as caught:
        await dingtalk.contacts.read()
    assert "权限管理" in caught.value.advice


async def test_a_busy_vendor_is_asked_again(org: FakeContacts, dingtalk: DingTalk, waits: list[float]) -> None:
    org.fake.fault(LIST, "errcode", code=90018, times=2)
    assert (await dingtalk.contacts.read()).whole
    assert waits == [1, 1]
    org.fake.vendor.banned = "json"
    with pytest.raises(Temporary, match="拦了"):
        await dingtalk.contacts.read()


@pytest.mark.parametrize(
    "text",
    [
        '{"errcode":0}',
        '{"errcode":0,"result":{"has_more":false}}',
        '{"errcode":0,"result":{"has_more":false,"list":[{}]}}',
        '{"errcode":0,"result":{"has_more":true,"list":[]}}',
        '{"errcode":0,"result":{"has_more":true,"next_cursor":0,"list":[]}}',
        '{"result":{}}',
    ],
)
async def test_half_an_answer_is_no_answer(
    org: FakeContacts, dingtalk: DingTalk, waits: list[float], text: str
) -> None:
    org.fake.fault(LIST, "json", text=text, times=9)
    with pytest.raises(Temporary):
        await dingtalk.contacts.read()


async def test_a_dead_token_is_renewed(org: FakeContacts, dingtalk: DingTalk) -> None:
    await dingtalk.contacts.read()
    org.fake.vendor.expire_token()
    assert (await dingtalk.contacts.person("LinXM")).name == "林小满"
    assert await dingtalk.contacts.person("linxm") == DirPerson("linxm", "", active=False), "case matters"
