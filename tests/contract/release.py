"""A small organisation as releases before this one left it in the database: rows for every table, in plain SQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.messages import say
from lessons.catalogue import canonical, digest
from lessons.model import AnyLesson
from storage import audit
from storage.models import Audit

T0 = "2026-11-20 01:30:00.000000"  # Friday, UTC
T1 = "2026-11-20 01:35:00.000000"
OPENS, CLOSES = "2026-11-23 00:05:00.000000", "2026-11-23 10:00:00.000000"
SCORE = {
    "lesson": "L", "band": 3, "points": 75,
    "criteria": {"empathy": {"verdict": "hit", "quote": "您先别急"}, "lead": {"verdict": "miss", "quote": None},
                 "explain": {"verdict": "hit", "quote": "按规定"}, "solution": {"verdict": "n/a", "quote": None},
                 "expression": {"verdict": "partial", "quote": "我来"}},
    "red_lines": [], "flags": [], "scorer": "offline-1",
}  # fmt: skip
SPEC = {
    "id": "autumn", "title": "秋季练习", "audience": {"everyone": True}, "lessons": [], "starts_on": "2026-11-16",
}  # fmt: skip

Rows = dict[str, list[dict[str, Any]]]


def first_release(lesson: AnyLesson) -> Rows:
    """Release 0.1.0, revision 0001: two departments, a manager, a learner with an open and an answered question."""
    message, version = say("早上好"), digest(lesson)
    chain = _chain("活动 批准", "人员导入")
    attempt = {"assignment_id": 1, "person_id": 2, "lesson_id": lesson.id, "digest": version, "number": 1}
    person = {"department_id": 2, "learns": True, "active": True, "shift_start": "09:00:00.000000",
              "shift_end": "18:00:00.000000", "on_boards": True, "unanswered": 0, "created_at": T0}  # fmt: skip
    asked = {"person_id": 2, "digest": version, "campaign_id": "autumn", "reason": "campaign", "reminded": 0,
             "created_at": T0}  # fmt: skip
    sent = {"person_id": 2, "platform": "web", "recipient": "2", "content": message.digest, "tries": 1, "owner": "o",
            "batch": "b", "due_at": T0, "sent_at": T0, "error": "", "created_at": T0}  # fmt: skip
    return {
        "department": [
            {"id": 1, "name": "总部", "parent_id": None, "path": "/1/", "external_id": None},
            {"id": 2, "name": "客服中心", "parent_id": 1, "path": "/1/2/", "external_id": "wecom:2"},
        ],
        "person": [
            {"id": 1, "name": "周敏", "staff_no": "C0100", "tags": ["主管"], **person},
            {"id": 2, "name": "林小满", "staff_no": "C1001", "tags": [], "remind_at": "09:40:00.000000",
             "joined_on": "2026-03-02", **person},
        ],
        "identity": [
            {"id": 1, "platform": "web", "external_id": "1", "person_id": 1, "preferred": True},
            {"id": 2, "platform": "web", "external_id": "2", "person_id": 2, "preferred": True},
        ],
        "rolegrant": [
            {"id": 1, "person_id": 1, "role": "manager", "department_id": 2, "deputy": False},
            {"id": 2, "person_id": 1, "role": "operator", "department_id": None, "deputy": False},
        ],
        "absence": [{"id": 1, "person_id": 1, "kind": "leave", "first_day": "2026-11-01", "last_day": "2026-11-02",
                     "created_at": T0}],
        "lessonversion": [{"digest": version, "lesson_id": lesson.id, "content": canonical(lesson),
                           "first_used_at": T0}],
        "campaign": [{"id": "autumn", "title": "秋季练习", "status": "running", "spec": SPEC | {"lessons": [lesson.id]},
                      "created_by": 1, "approved_by": 1, "created_at": T0, "approved_at": T0, "next_at": None}],
        "firing": [{"key": "autumn@2026-11-20T09:30", "outcome": "planned", "people": 2, "detail": "L", "at": T0}],
        "assignment": [
            {"id": 1, "lesson_id": lesson.id, "day": "2026-11-20", "status": "answered", "opens_at": T0, "due_at": T1,
             "answered_at": T1, **asked},
            {"id": 2, "lesson_id": lesson.id, "day": "2026-11-23", "status": "open", "opens_at": OPENS,
             "due_at": CLOSES, "answered_at": None, **asked},
        ],
        "attempt": [{"id": 1, "text": "您先别急，我来查。", "band": 3, "points": 75,
                     "score": SCORE | {"lesson": lesson.id},
                     "scorer": "offline-1", "copied": False, "withdrawn_at": None, "created_at": T1, **attempt}],
        "review": [{"id": 1, "person_id": 2, "lesson_id": lesson.id, "step": 1, "passes": 1, "due_on": "2026-12-01",
                    "updated_at": T1}],
        "favourite": [{"id": 1, "person_id": 2, "template_id": "tpl-refund-all-split", "created_at": T0}],
        "lookup": [{"id": 1, "person_id": 2, "words": "退费", "hits": 3, "picked": None, "created_at": T0}],
        "conversation": [{"person_id": 2, "state": {"question": 2, "shown_at": "2026-11-23T00:06:00+00:00"},
                          "updated_at": T1}],
        "inbox": [{"id": 1, "platform": "web", "key": "old:1", "sender": "2", "person_id": 2, "kind": "text",
                   "text": "帮助", "status": "done", "tries": 1, "carried": "[]", "received_at": T0, "done_at": T0}],
        "content": [{"digest": message.digest, "message": message.to_json(), "created_at": T0}],
        "delivery": [
            {"id": 1, "key": "question:1", "kind": "challenge", "status": "sent", "parts_sent": 1, "expires_at": T1,
             "message_id": "m1", **sent},
            {"id": 2, "key": "answer:1:0", "kind": "answer", "status": "unknown", "parts_sent": 0, "expires_at": None,
             "message_id": "", **sent},
        ],
        "picture": [{"id": 1, "name": "board-2026-11-16-1", "png": b"\x89PNG", "created_at": T0}],
        "chatline": [{"id": 1, "person_id": 2, "mine": False, "message": message.to_json(), "key": "q1", "at": T0}],
        "audit": chain,
        "token": [{"name": "wecom:ww1:7", "value": "hush", "expires_at": T1}],
        "setting": [{"name": "demo:offset", "value": "0"}],
    }  # fmt: skip


def fourth_revision(lesson: AnyLesson) -> Rows:
    """The same organisation some weeks later, revision 0004: with drills, exams, a judge, logins and held fields."""
    rows, version = first_release(lesson), digest(lesson)
    for row in rows["attempt"]:
        row["trial"] = False
    for row in rows["person"]:
        row["held"] = ["name"]
    for row in rows["delivery"]:
        row["parts"] = 1
    return rows | {
        "exam": [{"id": 1, "grader": "offline-1", "lesson_id": lesson.id, "digest": version, "asked": 3, "agreed": 3,
                  "passed": True, "answers": [{"gold": 3, "given": 3}], "at": T0}],
        "judgement": [{"id": 1, "lesson_id": lesson.id, "digest": version, "reply": "r", "model": "m", "prompt": "p",
                       "outcome": "ok", "raw": "{}", "milliseconds": 900, "tokens_in": 700, "tokens_out": 80,
                       "at": T0}],
        "drillrun": [{"id": 1, "person_id": 2, "drill_id": "D", "digest": "d", "situation": "s", "status": "done",
                      "said": [], "band": 3, "points": 70, "started_at": T0, "touched_at": T1}],
        "login_token": [{"hash": "a" * 64, "kind": "session", "person_id": 1, "detail": "", "created_at": T0,
                         "expires_at": T1}],
    }  # fmt: skip


def _chain(*actions: str) -> list[dict[str, Any]]:
    """Two audit rows whose hashes fit."""
    rows: list[dict[str, Any]] = []
    for number, action in enumerate(actions, 1):
        row = Audit(
            at=datetime(2026, 11, 20, 1, 30, tzinfo=UTC), actor_id=1, actor="周敏", action=action, subject="autumn",
            detail={"count": number}, previous=rows[-1]["hash"] if rows else "",
        )  # fmt: skip
        values = {"id": number, "at": T0, "actor_id": 1, "actor": "周敏", "action": action, "subject": "autumn"}
        rows.append(values | {"detail": row.detail, "previous": row.previous, "hash": audit._digest(row)})
    return rows


async def fill(connection: AsyncConnection, rows: Rows) -> None:
    """Write rows with plain SQL, as they would stand there."""
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        await connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    for table, values in rows.items():
        for row in values:
            plain = {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
                for name, value in row.items()
            }
            columns, marks = ", ".join(f'"{name}"' for name in plain), ", ".join(f":{name}" for name in plain)
            await connection.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'), plain)
        if postgres and "id" in values[0] and isinstance(values[0]["id"], int):
            last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))"
            await connection.execute(text(last))


async def contents(connection: AsyncConnection, rows: Rows) -> dict[str, list[tuple[Any, ...]]]:
    """What stands in these columns now, table by table."""
    found = {}
    for table, values in rows.items():
        columns = ", ".join(f'"{name}"' for name in values[0])
        result = await connection.execute(text(f'SELECT {columns} FROM "{table}" ORDER BY 1'))
        found[table] = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in result]
    return found
