"""Reading WeCom's directory: what a visible range shows, what is kept back, and what a refusal means."""

from __future__ import annotations

import pytest

from bot.core.errors import Misconfigured, Temporary
from bot.directory.model import DirDepartment, DirPerson
from bot.platforms.wecom import Wecom
from bot.platforms.wecom.contacts import NO_NAMES, NO_PEOPLE_NAMES, NO_RANGE, NO_STATUS, NO_TAG
from tests.fakes.wecom import FakeWecom
from tests.fakes.wecom.contacts import FakeContacts


@pytest.fixture
def corp(fake: FakeWecom) -> FakeContacts:
    """A bank with a call centre of two teams and a branch."""
    corp = FakeContacts(fake)
    for number, name, parent in ((2, "客服中心", 1), (3, "一组", 2), (4, "城东支行", 1)):
        corp.department(number, name, parent)
    corp.hire("LinXM", "林小满", 3)
    corp.hire("zhoumin", "周敏", 2, 4)
    corp.hire("wuyue", "吴越", 4, status=2)
    return corp


async def test_everything_in_the_visible_range(corp: FakeContacts, wecom: Wecom) -> None:
    found = await wecom.contacts.read()
    assert set(found.departments) == {
        DirDepartment("1", "演示银行"),
        DirDepartment("2", "客服中心", "1"),
        DirDepartment("3", "一组", "2"),
        DirDepartment("4", "城东支行", "1"),
    }
    assert set(found.people) == {
        DirPerson("linxm", "林小满", ("3",)),
        DirPerson("zhoumin", "周敏", ("2", "4")),
        DirPerson("wuyue", "吴越", ("4",), active=False),
    }
    assert (found.platform, found.gaps, found.whole) == ("wecom", (), True)


@pytest.mark.parametrize(("status", "active"), [(1, True), (2, False), (4, False), (5, False)])
async def test_only_activated_members_are_active(corp: FakeContacts, wecom: Wecom, status: int, active: bool) -> None:
    corp.members[0].status = status
    person = await wecom.contacts.person("LINXM")
    assert person == DirPerson("linxm", "林小满", ("3",), active)


async def test_the_range_is_part_of_the_corp(corp: FakeContacts, wecom: Wecom) -> None:
    corp.range_departments, corp.range_users = {2}, {"WuYue"}
    found = await wecom.contacts.read(also=["zhoumin", "nobody"])
    assert {department.external_id for department in found.departments} == {"2", "3"}
    assert {person.external_id for person in found.people if person.active} == {"linxm", "zhoumin"}
    assert {person.external_id for person in found.people} == {"linxm", "zhoumin", "wuyue", "nobody"}


async def test_a_range_of_single_members_only(corp: FakeContacts, wecom: Wecom) -> None:
    corp.range_departments, corp.range_users = set(), {"LinXM"}
    found = await wecom.contacts.read(also=["zhoumin"])
    assert found.departments == ()
    assert found.people == (DirPerson("linxm", "林小满", ("3",)), DirPerson("zhoumin", "", (), active=False))


async def test_who_is_not_there_is_asked_for_by_name(corp: FakeContacts, wecom: Wecom) -> None:
    corp.fire("zhoumin")
    found = await wecom.contacts.read(also=["linxm", "zhoumin"])
    assert DirPerson("zhoumin", "", (), active=False) in found.people
    asked = corp.fake.requests("user/get")
    assert [request.errcode for request in asked] == [60111], "who is shown by a department is not asked for again"


@pytest.mark.parametrize(
    ("field", "gap"),
    [("status", NO_STATUS), ("name", NO_PEOPLE_NAMES), ("department_name", NO_NAMES), ("main_department", None)],
)
async def test_what_is_kept_back_stays_empty_and_is_said(
    corp: FakeContacts, wecom: Wecom, field: str, gap: str | None
) -> None:
    corp.hidden.add(field)
    found = await wecom.contacts.read()
    assert found.gaps == ((gap,) if gap else ())
    assert found.whole
    assert len(found.people) == 3
    if field == "status":
        assert all(person.active for person in found.people)
    if field == "name":
        assert {person.name for person in found.people} == {""}


async def test_without_the_right_to_details_the_short_list_serves(corp: FakeContacts, wecom: Wecom) -> None:
    corp.fake.fault("user/list", "errcode", code=48002)
    found = await wecom.contacts.read()
    assert {person.name for person in found.people} == {"林小满", "周敏", "吴越"}
    assert found.gaps == (NO_STATUS,)
    assert len(corp.fake.requests("user/list")) == 0, "it is tried once"


