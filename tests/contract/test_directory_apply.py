"""Writing a directory's changes, on both databases: afterwards we know what the directory says, and nobody is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel import select

from bot.core.messages import say
from bot.directory import Directory, Stopped, apply, diff, load
from bot.directory.model import Changes, DirDepartment, DirPerson, Known
from storage import audit, deliveries, people
from storage.database import Database
from storage.deliveries import Owed
from storage.models import Audit, Delivery, Department, Identity, Person
from tests.chat import World

NOW = datetime(2026, 11, 22, 19, 40, tzinfo=UTC)
TREE = (DirDepartment("1", "总行"), DirDepartment("2", "客服中心", "1"), DirDepartment("3", "一组", "2"))
TOLD = Directory("wecom", TREE, (DirPerson("lin", "林小满", ("3",)), DirPerson("zhou", "周敏", ("2",))))


async def take(database: Database, directory: Directory, *, confirmed: bool = False) -> Changes:
    """Compare and write, as one night does."""
    async with database.transaction() as tx:
        changes = diff(directory, *await load(tx, directory.platform))
        await apply(tx, changes, NOW, confirmed=confirmed)
    return changes


async def known(database: Database, platform: str = "wecom") -> Known:
    async with database.reading() as tx:
        return (await load(tx, platform))[0]


async def paths(database: Database) -> dict[str, str]:
    """Each department's names from the top, by the stored paths."""
    async with database.reading() as tx:
        rows = await people.departments(tx)
    return {d.name: "/".join(rows[int(key)].name for key in d.path.strip("/").split("/")) for d in rows.values()}


async def test_a_directory_is_taken_over(database: Database) -> None:
    assert (await take(database, TOLD)).counts()["joins"] == 2
    assert (await paths(database)) | {"未分组": ""} == {
        "总行": "总行",
        "客服中心": "总行/客服中心",
        "一组": "总行/客服中心/一组",
        "未分组": "",
    }
    async with database.reading() as tx:
        lin = await people.by_identity(tx, "wecom", "lin")
        assert lin is not None
        assert (lin.name, lin.learns, lin.active) == ("林小满", True, True)
        assert (await people.addresses(tx, [lin.id or 0])) == {lin.id: ("wecom", "lin")}
        entry = (await audit.entries(tx))[0]
        assert (entry.action, entry.subject, entry.detail) == (
            "directory.sync",
            "wecom",
            {"confirmed": False, "new_departments": 3, "joins": 2},
        )
    assert not await take(database, TOLD)
    async with database.reading() as tx:
        assert len((await tx.scalars(select(Audit))).all()) == 1, "a night without changes leaves no row"


async def test_two_departments_change_places_with_everything_below_them(database: Database) -> None:
    await take(database, TOLD)
    turned = (DirDepartment("1", "总行"), DirDepartment("2", "客服中心", "3"), DirDepartment("3", "一组", "1"))
    await take(database, replace(TOLD, departments=(*turned, DirDepartment("4", "二组", "2"))))
    found = await paths(database)
    assert found["客服中心"] == "总行/一组/客服中心"
    assert found["二组"] == "总行/一组/客服中心/二组"


async def test_who_leaves_becomes_inactive_and_is_owed_no_push(database: Database) -> None:
    await take(database, TOLD)
    async with database.transaction() as tx:
        zhou = await people.by_identity(tx, "wecom", "zhou")
        assert zhou is not None
        for kind in ("challenge", "answer"):
            await deliveries.enqueue(tx, [Owed(kind, zhou.id or 0, kind, say(kind), NOW)], NOW)
    await take(database, replace(TOLD, people=TOLD.people[:1]))
    async with database.reading() as tx:
        zhou = await people.by_identity(tx, "wecom", "zhou")
        assert zhou is not None
        assert not zhou.active
        owed = {row.kind: row.status for row in await tx.scalars(select(Delivery))}
        assert owed == {"challenge": "cancelled", "answer": "due"}
    await take(database, TOLD)
    async with database.reading() as tx:
        back = await people.by_identity(tx, "wecom", "zhou")
        assert back is not None
        assert (back.id, back.active) == (zhou.id, True), "the same person, with their history"


async def test_a_stranger_who_wrote_first_is_recognised(database: Database) -> None:
    async with database.transaction() as tx:
        await people.enrol(tx, "wecom", "lin", NOW)
    changes = await take(database, TOLD)
    assert (len(changes.joins), len(changes.moves), len(changes.renames)) == (1, 1, 1)
    assert [person.department for person in (await known(database)).people] == ["3", "2"]


