"""What every queue does: each job once while all goes well, urgent ones first, and nothing begun after a stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from bot.core.errors import StorageBusy
from bot.jobs.base import Job, Jobs
from bot.jobs.local import LocalJobs
from bot.jobs.postgres import PostgresJobs
from storage.database import parse_url
from tests.postgres import Cluster

Make = Callable[[int], Jobs]


@pytest.fixture(params=["local", "postgres"])
def make(request: pytest.FixtureRequest) -> Make:
    """Queues of one kind on one database: `make(workers)`."""
    if request.param == "local":
        return LocalJobs
    url = str(request.getfixturevalue("postgres").migrated())
    return lambda workers: PostgresJobs(url, workers)


@asynccontextmanager
async def running(jobs: Jobs, **tasks: Callable[..., object]) -> AsyncIterator[Jobs]:
    await jobs.start(tasks)  # type: ignore[arg-type]
    try:
        yield jobs
    finally:
        await jobs.stop()


async def until(true: Callable[[], bool], what: str) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


async def until_empty(jobs: Jobs) -> None:
    for _ in range(1000):
        if not await jobs.waiting():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain for the queue to be empty")


async def test_every_job_is_carried_out_once_with_its_arguments(make: Make) -> None:
    done: list[tuple[int, str]] = []

    async def work(number: int, word: str) -> None:
        done.append((number, word))

    async with running(make(4), work=work) as jobs:
        await jobs.put([Job("work", {"number": number, "word": "退费"}) for number in range(50)])
        await until(lambda: len(done) >= 50, "all of them")
        await until_empty(jobs)
    assert sorted(done) == [(number, "退费") for number in range(50)]


async def test_urgent_jobs_go_first(make: Make) -> None:
    done: list[int] = []
    gate = asyncio.Event()

    async def work(number: int) -> None:
        await gate.wait()
        done.append(number)

    async with running(make(1), work=work) as jobs:
        await jobs.put([Job("work", {"number": 0})])
        await until_empty(jobs)  # the only worker has it
        await jobs.put([Job("work", {"number": 1}), Job("work", {"number": 2})])
        await jobs.put([Job("work", {"number": 3}, urgent=True)])
        assert await jobs.waiting() == 3
        gate.set()
        await until(lambda: len(done) == 4, "all of them")
    assert done == [0, 3, 1, 2]


async def test_as_many_at_a_time_as_there_are_workers(make: Make) -> None:
    now = most = 0
    release = asyncio.Event()

    async def work() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await release.wait()
        now -= 1

    async with running(make(3), work=work) as jobs:
        await jobs.put([Job("work")] * 9)
        await until(lambda: now == 3, "three at once")
        await asyncio.sleep(0.1)
        release.set()
        await until_empty(jobs)
        await until(lambda: now == 0, "all done")
    assert most == 3


async def test_a_job_that_fails_ends_there_and_holds_up_nobody(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        if number == 0:
            raise KeyError("broken")
        if number == 1:
            raise StorageBusy("away")
        done.append(number)

    with caplog.at_level(logging.WARNING):
        async with running(make(1), work=work) as jobs:
            await jobs.put([Job("work", {"number": number}) for number in range(3)])
            await until(lambda: done == [2], "the third")
            await until_empty(jobs)
    assert [getattr(record, "action", "") for record in caplog.records] == ["job.failed", "job.busy"]


async def test_a_stop_lets_what_is_under_way_end_and_begins_nothing_more(make: Make) -> None:
    begun: list[int] = []
    ended: list[int] = []
    release = asyncio.Event()

    async def work(number: int) -> None:
        begun.append(number)
        await release.wait()
        ended.append(number)

    jobs = make(1)
    await jobs.start({"work": work})
    await jobs.put([Job("work", {"number": number}) for number in range(2)])
    await until(lambda: begun == [0], "the first")
    stopping = asyncio.create_task(jobs.stop())
    await asyncio.sleep(0.05)
    release.set()
    await asyncio.wait_for(stopping, 10)
    assert (begun, ended) == ([0], [0])


async def test_a_stop_breaks_off_what_takes_too_long(make: Make) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(3600)

    jobs = make(1)
    await jobs.start({"work": work})
    await jobs.put([Job("work")])
    await asyncio.wait_for(begun.wait(), 10)
    await asyncio.wait_for(jobs.stop(0.2), 5)


async def test_a_queue_of_replicas_is_shared_and_outlives_them(postgres: Cluster) -> None:
    url = postgres.migrated()
    done: dict[str, list[int]] = {"one": [], "two": []}

    def worker(name: str) -> Callable[..., object]:
        async def work(number: int) -> None:
            await asyncio.sleep(0.01)
            done[name].append(number)

        return work

    async with running(PostgresJobs(url, 0), work=worker("web")) as web:
        await web.put([Job("work", {"number": number}) for number in range(60)])
    async with running(PostgresJobs(url, 2), work=worker("one")), running(PostgresJobs(url, 2), work=worker("two")):
        await until(lambda: len(done["one"]) + len(done["two"]) >= 60, "all of them")
    assert sorted(done["one"] + done["two"]) == list(range(60))
    assert done["one"], "both of them work"
    assert done["two"], "both of them work"


async def test_a_replica_for_answers_leaves_the_rest_to_workers(postgres: Cluster) -> None:
    url = postgres.migrated()
    done: list[int] = []

    async def work(number: int) -> None:
        done.append(number)

    async with running(PostgresJobs(url, 2, urgent_only=True), work=work) as jobs:
        await jobs.put([Job("work", {"number": 1}), Job("work", {"number": 2}, urgent=True)])
        await until(lambda: done == [2], "the urgent one")
        await asyncio.sleep(1.5)
        assert (done, await jobs.waiting()) == ([2], 1)
    async with running(PostgresJobs(url, 2), work=work):
        await until(lambda: done == [2, 1], "the other one")


async def test_what_a_dead_worker_left_is_swept(postgres: Cluster) -> None:
    url = postgres.migrated()
    jobs = PostgresJobs(url, 0)
    async with running(jobs, work=lambda: None):
        await jobs.put([Job("work"), Job("work")])
        with psycopg.connect(url, options="-c search_path=jobs", autocommit=True) as connection:
            connection.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '6 minutes'), (now())"
            )
            connection.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM procrastinate_workers"
                " ORDER BY last_heartbeat LIMIT 1) WHERE id = (SELECT min(id) FROM procrastinate_jobs)"
            )
        assert await jobs.sweep() == 1
        assert await jobs.sweep() == 0
        assert await jobs.waiting() == 1


async def test_a_database_that_is_away_is_busy_and_a_worker_begins_again(postgres: Cluster) -> None:
    url = postgres.migrated()
    done: list[int] = []

    async def work(number: int) -> None:
        done.append(number)

    async with running(PostgresJobs(url, 2), work=work) as jobs:
        await jobs.put([Job("work", {"number": 1})])
        await until(lambda: done == [1], "the first")
        postgres.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{parse_url(url).database}'"
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    await jobs.put([Job("work", {"number": 2})])
                    break
                except StorageBusy:
                    await asyncio.sleep(0.1)
        await until(lambda: 2 in done, "the worker is back")
