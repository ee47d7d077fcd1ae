"""What DingTalk knows and decides about one app's robot: tokens, quotas, members, messages. No HTTP here.

Documents: DT-A0033 (tokens), A0714 and A0699 (messages), A1431 and A1433 (quotas); see protocols.md E1, E2, E5.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.core.clock import Clock
from tests.fakes.handed import handed

Answer = dict[str, Any]
SAMPLES = {"sampleText": {"content"}, "sampleMarkdown": {"title", "text"}}
_EXEMPT = ("oauth2/", "gateway/")  # DT-A1431: tokens; opening a Stream is not listed, and is no business call


@dataclass(frozen=True)
class Shown:
    """One thing a person sees in the chat, and the way it came: api, session or card."""

    user: str
    kind: str  # text · markdown · card
    text: str
    way: str
    at: datetime
    title: str = ""
    track: str = ""


@dataclass(frozen=True)
class Request:
    """One call the bot made, with the status and code it got."""

    route: str
    status: int
    code: str = ""
    body: Any = None
    raw: bytes = field(default=b"", repr=False)


class Refusal(Exception):
    """The vendor answers with an error."""

    def __init__(self, code: str, status: int = 400, answer: Answer | None = None) -> None:
        super().__init__(code)
        self.code, self.status = code, status
        self.answer: Answer = {"code": code, "requestid": "0F1E-2D3C", "message": code} if answer is None else answer


class Vendor:
    """The state behind the API. Knobs are plain attributes."""

    def __init__(self, clock: Clock, client_id: str, secret: str, members: list[str]) -> None:
        self.clock, self.client_id, self.secret = clock, client_id, secret
        self.robot_code = client_id
        self.corp_id = "dingcorp0123456789"
        self.members = list(members)  # the organisation; spelt exactly
        self.token_seconds = 7200
        self.auth_status = 400  # of InvalidAuthentication: 400 or 401 (row 1)
        self.qps, self.qps_slack = 20, 1  # measured in real time: the bot's courier paces itself in real time
        self.api_quota, self.push_quota = 5000, 3000  # a month (DT-A1431)
        self.permitted, self.published, self.address_allowed = True, True, True
        self.banned = ""  # "json" or "html": what a banned address gets (row 4)
        self.throttled: set[str] = set()  # people the vendor holds back just now
        self.nobody_is_error = True  # a call without any known person is a 400, not a 200 with a list
        self.one_stranger_is_error = False  # the stricter reading of staffId.notExisted
        self.shown: list[Shown] = []
        self.calls = self.pushes = 0
        self._token, self._expires_at = "", clock.now()
        self.tokens: list[str] = []  # every one given out
        self._dead: set[str] = set()
        self._numbers = count(1)
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)

    # Tokens

    def access_token(self, body: Any) -> Answer:
        """Inside its validity the same token again, extended (DT-A0033)."""
        if not isinstance(body, dict) or set(body) != {"appKey", "appSecret"}:
            raise Refusal("invalidParameter")
        if body != {"appKey": self.client_id, "appSecret": self.secret}:
            raise Refusal("invalidClientIdOrSecret")
        if not self._token or self._token in self._dead or self.clock.now() >= self._expires_at:
            self._token = handed("token", f"dingtoken-{next(self._numbers)}-{'x' * 24}")
            self.tokens.append(self._token)
        self._expires_at = self.clock.now() + timedelta(seconds=self.token_seconds)
        return {"accessToken": self._token, "expireIn": self.token_seconds}

    def expire_token(self) -> None:
        """The token in use stops working before its time."""
        self._dead.add(self._token)

    @property
    def token(self) -> str:
        return self._token

    def check_token(self, value: str | None) -> None:
        if not value or value != self._token or value in self._dead or self.clock.now() >= self._expires_at:
            raise Refusal("InvalidAuthentication", self.auth_status)

    # Limits

    def admit(self, route: str) -> None:
        """Whether a call may be made at all: ban, address, rate, permission, the month's quota."""
        if self.banned:
            ban = {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "u"}
            raise Refusal("", 403 if self.banned == "html" else 200, {} if self.banned == "html" else ban)
        if not self.address_allowed:
            raise Refusal("Forbidden.AccessDenied.IpNotInWhiteList", 403)
        if route.startswith(_EXEMPT):
            return
        recent, now = self._recent[route], time.monotonic()
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= self.qps + self.qps_slack:
            raise Refusal("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", 403)
        recent.append(now)
        if self.calls >= self.api_quota:
            raise Refusal("Forbidden.AccessDenied.ApiCountLimitForOrg", 403)
        self.calls += 1
        if not self.permitted:
            raise Refusal("Forbidden.AccessDenied.AccessTokenPermissionDenied", 403)

    # Messages

    def batch_send(self, body: Any) -> Answer:
        """oToMessages/batchSend: at most twenty people; msgParam is a JSON text for its msgKey."""
        if not isinstance(body, dict) or set(body) != {"robotCode", "userIds", "msgKey", "msgParam"}:
            raise Refusal("invalidParameter.param.invalid")
        self.check_robot(body["robotCode"])
        kind, text, title = self._sample(body["msgKey"], body["msgParam"])
        people = body["userIds"]
        if not isinstance(people, list) or not people or not all(isinstance(name, str) for name in people):
            raise Refusal("invalidParameter.userIds.empty")
        if len(people) > 20:
            raise Refusal("invalidParameter.userIds.overMax")
        unknown = [name for name in people if name not in self.members]
        if unknown and (self.one_stranger_is_error or (self.nobody_is_error and len(unknown) == len(people))):
            raise Refusal("staffId.notExisted")
        held = [name for name in people if name in self.throttled and name not in unknown]
        for name in people:
            if name not in unknown and name not in held:
                self.show(Shown(name, kind, text, "api", self.clock.now(), title))
        key = f"query-{next(self._numbers)}"
        return {"processQueryKey": key, "invalidStaffIdList": unknown, "flowControlledStaffIdList": held}

    def check_robot(self, code: Any) -> None:
        if not code:
            raise Refusal("invalidParameter.robotCode.empty")
        if code != self.robot_code:
            raise Refusal("invalidParameter.robotCode.auth")
        if not self.published:
            raise Refusal("robot.oto.notExist")

    def show(self, shown: Shown) -> None:
        self.shown.append(shown)

    def _sample(self, key: Any, param: Any) -> tuple[str, str, str]:
        if key not in SAMPLES:
            raise Refusal("invalidParameter.msgKey.invalid")
        if not isinstance(param, str):
            raise Refusal("invalidParameter.msgParam.invalid")
        if len(param.encode()) > 15_000:
            raise Refusal("invalidParameter.msgParam.tooLong")
        try:
            values = json.loads(param)
        except ValueError:
            values = None
        if not isinstance(values, dict) or set(values) != SAMPLES[key]:
            raise Refusal("invalidParameter.msgParam.invalid")
        if not all(isinstance(value, str) and value.strip() for value in values.values()):
            raise Refusal("invalidParameter.msgParam.invalid")
        if key == "sampleText":
            return "text", values["content"], ""
        return "markdown", values["text"], values["title"]
