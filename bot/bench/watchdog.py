"""Ends the processes of a run when its driver is gone or too late: `python -m bot.bench.watchdog SECONDS`, told on
standard input which process ids live (`+7`, `-7`). Nothing else: it must work when everything else is broken."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time


def watch(seconds: float, source: int) -> set[int]:
    """The process ids that are left when `source` ends or after so many seconds."""
    alive: set[int] = set()
    deadline, rest = time.monotonic() + seconds, b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([source], [], [], left)[0]:
            break
        got = os.read(source, 4096)
        if not got:
            break
        *lines, rest = (rest + got).split(b"\n")
        for line in lines:
            (alive.add if line[:1] == b"+" else alive.discard)(int(line[1:]))
    return alive


def main() -> None:
    """Watch standard input, then kill what is left."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the driver's Ctrl-C is not ours; its end shows on the pipe
    for pid in watch(float(sys.argv[1]), sys.stdin.fileno()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
