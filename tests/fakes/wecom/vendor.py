"""What WeCom knows and decides about one app's messages: members, media, limits, recall. No HTTP here.

Errcodes from WC90313, message rules from WC90236, limits from WC90312.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.core.clock import Clock
from tests.fakes.wecom.cards import Card, Cards
from tests.fakes.wecom.tokens import Answer, Refusal, Token, Tokens

PART_BYTES = 2048
_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")
_COMMON = {
    "touser", "toparty", "totag", "msgtype", "agentid", "safe", "enable_id_trans", "enable_duplicate_check",
    "duplicate_check_interval",
}  # fmt: skip
_TYPES = ("text", "markdown", "textcard", "image", "template_card")
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_UPLOADS = {"image": 10, "voice": 2, "video": 10, "file": 20}  # MB


@dataclass(frozen=True)
class Shown:
    """One thing a person sees in the chat."""

    user: str
    kind: str  # text · markdown · textcard · image · template_card
    text: str  # an image's is 〔图片〕, a card's 〔卡片〕 and its buttons
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


@dataclass(frozen=True)
class Content:
    """What a message shows."""

    text: str
    media: bytes = field(default=b"", repr=False)
    card: Card | None = None


class Vendor(Tokens):
    """The state behind the API. Knobs are plain attributes."""

    def __init__(self, clock: Clock, corp_id: str, agent_id: int, secret: str, members: list[str]) -> None:
        super().__init__(clock, corp_id, agent_id, secret)
        self.members = list(members)  # the visible range, in the spelling of the directory
        self.parties: dict[str, list[str]] = {}  # department id → members
        self.unlicensed: set[str] = set()
        self.member_per_minute, self.member_per_hour = 30, 1000
        self.long_markdown: Literal["reject", "cut"] = "reject"  # undocumented for apps (protocols.md H3)
        self.duplicates_first = True  # whether an equal request is seen before its fields are checked (unverified)
        self.shown: list[Shown] = []
        self.dropped: list[Shown] = []  # accepted with errcode 0 and never shown
        self.cards = Cards(clock)
        self.menu: dict[str, Any] | None = None
        self._sends: dict[str, tuple[int, datetime]] = {}  # msgid → agentid, when
        self._media: dict[str, tuple[bytes, datetime]] = {}
        self._recent: dict[str, datetime] = {}  # request digest → until when an equal one is a duplicate
        self._pace: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def member(self, user: str) -> str | None:
        """The directory's spelling of a userid inside the visible range; case does not matter."""
        return next((name for name in self.members if name.casefold() == user.casefold()), None)

    # Media

    def upload(self, kind: str, filename: str | None, content: bytes) -> Answer:
        if kind not in _UPLOADS or not filename or (kind == "image" and not content.startswith(_IMAGES)):
            raise Refusal(40004)
        if not 5 < len(content) <= _UPLOADS[kind] * 1024 * 1024:
            raise Refusal(44001 if len(content) <= 5 else 45001)
        media_id = f"media-{next(self.numbers)}"
        self._media[media_id] = content, self.clock.now() + timedelta(days=3)
        return {"errcode": 0, "errmsg": "", "type": kind, "media_id": media_id, "created_at": "1380000000"}

    def forget_media(self) -> None:
        self._media.clear()

    # Messages

    def send(self, raw: bytes, token: Token) -> Answer:
        body = _parsed(raw)
        if body.get("agentid") != self.agent_of(token):
            raise Refusal(301002 if "agentid" in body else 41011)
        again = self.duplicates_first and self._is_duplicate(body, raw, remember=False)
        content = Content("") if again else self._content(body)
        wanted = self._wanted(body)
        found = [name for name in map(self.member, wanted) if name]
        invalid = "|".join(name.lower() for name in wanted if not self.member(name))
        if not found:
            raise Refusal(81013, invaliduser=invalid)
        unlicensed = {name for name in found if name in self.unlicensed}
        msgid = f"msg-{next(self.numbers)}"
        self._sends[msgid] = body["agentid"], self.clock.now()
        answer = {"errcode": 0, "errmsg": "ok", "invaliduser": invalid, "invalidparty": "", "invalidtag": ""}
        answer |= {"unlicenseduser": "|".join(sorted(unlicensed)).lower(), "msgid": msgid}
        if not self._is_duplicate(body, raw, remember=True):
            reached = [name for name in found if name not in unlicensed]
            for name in reached:
                self._show(name, str(body["msgtype"]), content, msgid)
            if content.card is not None:
                answer["response_code"] = self.cards.deal(content.card, reached)
        return answer

    def recall(self, body: Any, token: Token) -> Answer:
        """message/recall (WC94867): within 24 hours, and only the app's own."""
        agent_id, sent = self._sends.get(str(body.get("msgid")) if isinstance(body, dict) else "", (0, None))
        if sent is None or agent_id != self.agent_of(token):
            raise Refusal(40058)
        if self.clock.now() - sent > timedelta(hours=24):
            raise Refusal(42052)
        self.shown = [shown for shown in self.shown if shown.msgid != body["msgid"]]
        return {"errcode": 0, "errmsg": "ok"}

    def _wanted(self, body: Answer) -> list[str]:
        """Who is named; @all leaves departments and tags aside. Raises Refusal."""
        users, parties, tags = (
            [name for name in str(body.get(key, "")).split("|") if name] for key in ("touser", "toparty", "totag")
        )
        if users == ["@all"]:
            return list(self.members)
        for names, most, code in ((users, 1000, 40032), (parties, 100, 82002), (tags, 100, 82003)):
            if len(names) > most:
                raise Refusal(code)
        if not users and not parties and not tags:
            raise Refusal(82001)
        return users + [name for party in parties for name in self.parties.get(party, [])]

    def _content(self, body: Answer) -> Content:
        kind = body.get("msgtype")
        if kind not in _TYPES:
            raise Refusal(40008)
        part = body.get(kind)
        if set(body) - _COMMON - {kind} or not isinstance(part, dict):
            raise Refusal(40035)
        if kind == "image":
            return self._image(part)
        if kind == "template_card":
            if "safe" in body:
                raise Refusal(40035)
            card = self.cards.check(part)
            return Content("〔卡片〕" + "｜".join(_labels(card)), card=card)
        if kind == "textcard":
            return self._textcard(body, part)
        text = part.get("content")
        if set(part) != {"content"} or not isinstance(text, str):
            raise Refusal(40035)
        if not text.strip():
            raise Refusal(44004)
        if kind == "markdown" and len(text.encode()) > PART_BYTES and self.long_markdown == "reject":
            raise Refusal(40058)
        return Content(text)

    def _textcard(self, body: Answer, part: dict[str, Any]) -> Content:
        most = {"title": 128, "description": 512, "btntxt": 4}
        if "safe" in body or not {"title", "description", "url"} <= set(part) <= {*most, "url"}:
            raise Refusal(40035)
        if any(
            not isinstance(part.get(name, ""), str) or len(part.get(name, "")) > size for name, size in most.items()
        ):
            raise Refusal(40058)
        if not part["url"].startswith(("http://", "https://")) or len(part["url"].encode()) > 2048 or not part["title"]:
            raise Refusal(40058)
        return Content(f"{part['title']}\n{part['description']}\n{part['url']}")

    def _image(self, part: dict[str, Any]) -> Content:
        content, until = self._media.get(str(part.get("media_id")), (b"", self.clock.now()))
        if set(part) != {"media_id"} or not content or self.clock.now() >= until:
            raise Refusal(40007)
        return Content("〔图片〕", content)

    def _is_duplicate(self, body: Answer, raw: bytes, *, remember: bool) -> bool:
        """Whether an equal request came inside its interval; byte-equal is the strictest reading of 请求json."""
        if body.get("enable_duplicate_check") != 1:
            return False
        interval = body.get("duplicate_check_interval", 1800)
        if not isinstance(interval, int) or not 0 < interval <= 14400:
            raise Refusal(40058)
        digest, now = hashlib.sha256(raw).hexdigest(), self.clock.now()
        if self._recent.get(digest, now) > now:
            return True
        if remember:
            self._recent[digest] = now + timedelta(seconds=interval)
        return False

    def _show(self, user: str, kind: str, content: Content, msgid: str) -> None:
        now = self.clock.now()
        seen = cut_bytes(content.text) if kind in ("text", "markdown") else content.text
        shown = Shown(user, kind, seen, False, now, msgid=msgid, media=content.media)
        pace = self._pace[user]
        while pace and pace[0] <= now - timedelta(hours=1):
            pace.popleft()
        minute = sum(moment > now - timedelta(minutes=1) for moment in pace)
        if minute >= self.member_per_minute or len(pace) >= self.member_per_hour:
            self.dropped.append(shown)
            return
        pace.append(now)
        self.shown.append(replace(shown, cut=seen != content.text))


def _labels(card: Card) -> list[str]:
    box = card.get("checkbox")
    return [each["text"] for each in (box["option_list"] if box else card["button_list"])]


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
