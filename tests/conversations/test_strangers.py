"""People the directory does not know, and content that changes while the bot runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlmodel import select

from bot.core.clock import ManualClock
from bot.core.messages import Incoming, Kind
from bot.library import ContentLibrary
from handlers.context import Desk
from lessons.catalogue import BUILT_IN
from storage import people
from storage.database import Database
from storage.models import Delivery
from tests.chat import World


async def test_somebody_unknown_is_enrolled(world: World) -> None:
    await world.program.parked.receive(Incoming("web", "newcomer", "k1", Kind.TEXT, "帮助"))
    async with world.database.reading() as tx:
        person = await people.by_identity(tx, "web", "newcomer")
        assert person is not None
        assert (await people.departments(tx))[person.department_id].name == "未分组"


async def test_somebody_unknown_is_referred_to_the_operator_when_enrolment_is_off(
    database: Database, opened: tuple[ContentLibrary, Desk], clock: ManualClock
) -> None:
    world = World.build(database, opened, clock, enrol="refuse")
    await world.program.parked.receive(Incoming("web", "newcomer", "k1", Kind.TEXT, "帮助"))
    async with database.reading() as tx:
        assert await people.by_identity(tx, "web", "newcomer") is None
        rows = (await tx.scalars(select(Delivery))).all()
    assert [row.recipient for row in rows] == ["newcomer"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of two lessons and the templates."""
    target = tmp_path / "content"
    for inside in ("lessons/unmet/unmet-refund-all-fees.yaml", "templates/unmet-refund-all-fees.yaml", "rules.yaml"):
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILT_IN / inside, target / inside)
    return target


async def test_changed_content_is_taken_over_without_a_restart(folder: Path) -> None:
    library = ContentLibrary(folder, None)
    path = folder / "lessons/unmet/unmet-refund-all-fees.yaml"
    path.write_text(path.read_text().replace("title: 开口就要退全部费用", "title: 全退的另一个题目"))
    assert await library.refresh()
    assert library.catalogue.lessons["unmet-refund-all-fees"].title == "全退的另一个题目"
    assert not await library.refresh()


async def test_broken_content_is_named_line_by_line_and_the_last_good_one_stays(folder: Path) -> None:
    library = ContentLibrary(folder, None)
    path = folder / "lessons/unmet/unmet-refund-all-fees.yaml"
    good = path.read_text()
    path.write_text(good.replace("track: unmet", "track: nowhere", 1))
    assert not await library.refresh()
    assert library.catalogue.lessons["unmet-refund-all-fees"].title == "开口就要退全部费用"
    assert any(":3: track: 不认识「nowhere」" in fault for fault in library.faults)
    path.write_text(good)
    await library.refresh()
    assert library.faults == ()
