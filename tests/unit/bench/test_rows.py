"""What rows weigh: counted on both databases, and the benchmarks that count rows and calls run with tiny numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.bench import rows, sending
from bot.bench.day import live
from bot.bench.ground import ground, situations
from lessons import catalogue
from storage import planting, sizes
from storage.database import Database
from storage.models import Content, Identity
from tests.unit.bench.test_benches import figures, on, progress, quick, server

__all__ = ["server"]
AT = datetime(2026, 11, 23, 1, 7, tzinfo=UTC)


async def test_a_table_weighs_more_than_its_values(database: Database) -> None:
    async with database.transaction() as tx:
        await planting.organisation(tx, 500, AT)
    async with database.reading() as tx:
        size, plain = await sizes.weigh(tx, Identity), await sizes.values(tx, Identity)
    names = sum(len(f"u{number}") for number in range(1, 501))
    assert plain == names + 500 * (len("wecom") + 4 + 4 + 1), "text by its bytes, numbers as PostgreSQL keeps them"
    assert size.rows == 500
    assert size.table > plain
    assert len(size.indexes) >= 2, size.indexes
    assert size.index == sum(size.indexes.values()) > 0


async def test_text_weighs_its_bytes_and_nothing_weighs_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        assert await sizes.values(tx, Content) == 0
        tx.add(Content(digest="d" * 16, message="退费", created_at=AT))
        await tx.flush()
        assert await sizes.values(tx, Content) == 16 + len("退费".encode()) + 8


async def test_rows_of_a_lived_day_are_weighed(tmp_path: Path) -> None:
    found = figures(await rows.run(quick(tmp_path, people=(20,)), progress()))
    assert found["person.rows"]["value"] == 20
    assert found["assignment.rows"]["value"] == 1 + 3 * 19, "one lived day, and three planted ones for the others"
    assert found["attempt.row"]["ratio"] > 1, "a row cannot weigh less than what is in it"
    assert found["delivery.ix_delivery_batch"]["value"] > 0
    assert "jobs.row" not in found, "SQLite keeps its queue in memory"
    assert list(tmp_path.iterdir()) == [], "something was left behind"


async def test_the_lived_day_is_a_real_one(tmp_path: Path) -> None:
    """Were the reply not scored or the search not kept, the rows would weigh nothing of what they weigh in truth."""
    lesson = situations(catalogue.load(), 1)[0]
    async with ground(quick(tmp_path)) as database:
        async with database.transaction() as tx:
            await planting.organisation(tx, 1, AT)
        day = await live(database, lesson)
    assert day.attempt.score["criteria"].keys() == {"empathy", "lead", "explain", "solution", "expression"}
    assert day.attempt.lesson_id == day.review.lesson_id == lesson.id
    assert len(day.inbox.carried) > 300, "the feedback went back in the response"
    assert [row.kind for row, _ in day.answers] == ["answer"]
    assert day.lookup.hits > 0


async def test_the_queue_is_weighed_and_emptied_on_postgresql(server: Database, tmp_path: Path) -> None:
    found = figures(await rows.run(on(server, tmp_path), progress()))
    assert found["jobs.rows"]["value"] == 400
    assert found["jobs.row"]["value"] > 4_000, "a call of a thousand people names them all"
    async with server.reading() as tx:
        assert await planting.is_empty(tx)
        assert (await sizes.weigh_jobs(tx, "jobs")).rows == 0


async def test_every_call_is_paid_for_once(tmp_path: Path) -> None:
    """The real program against a vendor that takes everything; how long it took is nobody's business."""
    report = await sending.run(quick(tmp_path, people=(40,)), progress())
    assert report.sound, report.notes
    by_size = {(figure.key, figure.at): figure.value for figure in report.figures}
    assert [by_size[("calls", size)] for size in (1, 20, 40)] == [40, 2, 1]
    assert all(figure.value > 0 for figure in report.figures)
