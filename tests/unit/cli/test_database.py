"""`jiehua db`, `boards` and the settings as every command meets them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.jobs.local import only_process
from storage import schema
from tests.unit.cli.conftest import Run


def test_upgrade_from_nothing_and_again(run: Run) -> None:
    assert run("db", "current").out == "空库\n"
    assert run("db", "upgrade").out == f"空库 → {schema.newest()}\n"
    assert run("db", "upgrade").out == f"{schema.newest()} → {schema.newest()}\n"
    assert run("db", "current").out == f"{schema.newest()}\n"


def test_the_audit_chain_is_checked(run: Run) -> None:
    run("db", "upgrade")
    Path("people.csv").write_text("姓名,工号,部门\n林小满,1001,客服中心\n", encoding="utf-8")
    for _ in range(3):
        run("people", "import", "people.csv")
    assert run("db", "audit").code == 0
    with sqlite3.connect("jiehua.db") as connection:
        connection.execute("UPDATE audit SET actor = '别人' WHERE id = 2")
    connection.close()
    result = run("db", "audit")
    assert result.code == 1
    assert "从第 2 行起对不上" in result.out


@pytest.mark.parametrize("arguments", [["db", "audit"], ["campaigns", "list"], ["boards"]])
def test_an_empty_database_is_told_to_upgrade(run: Run, content: Path, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.code == 1
    assert "先运行 jiehua db upgrade" in result.err


def test_a_board_of_a_week_without_questions(run: Run, content: Path) -> None:
    run("db", "upgrade")
    result = run("boards", "--week", "2026-11-23")
    assert result.code == 0
    assert result.lines[0] == "周榜｜11月23日–11月29日"
    unknown = run("boards", "--department", "火星部")
    assert unknown.code == 1
    assert "没有部门「火星部」" in unknown.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://root:hunter2@db/x", "不支持 mysql；用 sqlite:///… 或 postgresql://…"),
        ("not a url", "写法不对，例如 sqlite:///var/jiehua.db"),
    ],
)
def test_a_wrong_database_url_is_explained_without_its_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("JIEHUA_DATABASE_URL", url)
    result = run("db", "upgrade")
    assert result.code == 2
    assert "JIEHUA_DATABASE_URL" in result.err
    assert words in result.err
    assert "hunter2" not in result.err


def test_a_wrong_setting_ends_every_command_with_two(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEHUA_PORT", "many")
    for arguments in (["db", "current"], ["campaigns", "list"], ["serve"], ["demo"]):
        result = run(*arguments)
        assert result.code == 2
        assert "JIEHUA_PORT: 「many」 不能用；要写 0 到 65535 的整数" in result.err


@pytest.mark.parametrize("arguments", [["serve"], ["demo", "--data", "jiehua.db"]])
def test_a_second_process_on_one_sqlite_file_is_refused_and_harms_nothing(
    run: Run, content: Path, arguments: list[str]
) -> None:
    run("db", "upgrade")
    before = Path("jiehua.db").read_bytes()
    with only_process(Path("jiehua.db")):
        result = run(*arguments)
    assert result.code == 1
    assert "另一个 jiehua 进程正在使用 jiehua.db" in result.err
    assert Path("jiehua.db").read_bytes() == before
