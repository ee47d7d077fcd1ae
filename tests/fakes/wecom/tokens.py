"""WeCom's access tokens: one per secret, shared inside its life, dead early if need be; wrong secrets ban the address.

WC91039, WC90313. Which secrets there are decides what a token may do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.core.clock import Clock
from tests.fakes.handed import handed

Answer = dict[str, Any]


class Refusal(Exception):
    """The vendor answers with an errcode."""

    def __init__(self, code: int, text: str = "", **more: Any) -> None:
        super().__init__(code)
        self.answer: Answer = {"errcode": code, "errmsg": text or f"error {code}, hint: [16], more info at ?e={code}"}
        self.answer |= more


@dataclass
class Token:
    value: str
    expires_at: datetime
    secret: str
    dead: int = 0  # the errcode it gets now, 0 while it is good


class Tokens:
    """Knobs are plain attributes. `apps` maps every secret to its app's agentid; `secret` is the app under test."""

    BAN = timedelta(hours=1)

    def __init__(self, clock: Clock, corp_id: str, agent_id: int, secret: str) -> None:
        self.clock, self.corp_id, self.agent_id, self.secret = clock, corp_id, agent_id, secret
        self.other_apps: dict[str, int] = {}  # secret → agentid
        self.token_seconds = 7200
        self.new_token_each_time = False  # otherwise the same one inside its life (unverified, protocols.md H1)
        self.old_token_seconds = 0  # how long the old one lives on when there is a new one each time
        self.gettoken_parallel = 3
        self.bad_secrets_allowed = 10
        self.numbers = count(1)
        self.token: Token | None = None
        self._given: dict[str, Token] = {}
        self._others: dict[str, Token] = {}
        self._bad_secrets: list[datetime] = []

    def gettoken(self, corp_id: str, secret: str, parallel: int) -> Answer:
        now = self.clock.now()
        self._bad_secrets = [moment for moment in self._bad_secrets if moment > now - self.BAN]
        if len(self._bad_secrets) >= self.bad_secrets_allowed:
            raise Refusal(45009)
        if parallel > self.gettoken_parallel:
            raise Refusal(45033)
        if corp_id != self.corp_id:
            raise Refusal(40013)
        if secret != self.secret and secret not in self.other_apps:
            self._bad_secrets.append(now)
            raise Refusal(40001)
        token = self._issued(secret)
        left = int((token.expires_at - now).total_seconds())
        return {"errcode": 0, "errmsg": "ok", "access_token": token.value, "expires_in": left}

    def _issued(self, secret: str) -> Token:
        now = self.clock.now()
        held = self.token if secret == self.secret else self._others.get(secret)
        if held is not None and not held.dead and now < held.expires_at:
            if not self.new_token_each_time:
                return held
            held.expires_at = min(held.expires_at, now + timedelta(seconds=self.old_token_seconds))
        value = handed("token", f"tok-{next(self.numbers)}-{hashlib.sha256(secret.encode()).hexdigest()}")
        token = self._given[value] = Token(value, now + timedelta(seconds=self.token_seconds), secret)
        if secret == self.secret:
            self.token = token
        else:
            self._others[secret] = token
        return token

    def expire_token(self, code: int = 42001) -> None:
        """The token in use stops working, before its time if need be."""
        if self.token is not None and not self.token.dead:
            self.token.dead = code

    def check_token(self, value: str | None) -> Token:
        if not value:
            raise Refusal(41001)
        token = self._given.get(value)
        if token is None:
            raise Refusal(40014)
        if token.dead or self.clock.now() >= token.expires_at:
            raise Refusal(token.dead or 42001)
        return token

    def agent_of(self, token: Token) -> int:
        """The app a token is for."""
        return self.other_apps.get(token.secret, self.agent_id)
