"""Every benchmark runs with tiny numbers and says what it should; how fast it was is nobody's business here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.bench import boards, callbacks, plan, score, search, search_path, start
from bot.bench.ground import NotEmpty, ground
from bot.bench.report import Options, Progress, Report
from bot.cli import main
from bot.cli.bench import BENCHES
from bot.core.clock import SystemClock
from storage import planting
from storage.database import Database, parse_url
from tests.postgres import Cluster

FIELDS = {"key", "value", "unit", "at", "goal", "baseline", "ratio", "ratio_goal", "met"}


class Silent:
    """A standard error that is no terminal; writing to it fails the test."""

    def isatty(self) -> bool:
        return False


def quick(folder: Path, **changed: Any) -> Options:
    return Options(**{"people": (20,), "seconds": 0.3, "runs": 1, "quick": True, "folder": folder, **changed})


def figures(report: Report) -> dict[str, dict[str, Any]]:
    """The figures by key, as somebody reads them from JSON."""
    said = json.loads(json.dumps(report.to_dict()))
    assert {"bench", "at", "cores", "python", "load", "setting", "figures", "notes", "sound"} == set(said)
    assert all(set(figure) == FIELDS for figure in said["figures"])
    return {figure["key"]: figure for figure in said["figures"]}


def progress() -> Progress:
    return Progress(Silent())  # type: ignore[arg-type]


async def test_planning_asks_everybody(tmp_path: Path) -> None:
    found = figures(await plan.run(quick(tmp_path), progress()))
    assert found["owed"]["value"] == 20
    assert found["seconds"]["goal"] is None, "the goal is for a hundred thousand people"
    assert found["seconds"]["baseline"]["value"] > 0
    assert found["seconds"]["ratio"] > 1, "planning cannot be faster than the bare rows"
    assert list(tmp_path.iterdir()) == [], "something was left behind"


def test_the_goal_of_planning_is_for_a_hundred_thousand_people() -> None:
    assert plan._figures(100_000, [plan.Planned(6.0, 4.0, 1.0, 100.0, 100_000)])[0].met is False


async def test_boards_count_every_answer(tmp_path: Path) -> None:
    found = figures(await boards.run(quick(tmp_path), progress()))
    assert (found["answers"]["value"], found["people"]["value"]) == (500, 20)


async def test_searching(tmp_path: Path) -> None:
    found = figures(await search.run(quick(tmp_path, people=(30,)), progress()))
    assert found["cached"]["value"] < found["build"]["value"], "the vectors were made again"
    assert found["cpu_p95"]["baseline"]["name"]


async def test_scoring(tmp_path: Path) -> None:
    found = figures(await score.run(quick(tmp_path), progress()))
    assert found["cpu_p95"]["goal"] == "≤ 15"
    assert found["cpu_p50"]["ratio"] > 1, "a score cannot be cheaper than its vectors"


async def test_answers_come_back_with_their_feedback(tmp_path: Path) -> None:
    """Real processes: the echo, the bot, the load; the note is about speed only on a machine that is too slow."""
    report = await callbacks.run(quick(tmp_path, people=(40,)), progress())
    found = figures(report)
    assert found["per_second"]["value"] > 0
    assert found["per_second"]["ratio_goal"] == "≥ 0.05"
    assert not [note for note in report.notes if "打不开 0 条" not in note and "带着话" not in note], report.notes


async def test_commands_and_searches_come_back(tmp_path: Path) -> None:
    report = await search_path.run(quick(tmp_path), progress())
    found = figures(report)
    assert found["per_second"]["value"] > 0
    assert found["paced_p99"]["goal"] == "≤ 100"


async def test_the_demo_starts_and_pushes(tmp_path: Path) -> None:
    found = figures(await start.run(quick(tmp_path), progress()))
    assert found["pushed"]["value"] >= found["ready"]["value"] > 0
    assert found["memory"]["value"] > 50


@pytest.mark.parametrize("bench", BENCHES, ids=lambda bench: bench.name)
def test_every_bench_explains_itself(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", bench.name, "--help"])
    assert ended.value.code == 0
    assert "--database" in capsys.readouterr().out


def test_a_bench_prints_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    assert main(["bench", "plan", "--quick", "--people", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bench"] == "plan"


@pytest.fixture
async def server(postgres: Cluster) -> AsyncIterator[Database]:
    """A PostgreSQL database of its own; SQLite files the benchmarks make themselves."""
    database = Database(postgres.migrated())
    yield database
    await database.close()


def on(server: Database, folder: Path) -> Options:
    url = server.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return quick(folder, database=url)


async def test_a_database_with_rows_is_refused(server: Database, tmp_path: Path) -> None:
    async with server.transaction() as tx:
        await planting.organisation(tx, 3, SystemClock().now())
    with pytest.raises(NotEmpty):
        async with ground(on(server, tmp_path)):
            pass
    async with server.reading() as tx:
        assert len(await planting.everybody(tx)) == 3, "somebody else's rows are gone"


async def test_postgresql_is_planted_and_left_empty(server: Database, tmp_path: Path) -> None:
    assert figures(await plan.run(on(server, tmp_path), progress()))["owed"]["value"] == 20
    assert figures(await boards.run(on(server, tmp_path), progress()))["answers"]["value"] == 500
    async with server.reading() as tx:
        assert await planting.is_empty(tx)


async def test_a_postgresql_of_its_own_is_there_for_the_run_and_no_longer(tmp_path: Path) -> None:
    async with ground(quick(tmp_path, database="postgres")) as database:
        home = Path(str(parse_url(database.address).query["host"]))
        async with database.transaction() as tx:
            await planting.organisation(tx, 3, SystemClock().now())
        await planting.settle(database)
        async with database.reading() as tx:
            assert len(await planting.everybody(tx)) == 3
    assert not home.parent.exists()