async def test_without_the_right_to_names_of_departments(corp: FakeContacts, wecom: Wecom) -> None:
    corp.fake.fault("department/list", "errcode", code=48002)
    found = await wecom.contacts.read()
    assert {(each.external_id, each.name, each.parent) for each in found.departments} == {
        ("1", "", ""),
        ("2", "", "1"),
        ("3", "", "2"),
        ("4", "", "1"),
    }
    assert found.gaps == (NO_NAMES,)


async def test_without_the_right_to_the_app(corp: FakeContacts, wecom: Wecom) -> None:
    corp.fake.fault("agent/get", "errcode", code=48002)
    assert (await wecom.contacts.read()).gaps == (NO_RANGE,)


@pytest.mark.parametrize("code", [60011, 60021, 60003])
async def test_a_department_that_refuses_leaves_a_gap(corp: FakeContacts, wecom: Wecom, code: int) -> None:
    corp.fake.fault("user/list", "errcode", code=code)
    found = await wecom.contacts.read()
    assert not found.whole, "so nobody is taken for gone"
    assert any("不让读" in gap for gap in found.gaps)


async def test_people_and_departments_of_a_tag_are_found(corp: FakeContacts, wecom: Wecom) -> None:
    corp.range_departments, corp.range_tags = {4}, {7, 8}
    corp.tags = {7: ({"LinXM"}, set()), 8: (set(), {2, 4}), 9: ({"nobody"}, {1})}
    corp.hire("he", "何静", 1)
    found = await wecom.contacts.read()
    assert [department.external_id for department in found.departments] == ["4", "3", "2"]
    assert {person.external_id for person in found.people} == {"linxm", "zhoumin", "wuyue"}
    assert (found.gaps, found.whole) == ((), True)


async def test_a_person_whom_only_a_tag_shows(corp: FakeContacts, wecom: Wecom) -> None:
    corp.range_departments, corp.range_tags, corp.tags = set(), {7}, {7: ({"LinXM"}, set())}
    found = await wecom.contacts.read()
    assert found.people == (DirPerson("linxm", "林小满", ("3",)),)
    assert (found.departments, found.whole) == ((), True)


async def test_a_tag_that_refuses_is_a_gap(corp: FakeContacts, wecom: Wecom) -> None:
    corp.range_tags = {6, 7}
    found = await wecom.contacts.read()
    assert found.gaps == (NO_TAG,)
    assert found.whole, "who is known is asked for by name"


@pytest.mark.parametrize("route", ["department/list", "user/list", "agent/get"])
async def test_an_address_that_may_not_read_contacts_fails_as_a_whole(
    corp: FakeContacts, wecom: Wecom, route: str
) -> None:
    corp.fake.fault(route, "errcode", code=48009)
    with pytest.raises(Misconfigured, match="48009") as caught:
        await wecom.contacts.read()
    assert "可信IP" in caught.value.advice


@pytest.mark.parametrize(
    "text", ['{"errcode":0,"errmsg":"ok"}', '{"errcode":0,"userlist":[1]}', '{"errcode":0,"userlist":[{}]}']
)
async def test_half_an_answer_is_no_answer(corp: FakeContacts, wecom: Wecom, text: str) -> None:
    waits = paused(wecom)
    corp.fake.fault("user/list", "json", text=text, times=9)
    with pytest.raises(Temporary):
        await wecom.contacts.read()
    assert len(waits) <= 2


async def test_a_busy_vendor_is_asked_again(corp: FakeContacts, wecom: Wecom) -> None:
    waits = paused(wecom)
    corp.fake.fault("user/list", "errcode", code=-1, times=2)
    assert (await wecom.contacts.read()).whole
    assert waits == [1, 2]
    corp.fake.fault("user/list", "errcode", code=45009, times=3)
    with pytest.raises(Temporary, match="45009"):
        await wecom.contacts.read()
    assert waits == [1, 2, 60, 60]


async def test_the_app_as_the_console_shows_it(corp: FakeContacts, wecom: Wecom) -> None:
    corp.domain, corp.closed, corp.range_users = "coach.example.com:443", True, {"LinXM"}
    app = await wecom.contacts.app()
    assert (app.name, app.closed, app.domain) == ("接话教练", True, "coach.example.com:443")
    assert (app.users, app.departments) == ({"linxm"}, {"1"})


def paused(wecom: Wecom) -> list[float]:
    """The seconds waited from now on, without waiting."""
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    wecom.contacts._pause = pause
    return waits
