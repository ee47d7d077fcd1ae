"""What has changed: joins, moves, renames, leaves and returns, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.directory.diff import diff
from bot.directory.model import (
    DepartmentChange,
    DirDepartment,
    Directory,
    DirPerson,
    Join,
    Known,
    KnownDepartment,
    KnownPerson,
    Leave,
    Move,
    NewDepartment,
    Rename,
    Return,
)

DEPARTMENTS = (DirDepartment("1", "总行"), DirDepartment("2", "客服中心", "1"), DirDepartment("3", "贷后", "1"))
PEOPLE = (DirPerson("lin", "林小满", ("2",)), DirPerson("zhou", "周敏", ("2", "3")))
TOLD = Directory("wecom", DEPARTMENTS, PEOPLE)
KNOWN = Known(
    (
        KnownDepartment(11, "1", "总行"),
        KnownDepartment(12, "2", "客服中心", "1"),
        KnownDepartment(13, "3", "贷后", "1"),
    ),
    (KnownPerson(21, "lin", "林小满", "2"), KnownPerson(22, "zhou", "周敏", "2")),
)


def people(*rows: DirPerson, **changes: object) -> Directory:
    return replace(TOLD, people=rows, **changes)  # type: ignore[arg-type]


def test_nothing_has_changed() -> None:
    found = diff(TOLD, KNOWN, {})
    assert not found
    assert (found.stay, found.stop) == ((), "")


def test_everybody_is_new_to_an_empty_database() -> None:
    found = diff(TOLD, Known((), ()), {})
    assert found.new_departments == (
        NewDepartment("1", "总行", ""),
        NewDepartment("2", "客服中心", "1"),
        NewDepartment("3", "贷后", "1"),
    )
    assert found.joins == (Join("lin", "林小满", "2"), Join("zhou", "周敏", "2")), (
        "the first department is the main one"
    )


def test_somebody_moves_and_is_renamed_in_one_night() -> None:
    found = diff(people(DirPerson("lin", "林晓满", ("3",)), PEOPLE[1]), KNOWN, {})
    assert found.moves == (Move(21, "林小满", "3", "2"),)
    assert found.renames == (Rename(21, "林晓满", "林小满"),)
    assert found.counts() | {"moves": 0, "renames": 0} == dict.fromkeys(found.counts(), 0)


@pytest.mark.parametrize("gone", [(), (DirPerson("zhou", "周敏", ("2",), active=False),)])
def test_who_is_missing_or_inactive_leaves(gone: tuple[DirPerson, ...]) -> None:
    assert diff(people(PEOPLE[0], *gone), KNOWN, {}).leaves == (Leave(22, "周敏"),)


def test_who_comes_back_returns_to_where_they_are_now() -> None:
    away = replace(KNOWN, people=(KNOWN.people[0], replace(KNOWN.people[1], active=False)))
    found = diff(people(PEOPLE[0], DirPerson("zhou", "周敏", ("3",))), away, {})
    assert found.returns == (Return(22, "周敏"),)
    assert found.moves == (Move(22, "周敏", "3", "2"),)
    assert not diff(people(PEOPLE[0]), away, {}), "nobody leaves twice"


def test_who_has_not_started_yet_is_not_added() -> None:
    assert not diff(people(*PEOPLE, DirPerson("new", "新人", ("2",), active=False)), KNOWN, {})


# --- what the sheet decides


@pytest.mark.parametrize("field", ["name", "department"])
def test_what_the_sheet_decides_stays(field: str) -> None:
    changed = people(DirPerson("lin", "林晓满", ("3",)), PEOPLE[1])
    found = diff(changed, KNOWN, {"lin": [field]})
    assert bool(found.renames) == (field != "name")
    assert bool(found.moves) == (field != "department")


def test_who_has_left_by_the_sheet_does_not_come_back_by_the_directory() -> None:
    away = replace(KNOWN, people=(KNOWN.people[0], replace(KNOWN.people[1], active=False)))
    assert not diff(people(PEOPLE[0], DirPerson("zhou", "周小敏", ("3",))), away, {"zhou": ["active"]})


# --- what the vendor keeps back


def test_a_hidden_name_or_department_changes_nothing() -> None:
    assert not diff(people(DirPerson("lin", "", ("2",)), DirPerson("zhou", "周敏", ())), KNOWN, {})
    assert not diff(people(PEOPLE[0], DirPerson("zhou", "周敏", ("99",))), KNOWN, {}), "a department we may not see"
    hidden = diff(replace(TOLD, departments=(DirDepartment("1", ""), *DEPARTMENTS[1:])), KNOWN, {})
    assert not hidden


def test_a_person_without_a_name_is_called_by_their_account() -> None:
    assert diff(people(*PEOPLE, DirPerson("new", "", ("9",))), KNOWN, {}).joins == (Join("new", "new", ""),)


def test_nobody_leaves_by_a_directory_that_is_not_whole() -> None:
    found = diff(people(DirPerson("lin", "林小满", ("2",), active=False), whole=False), KNOWN, {})
    assert found.leaves == (Leave(21, "林小满"),), "who is called inactive has left all the same"
    assert found.stay == ("通讯录没有读全，没看到的 1 人先不动",)


def test_an_account_elsewhere_keeps_a_person() -> None:
    both = replace(KNOWN, people=(KNOWN.people[0], replace(KNOWN.people[1], elsewhere=True)))
    found = diff(people(PEOPLE[0]), both, {})
    assert found.leaves == ()
    assert "1 人这边的账号没有了" in found.stay[0]


def test_a_second_account_keeps_a_person() -> None:
    two = replace(KNOWN, people=(*KNOWN.people, KnownPerson(22, "zhou-old", "周敏", "2")))
    assert not diff(TOLD, two, {})
    assert diff(people(PEOPLE[0]), two, {}).leaves == (Leave(22, "周敏"),), "and they leave once"


# --- departments


def test_departments_are_renamed_and_moved() -> None:
    told = replace(TOLD, departments=(DEPARTMENTS[0], DirDepartment("2", "客户服务部", "3"), DEPARTMENTS[2]))
    assert diff(told, KNOWN, {}).changed_departments == (DepartmentChange(12, "2", "客户服务部", "3", "客服中心", "1"),)


def test_a_department_of_the_sheet_is_adopted_by_its_name() -> None:
    sheet = Known((KnownDepartment(7, "", "客服中心"), KnownDepartment(8, "", "综合部")), ())
    twice = replace(TOLD, departments=(*DEPARTMENTS, DirDepartment("4", "综合部"), DirDepartment("5", "综合部")))
    adopted = {each.external_id: each.adopts for each in diff(twice, sheet, {}).new_departments}
    assert adopted == {"1": None, "2": 7, "3": None, "4": None, "5": None}, "two of one name: nobody knows which"


def test_a_parent_out_of_sight_or_in_a_circle_is_none() -> None:
    told = replace(
        TOLD,
        departments=(DirDepartment("5", "甲", "404"), DirDepartment("6", "乙", "7"), DirDepartment("7", "丙", "6")),
        people=(),
    )
    assert {each.parent for each in diff(told, Known((), ()), {}).new_departments} == {""}


def test_a_department_that_is_gone_stays() -> None:
    found = diff(replace(TOLD, departments=DEPARTMENTS[:2]), KNOWN, {})
    assert not found
    assert found.stay == ("1 个部门在通讯录里看不到了，保留",)


# --- an answer cut short


@pytest.mark.parametrize(
    ("known", "left", "stops"), [(100, 20, False), (100, 21, True), (20, 10, False), (20, 11, True), (1000, 200, False)]
)
def test_too_many_at_once_stop_everything(known: int, left: int, stops: bool) -> None:
    crowd = Known((), tuple(KnownPerson(each, f"p{each}", "某") for each in range(known)))
    told = Directory("wecom", (), tuple(DirPerson(f"p{each}", "某") for each in range(left, known)))
    found = diff(told, crowd, {})
    assert len(found.leaves) == left
    assert bool(found.stop) == stops
    assert not stops or f"{known} 人里有 {left} 人" in found.stop


@pytest.mark.parametrize(("known", "stops"), [(1, False), (2, True), (9, True)])
def test_an_empty_directory_empties_nothing(known: int, stops: bool) -> None:
    crowd = Known((), tuple(KnownPerson(each, f"p{each}", "某") for each in range(known)))
    assert bool(diff(Directory("wecom", (), ()), crowd, {}).stop) == stops


def test_those_who_left_long_ago_do_not_count() -> None:
    gone = tuple(KnownPerson(each, f"g{each}", "某", active=False) for each in range(500))
    crowd = tuple(KnownPerson(1000 + each, f"p{each}", "某") for each in range(50))
    told = Directory("wecom", (), tuple(DirPerson(f"p{each}", "某") for each in range(11, 50)))
    assert diff(told, Known((), (*gone, *crowd)), {}).stop
