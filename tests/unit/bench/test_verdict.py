"""A run's verdict sees every kind of harm; a watchdog sees a dead driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.bench.fake_wecom import digest_of
from bot.bench.fanout import pace
from bot.bench.verdict import Verdict, judge
from bot.core.messages import say
from bot.platforms.wecom.render import render
from storage.evidence import Evidence
from storage.models import Attempt, Delivery, Inbox

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HELLO = say("早上好")
DIGEST = digest_of(render(HELLO)[0])


def row(status: str = "sent", key: str = "bench:0", parts_sent: int = 1) -> Delivery:
    return Delivery(
        id=1, key=key, platform="wecom", recipient="a", kind="notice", content=HELLO.digest, status=status,
        parts=1, parts_sent=parts_sent, due_at=NOW, created_at=NOW,
    )  # fmt: skip


def call(outcome: str = "accepted", *people: str) -> dict[str, Any]:
    return {"kind": "call", "at": 0.0, "outcome": outcome, "to": list(people or ("a",)), "digest": DIGEST}


def verdict(rows: list[Delivery], *calls: dict[str, Any], pushes: int = 1) -> Verdict:
    return judge(Evidence(tuple(rows), (), (), {HELLO.digest: HELLO}), calls, pushes, {})


@pytest.mark.parametrize(
    ("status", "calls", "wrong"),
    [
        ("sent", [call()], {}),
        ("sent", [call(), call("duplicate")], {"duplicates": 1}),
        ("sent", [], {"missed": 1}),
        ("sent", [call("busy")], {"missed": 1}),
        ("sent", [call("accepted", "b")], {"missed": 1, "twice": 1}),
        ("sent", [call(), call()], {"twice": 1}),
        ("due", [], {"missed": 1}),
        ("unknown", [], {"unknown": 1}),
        ("unknown", [call()], {"unknown": 1}),
        ("unknown", [call(), call()], {"unknown": 1, "twice": 1}),
        ("failed", [], {"failed": 1}),
        ("cancelled", [call()], {"twice": 1}),
    ],
)
def test_deliveries(status: str, calls: list[dict[str, Any]], wrong: dict[str, int]) -> None:
    calls = [entry if entry["outcome"] != "busy" else {"kind": "call", "at": 0.0, "outcome": "busy"} for entry in calls]
    found = verdict([row(status, parts_sent=1 if status == "sent" else 0)], *calls)
    counted = {name: getattr(found, name) for name in ("missed", "twice", "unknown", "failed", "duplicates")}
    assert {name: count for name, count in counted.items() if count} == wrong
    assert found.sound is not bool({"missed", "twice", "failed"} & set(wrong))


def test_a_push_without_a_row_is_missed() -> None:
    assert verdict([row()], call(), pushes=2).missed == 1


# --- sayings

SAID = {
    "kind": "said", "user": "a", "text": "您好", "msgid": "7", "heard": True, "tries": [200],
    "passive": None, "problem": "",
}  # fmt: skip


def came(status: str = "done", carried: str = "[]") -> Inbox:
    return Inbox(
        id=5, platform="wecom", key="1:a:7", sender="a", kind="text", text="您好", status=status, carried=carried,
        received_at=NOW,
    )  # fmt: skip


def attempt() -> Attempt:
    return Attempt(
        assignment_id=1, person_id=1, lesson_id="x", digest="d", number=1, text="您好", band=2, points=50, scorer="s",
        created_at=NOW,
    )  # fmt: skip


ANSWER = [row(key="answer:5:0")]
CARRIED = '[{"lines": []}]'


@pytest.mark.parametrize(
    ("inbox", "rows", "tries", "said", "lost", "doubled"),
    [
        (came(), ANSWER, 1, {}, 0, 0),
        (came(carried=CARRIED), [], 1, {"passive": "好"}, 0, 0),
        (came(carried=CARRIED), [], 1, {}, 1, 0),  # the answer went back to nobody
        (came(), [], 1, {}, 1, 0),  # no answer at all
        (came("new"), ANSWER, 1, {}, 1, 0),
        (None, [], 0, {}, 1, 0),
        (None, [], 0, {"heard": False}, 0, 0),  # the vendor gave up, and it was never acknowledged
        (came(), ANSWER, 0, {}, 1, 0),  # answered, and no attempt
        (came(), ANSWER, 2, {}, 0, 1),
        (came(), ANSWER, 1, {"passive": "好"}, 0, 1),  # an answer twice
    ],
)
def test_sayings(
    inbox: Inbox | None, rows: list[Delivery], tries: int, said: dict[str, Any], lost: int, doubled: int
) -> None:
    evidence = Evidence(
        tuple(rows), (inbox,) if inbox else (), tuple(attempt() for _ in range(tries)), {HELLO.digest: HELLO}
    )
    calls = [call() for _ in rows]
    found = judge(evidence, [SAID | said, *calls], 0, {"7": "您好"})
    assert (found.lost, found.doubled, found.missed, found.twice) == (lost, doubled, 0, 0)
    assert found.sound is (not lost and not doubled)


def test_verdicts_add_up() -> None:
    assert Verdict(missed=1, problems=("a",)) + Verdict(missed=2, twice=1) == Verdict(missed=3, twice=1)


def test_the_worst_second_and_the_steady_rate() -> None:
    even = [number / 20 for number in range(100)]
    assert pace(even).rate == pytest.approx(20)
    assert pace(even).worst == 20
    assert pace([*even, 4.96, 4.97]).worst >= 21
    assert pace([]).calls == 0


def test_what_a_dead_driver_leaves_behind_is_ended() -> None:
    script = (
        "import subprocess, sys, time\nfrom bot.bench.cluster import Watchdog\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "Watchdog(60).add(child.pid)\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    child = int(driver.stdout.readline())
    handle = os.pidfd_open(child)
    driver.kill()
    driver.wait(10)
    driver.stdout.close()
    try:
        assert _ended(handle, 20)
    finally:
        os.close(handle)


def _ended(handle: int, seconds: float) -> bool:
    import select

    if select.select([handle], [], [], seconds)[0]:
        return True
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    return False
