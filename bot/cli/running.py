"""demo · serve · doctor: run the bot, or say what keeps it from running."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import app, config
from bot.cli.doctor import examine
from bot.core import log
from bot.core.clock import ShiftedClock, SystemClock
from bot.jobs.local import only_process


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = commands.add_parser("demo", help="造一个示例机构，打开本地聊天页")
    show.add_argument("--port", type=int, default=None, help="端口，默认 8080")
    show.add_argument("--data", type=Path, default=Path("var/demo.db"), help="演示库，每次重新开始")
    show.set_defaults(run=_demo)
    serve = commands.add_parser("serve", help="按设置运行")
    serve.add_argument("--role", default=None, help="这个进程做什么：all、web、worker；不写看 JIEHUA_ROLE")
    serve.set_defaults(run=_serve)
    doctor = commands.add_parser("doctor", help="检查设置、数据库、内容，说明怎么改")
    doctor.add_argument("--offline", action="store_true", help="不联系任何平台")
    doctor.set_defaults(run=_doctor)


async def _serve(options: argparse.Namespace) -> int:
    given = {"JIEHUA_ROLE": options.role} if options.role else {}
    settings = config.read({**os.environ, **given})
    log.start(settings.log_level, as_json=settings.log_json)
    if settings.demo:
        return await _play(settings)
    await _until_told(app.serve(settings, SystemClock(), _announce))
    return 0


async def _demo(options: argparse.Namespace) -> int:
    given = config.read()
    log.start("WARNING" if given.log_level == "INFO" else given.log_level, as_json=given.log_json)
    with only_process(options.data):  # or a second demo would take away the first one's database
        for leftover in (options.data, Path(f"{options.data}-wal"), Path(f"{options.data}-shm")):
            leftover.unlink(missing_ok=True)
    port = options.port if options.port is not None else given.port
    settings = replace(given, database_url=f"sqlite:///{options.data}", port=port, content=given.content)
    return await _play(settings)


async def _play(settings: config.Settings) -> int:
    """Run with the demo organisation, the chat page and the clock that jumps."""
    wanted = replace(settings, web_chat=True, demo=True)
    await _until_told(app.serve(wanted, ShiftedClock(), _announce))
    return 0


def _announce(address: str) -> None:
    print(
        f"接话教练已启动：{address}/chat   （Ctrl-C 结束）" if sys.stdout.isatty() else f"ready {address}", flush=True
    )


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Run until SIGINT or SIGTERM, then let the work end tidily."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _doctor(options: argparse.Namespace) -> int:
    findings = await examine(offline=options.offline)
    for finding in findings:
        print(finding)
    bad = sum(not finding.fine for finding in findings)
    print("一切正常。" if not bad else f"有 {bad} 处要处理。")
    return 1 if bad else 0
