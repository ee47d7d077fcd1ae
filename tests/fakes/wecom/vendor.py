"""What WeCom knows and decides about one app's messages: tokens, members, limits. No HTTP here.

Errcodes from WC90313, message rules from WC90236, limits from WC90312.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.core.clock import Clock

PART_BYTES = 2048
_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")
_COMMON = {
    "touser", "toparty", "totag", "msgtype", "agentid", "safe", "enable_id_trans", "enable_duplicate_check",
    "duplicate_check_interval",
}  # fmt: skip
_TYPES = ("text", "markdown", "image")
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

Answer = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """One thing a person sees in the chat."""

    user: str
    kind: str  # text · markdown · image
    text: str  # an image's is 〔图片〕
    passive: bool
    at: datetime
    cut: bool = False
    msgid: str = ""
    media: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Request:
    """One call the bot made, with the errcode it got."""

    route: str
    errcode: int
    body: Any = None
    raw: bytes = field(default=b"", repr=False)


@dataclass
class Token:
    value: str
    expires_at: datetime
    dead: int = 0  # the errcode it gets now, 0 while it is good


class Refusal(Exception):
    """The vendor answers with an errcode."""

    def __init__(self, code: int, text: str = "", **more: Any) -> None:
        super().__init__(code)
        self.answer: Answer = {"errcode": code, "errmsg": text or f"error {code}, hint: [16], more info at ?e={code}"}
        self.answer |= more


class Vendor:
    """The state behind the API. Knobs are plain attributes."""

    def __init__(self, clock: Clock, corp_id: str, agent_id: int, secret: str, members: list[str]) -> None:
        self.clock, self.corp_id, self.agent_id, self.secret = clock, corp_id, agent_id, secret
        self.members = list(members)  # the visible range, in the spelling of the directory
        self.unlicensed: set[str] = set()
        self.token_seconds = 7200
        self.new_token_each_time = False  # otherwise the same one inside its life (unverified, protocols.md H1)
        self.gettoken_parallel = 3
        self.bad_secrets_allowed = 10
        self.member_per_minute, self.member_per_hour = 30, 1000
        self.shown: list[Shown] = []
        self.dropped: list[Shown] = []  # accepted with errcode 0 and never shown
        self.token: Token | None = None
        self._old: dict[str, Token] = {}
        self._numbers = count(1)
        self._bad_secrets = 0
        self._media: dict[str, tuple[bytes, datetime]] = {}
        self._recent: dict[str, datetime] = {}  # request digest → until when an equal one is a duplicate
        self._pace: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def member(self, user: str) -> str | None:
        """The directory's spelling of a userid inside the visible range; case does not matter."""
        return next((name for name in self.members if name.casefold() == user.casefold()), None)

    # Tokens

    def gettoken(self, corp_id: str, secret: str, parallel: int) -> Answer:
        if self._bad_secrets >= self.bad_secrets_allowed:
            raise Refusal(45009)
        if parallel > self.gettoken_parallel:
            raise Refusal(45033)
        if corp_id != self.corp_id:
            raise Refusal(40013)
        if secret != self.secret:
            self._bad_secrets += 1
            raise Refusal(40001)
        now = self.clock.now()
        if self.token is None or self.token.dead or now >= self.token.expires_at or self.new_token_each_time:
            self.expire_token()
            value = f"tok-{next(self._numbers)}-{hashlib.sha256(secret.encode()).hexdigest()}"
            self.token = Token(value, now + timedelta(seconds=self.token_seconds))
            self._old[value] = self.token
        left = int((self.token.expires_at - now).total_seconds())
        return {"errcode": 0, "errmsg": "ok", "access_token": self.token.value, "expires_in": left}

    def expire_token(self, code: int = 42001) -> None:
        """The token in use stops working, before its time if need be."""
        if self.token is not None and not self.token.dead:
            self.token.dead = code

    def check_token(self, value: str | None) -> None:
        if not value:
            raise Refusal(41001)
        token = self._old.get(value)
        if token is None:
            raise Refusal(40014)
        if token.dead or self.clock.now() >= token.expires_at:
            raise Refusal(token.dead or 42001)

    # Media

    def upload(self, kind: str, filename: str | None, content: bytes) -> Answer:
        if kind != "image" or not filename or not content.startswith(_IMAGES):
            raise Refusal(40004)
        if not 5 < len(content) <= 10 * 1024 * 1024:
            raise Refusal(44001 if len(content) <= 5 else 45001)
        media_id = f"media-{next(self._numbers)}"
        self._media[media_id] = content, self.clock.now() + timedelta(days=3)
        return {"errcode": 0, "errmsg": "", "type": kind, "media_id": media_id, "created_at": "1380000000"}

    def forget_media(self) -> None:
        self._media.clear()

    # Messages

    def send(self, raw: bytes) -> Answer:
        body = _parsed(raw)
        if body.get("agentid") != self.agent_id:
            raise Refusal(301002 if "agentid" in body else 41011)
        text, media = self._content(body)
        wanted = [name for name in str(body.get("touser", "")).split("|") if name]
        if not wanted:
            raise Refusal(82001)
        if len(wanted) > 1000:
            raise Refusal(40032)
        if wanted == ["@all"]:
            wanted = list(self.members)
        found = [name for name in map(self.member, wanted) if name]
        invalid = "|".join(name.lower() for name in wanted if not self.member(name))
        if not found:
            raise Refusal(81013, invaliduser=invalid)
        unlicensed = {name for name in found if name in self.unlicensed}
        msgid = f"msg-{next(self._numbers)}"
        if not self._is_duplicate(body, raw):
            for name in found:
                if name not in unlicensed:
                    self._show(name, str(body["msgtype"]), text, media, msgid)
        lists = {"invaliduser": invalid, "unlicenseduser": "|".join(sorted(unlicensed)).lower()}
        return {"errcode": 0, "errmsg": "ok", "invalidparty": "", "invalidtag": "", "msgid": msgid} | lists

    def _content(self, body: Answer) -> tuple[str, bytes]:
        kind = body.get("msgtype")
        if kind not in _TYPES:
            raise Refusal(40008)
        part = body.get(kind)
        if set(body) - _COMMON - {kind} or not isinstance(part, dict):
            raise Refusal(40035)
        if kind == "image":
            content, until = self._media.get(str(part.get("media_id")), (b"", self.clock.now()))
            if set(part) != {"media_id"} or not content or self.clock.now() >= until:
                raise Refusal(40007)
            return "〔图片〕", content
        text = part.get("content")
        if set(part) != {"content"} or not isinstance(text, str):
            raise Refusal(40035)
        if not text.strip():
            raise Refusal(44004)
        if kind == "markdown" and len(text.encode()) > PART_BYTES:
            raise Refusal(40058)  # undocumented for apps (protocols.md H3); the stricter reading
        return text, b""

    def _is_duplicate(self, body: Answer, raw: bytes) -> bool:
        """Whether an equal request came inside its interval; byte-equal is the strictest reading of 请求json."""
        if body.get("enable_duplicate_check") != 1:
            return False
        interval = body.get("duplicate_check_interval", 1800)
        if not isinstance(interval, int) or not 0 < interval <= 14400:
            raise Refusal(40058)
        digest, now = hashlib.sha256(raw).hexdigest(), self.clock.now()
        if self._recent.get(digest, now) > now:
            return True
        self._recent[digest] = now + timedelta(seconds=interval)
        return False

    def _show(self, user: str, kind: str, text: str, media: bytes, msgid: str) -> None:
        now = self.clock.now()
        seen = cut_bytes(text) if kind == "text" else text
        shown = Shown(user, kind, seen, False, now, cut=seen != text, msgid=msgid, media=media)
        pace = self._pace[user]
        while pace and pace[0] <= now - timedelta(hours=1):
            pace.popleft()
        minute = sum(moment > now - timedelta(minutes=1) for moment in pace)
        if minute >= self.member_per_minute or len(pace) >= self.member_per_hour:
            self.dropped.append(shown)
            return
        pace.append(now)
        self.shown.append(shown)


def cut_bytes(text: str) -> str:
    """The part of a text that the vendor keeps, cut between characters."""
    return text.encode()[:PART_BYTES].decode(errors="ignore")


def _parsed(raw: bytes) -> Answer:
    if _ESCAPE.search(raw):
        raise Refusal(40033)
    try:
        body = json.loads(raw.decode())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(40058, "Warning: wrong json format.")
    return body