async def test_a_department_of_the_sheet_is_adopted_with_its_people(database: Database) -> None:
    async with database.transaction() as tx:
        home = await people.department_named(tx, "一组")
        tx.add(Person(name="甲", department_id=home.id or 0, created_at=NOW))
    await take(database, TOLD)
    async with database.reading() as tx:
        rows = [d for d in (await people.departments(tx)).values() if d.name == "一组"]
    assert [(d.id, d.external_id) for d in rows] == [(home.id, "wecom:3")]
    assert (await paths(database))["一组"] == "总行/客服中心/一组"


async def test_the_same_ids_of_two_vendors_are_two_departments(database: Database) -> None:
    await take(database, TOLD)
    other = Directory("dingtalk", (DirDepartment("1", "分行"),), (DirPerson("lin", "林甲", ("1",)),))
    assert not (await take(database, other)).changed_departments
    assert not await take(database, TOLD)
    assert not await take(database, other)
    assert {"总行", "分行"} <= set(await paths(database))


async def test_a_stop_writes_nothing_unless_a_person_confirms_it(database: Database) -> None:
    crowd = Directory("wecom", (), tuple(DirPerson(f"p{number}", f"某{number}") for number in range(30)))
    await take(database, crowd)
    short = replace(crowd, people=crowd.people[:10])
    with pytest.raises(Stopped, match="30 人里有 20 人"):
        await take(database, short)
    assert all(person.active for person in (await known(database)).people)
    async with database.transaction() as tx:
        await apply(tx, diff(short, *await load(tx, "wecom")), NOW, actor="cli:wang", confirmed=True)
    assert sum(person.active for person in (await known(database)).people) == 10
    async with database.reading() as tx:
        assert (await audit.entries(tx))[0].detail == {"confirmed": True, "leaves": 20}


async def test_who_has_left_by_the_sheet_is_answered_and_stays_gone(world: World) -> None:
    for held, active in (([], True), (["active"], False)):
        person = await world.person("小林", active=False, held=held)
        await person.says("帮助")
        person.hears("直接打字就是查话术")
        async with world.database.reading() as tx:
            row = await people.get(tx, person.id)
        assert row is not None
        assert row.active == active


# --- whatever a directory says


IDS = st.sampled_from("123456")
NAMES = st.sampled_from(["客服", "贷后", "运营", "综合"])
DIRECTORIES = st.builds(
    lambda departments, found, whole: Directory(
        "wecom",
        tuple(DirDepartment(key, name, parent) for key, (name, parent) in departments.items()),
        tuple(DirPerson(key, f"{key}{name}", tuple(homes), active) for key, (name, homes, active) in found.items()),
        whole=whole,
    ),
    st.dictionaries(IDS, st.tuples(NAMES, st.one_of(IDS, st.just(""))), max_size=6),
    st.dictionaries(
        st.sampled_from("abcdefgh"),
        st.tuples(NAMES, st.lists(IDS, max_size=2, unique=True), st.booleans()),
        max_size=8,
    ),
    st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nights=st.lists(DIRECTORIES, min_size=1, max_size=4))
async def test_after_every_night_we_know_what_the_directory_says(database: Database, nights: list[Directory]) -> None:
    async with database.transaction() as tx:
        for table in (Identity, Person, Department):
            await tx.execute(delete(table))
    for night in nights:
        before = {person.external_id for person in (await known(database)).people}
        await take(database, night, confirmed=True)
        assert not await take(database, night), "the second time nothing is left to do"
        now = await known(database)
        _same_departments(night, now)
        _same_people(night, now)
        assert before <= {person.external_id for person in now.people}, "nobody is ever deleted"
        _sound_paths(await paths(database))


def _same_departments(night: Directory, now: Known) -> None:
    ours = {each.external_id: each for each in now.departments}
    for told in night.departments:
        assert ours[told.external_id].name == told.name
        assert ours[told.external_id].parent in (told.parent, "")


def _same_people(night: Directory, now: Known) -> None:
    shown = {department.external_id for department in night.departments}
    told = {person.external_id: person for person in night.people}
    for ours in now.people:
        there = told.get(ours.external_id)
        if there is None:
            assert not ours.active or not night.whole
        else:
            assert ours.active == there.active
            home = next((each for each in there.departments if each in shown), "")
            assert not there.active or (ours.name == there.name and home in ("", ours.department))
    assert {person.external_id for person in night.people if person.active} <= {each.external_id for each in now.people}


def _sound_paths(found: dict[str, str]) -> None:
    for name, path in found.items():
        assert path.endswith(name)
