"""What a small, strict WeCom decides about a message, and the ledger of what it accepted; no sockets.

API facts from WC91039 and WC90236, errcodes from WC90313.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.bench.callers import Secrets

_ENVELOPE = frozenset(
    {"touser", "agentid", "enable_duplicate_check", "duplicate_check_interval", "safe", "enable_id_trans"}
)
_TYPES = ("text", "markdown", "template_card")
_MOST_PEOPLE = 1000
TROUBLES = ("none", "down", "5xx", "garbage", "busy", "lost")


def digest_of(body: Mapping[str, Any]) -> str:
    """What a message shows, in 16 characters: without recipients, duplicate check and a card's own id."""
    shown = {name: value for name, value in body.items() if name not in _ENVELOPE}
    if isinstance(card := shown.get("template_card"), dict):
        shown["template_card"] = {name: value for name, value in card.items() if name != "task_id"}
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Ledger:
    """An append-only file of JSON lines, each on the disk before `write` comes back."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._writer = ThreadPoolExecutor(1)  # one at a time, in the order of the calls, and not on the loop

    async def write(self, **entry: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, self._append, entry)

    def _append(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._writer.shutdown()
        self._file.close()


@dataclass
class Trouble:
    """What goes wrong now: until a moment (monotonic) and at most for so many calls, for a share of them."""

    mode: str = "none"
    until: float = 0.0
    calls: int = 0
    share: float = 1.0


class Vendor:
    """The state behind the API, and its knobs. A message counts as accepted when it stands in the ledger."""

    def __init__(self, shared: Secrets, ledger: Ledger, seed: int) -> None:
        self.shared, self.ledger, self.counts = shared, ledger, Counter[str]()
        self.latency, self.spread = 0.0, 0.0  # seconds a call takes: the latency, more or less by the spread
        self.trouble = Trouble()
        self._random = random.Random(seed)
        self._token = hashlib.sha256(f"{shared.secret}{seed}".encode()).hexdigest()
        self._recent: dict[str, float] = {}  # digest of a request → until when an equal one is a duplicate

    def gettoken(self, query: Mapping[str, str]) -> dict[str, Any]:
        if (query.get("corpid"), query.get("corpsecret")) != (self.shared.corp_id, self.shared.secret):
            return {"errcode": 40001, "errmsg": "invalid credential"}
        return {"errcode": 0, "errmsg": "ok", "access_token": self._token, "expires_in": 7200}

    async def send(self, request: web.Request) -> web.StreamResponse:
        """message/send; half of the latency passes before the message is accepted, half after it. A call whose caller
        has gone by then is not accepted: a dead bot's calls have happened or not, and nobody can know."""
        at, mode, raw = time.time(), self._mode(), await request.read()
        half = max(0.0, self.latency + self.spread * self._random.uniform(-1, 1)) / 2
        await asyncio.sleep(half)
        if request.transport is None or request.transport.is_closing():
            mode = "gone"
        if mode in ("5xx", "garbage", "busy", "gone"):
            await self.ledger.write(kind="call", at=at, outcome=mode)
            self.counts[mode] += 1
            return _spoilt(mode)
        answer, entry = self._accepted(raw, request.query.get("access_token", ""))
        await self.ledger.write(kind="call", at=at, **entry)
        self.counts[str(entry["outcome"])] += 1
        await asyncio.sleep(half)
        if mode == "lost" and request.transport is not None:
            request.transport.abort()
        return web.json_response(answer)

    def _mode(self) -> str:
        """What goes wrong with the call that has just come in."""
        trouble = self.trouble
        if trouble.mode == "none" or time.monotonic() > trouble.until or trouble.calls <= 0:
            return "none"
        if self._random.random() >= trouble.share:
            return "none"
        trouble.calls -= 1
        return trouble.mode

    def _accepted(self, raw: bytes, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """(answer, ledger entry)."""
        code, body = self._checked(raw, token)
        if code:
            return {"errcode": code, "errmsg": "refused"}, {"outcome": "refused", "code": code}
        again = self._is_duplicate(body, raw)
        people = sorted(str(body["touser"]).split("|"))
        msgid = f"msg-{self.counts.total()}-{self._random.randrange(10**9)}"
        entry = {
            "outcome": "duplicate" if again else "accepted",
            "to": people,
            "msgid": msgid,
            "digest": digest_of(body),
        }
        return {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": msgid}, entry

    def _checked(self, raw: bytes, token: str) -> tuple[int, dict[str, Any]]:
        """The errcode (WC90313), 0 for a good call, and the body."""
        try:
            body = json.loads(raw.decode())
        except ValueError:
            return 40058, {}
        people = str(body.get("touser", "")).split("|") if isinstance(body, dict) else [""]
        checks = (
            (token == self._token, 40014),
            (isinstance(body, dict), 40058),
            (isinstance(body, dict) and body.get("agentid") == self.shared.agent_id, 301002),
            (all(people), 82001),
            (len(people) == len(set(people)) <= _MOST_PEOPLE, 40032),
            (isinstance(body, dict) and body.get("msgtype") in _TYPES, 40008),
            (isinstance(body, dict) and isinstance(body.get(str(body.get("msgtype"))), dict), 40035),
        )
        return next((code for fine, code in checks if not fine), 0), body

    def _is_duplicate(self, body: Mapping[str, Any], raw: bytes) -> bool:
        """Whether the very same JSON came inside its interval; it is remembered otherwise (WC90236)."""
        if body.get("enable_duplicate_check") != 1:
            return False
        digest, now = hashlib.sha256(raw).hexdigest(), time.monotonic()
        if self._recent.get(digest, now) > now:
            return True
        self._recent[digest] = now + min(float(body.get("duplicate_check_interval", 1800)), 14_400.0)
        return False


def _spoilt(mode: str) -> web.Response:
    match mode:
        case "5xx":
            return web.Response(status=503, text="<html>upstream</html>")
        case "garbage":
            return web.Response(text="<html>welcome</html>")
        case _:
            return web.json_response({"errcode": 45009, "errmsg": "reach max api daily quota limit"})
