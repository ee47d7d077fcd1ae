"""A custom robot of a group: signature, keyword, addresses, twenty a minute, then ten minutes of silence (DT-A0717)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.core.clock import Clock
from tests.fakes.dingtalk.chats import BODY_LIMIT, content
from tests.fakes.dingtalk.crypto import sign
from tests.fakes.dingtalk.vendor import Answer
from tests.fakes.handed import handed


class CustomRobot:
    """One robot. `secret`, `keyword` and `addresses` are its security settings, `alive` whether it still exists."""

    def __init__(self, clock: Clock, token: str = "customrobottoken0123", secret: str = "SECfake0123456789") -> None:
        self.clock, self.token, self.secret = clock, handed("token", token), handed("secret", secret)
        self.keyword, self.addresses = "", None
        self.alive = True
        self.posts: list[tuple[str, str]] = []  # kind and text
        self._made: deque[datetime] = deque()
        self._blocked_until = clock.now()

    def send(self, query: Mapping[str, str], body: Any, size: int, address: str) -> Answer:
        if query.get("access_token") != self.token or not self.alive:
            return _no(400101 if self.alive else 400102, "token is not exist")
        now = self.clock.now()
        if now < self._blocked_until:
            return _no(410100, "send too fast, exceed 20 times per minute")
        if not self._is_safe(query, body, address):
            return _no(310000, "sign not match / keywords not in content / ip not in whitelist")
        if size > BODY_LIMIT:
            return _no(460101, "message too long, exceed 20000 bytes")
        found = content(body)
        if found is None:
            return _no(40035, "缺少参数 json")
        while self._made and self._made[0] <= now - timedelta(minutes=1):
            self._made.popleft()
        if len(self._made) >= 20:
            self._blocked_until = now + timedelta(minutes=10)
            return _no(410100, "send too fast, exceed 20 times per minute")
        self._made.append(now)
        self.posts.append(found[:2])
        return {"errcode": 0, "errmsg": "ok"}

    def _is_safe(self, query: Mapping[str, str], body: Any, address: str) -> bool:
        if self.addresses is not None and address not in self.addresses:
            return False
        if self.keyword and self.keyword not in str(body):
            return False
        if not self.secret:
            return True
        timestamp = query.get("timestamp", "")
        if not timestamp.isdigit() or abs(self.clock.now().timestamp() - int(timestamp) / 1000) > 3600:
            return False
        return query.get("sign") == sign(self.secret, timestamp)


def _no(code: int, text: str) -> Answer:
    return {"errcode": code, "errmsg": text}
