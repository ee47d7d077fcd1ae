"""A backup taken while a bot answers a stream of messages: sound, a consistent prefix, and nobody is kept waiting."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import aiohttp

from tests.conversations.test_daily_loop import GOOD
from tests.faults.test_replicas import heard, ready, replica, say


async def backup(url: str, file: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"import sys; from bot.cli import main; sys.exit(main(['db', 'backup', {str(file)!r}]))",
        env={**os.environ, "JIEHUA_DATABASE_URL": url}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def stream(http: aiohttp.ClientSession, address: str, told: list[str], stop: asyncio.Event) -> None:
    """One message after the other; `told` are those that were answered."""
    while not stop.is_set():
        key = f"s{len(told)}"
        await say(http, address, 1 + len(told) % 20, "话术 退费", key)
        told.append(key)


def examined(file: Path) -> list[str]:
    """The keys of the messages in a sound copy, in order."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
        half = "SELECT count(*) FROM inbox WHERE status = 'done' AND id NOT IN ({})"
        answers = (
            "SELECT CAST(substr(key, 8, instr(substr(key, 8), ':') - 1) AS INTEGER) FROM delivery WHERE kind = 'answer'"
        )
        assert copy.execute(half.format(answers)).fetchone() == (0,), "no message without its answer"
        return [key for (key,) in copy.execute("SELECT key FROM inbox WHERE key LIKE '%s%' ORDER BY id")]


async def test_backups_under_a_stream_of_messages(tmp_path: Path) -> None:
    url, told, stop = f"sqlite:///{tmp_path / 'live.db'}", list[str](), asyncio.Event()
    async with aiohttp.ClientSession() as http, replica(url, tmp_path) as (address, _process):
        await ready(http, address)
        await heard(http, address, 1, "今日一题")
        await say(http, address, 1, GOOD, "good")
        work = asyncio.create_task(stream(http, address, told, stop))
        found = []
        for number in range(3):
            before, file = len(told), tmp_path / f"copy{number}.db"
            await backup(url, file)
            found.append((before, len(told), examined(file)))
        stop.set()
        await work
    for before, after, keys in found:
        assert after > before, "the bot answered meanwhile"
        assert before <= len(keys) <= after + 1
        assert [key.rpartition(":")[2] for key in keys] == [f"s{number}" for number in range(len(keys))], "a prefix"
