"""Conversations with the robot: their sessionWebhooks, the messages people write, and answers by session.

Shapes from DT-A0718 and A0699 (protocols.md E4, E5). The error of an expired session is from QwenPaw#1435.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from tests.fakes.dingtalk.vendor import Answer, Shown, Vendor
from tests.fakes.handed import handed

BODY_LIMIT = 20_000


@dataclass
class Session:
    """One message's sessionWebhook, bound to its conversation."""

    user: str
    conversation: str
    expires_ms: int


class Chats:
    """Makes messages and takes answers. `lifetime` and `expired_code` are knobs (protocols.md H6)."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.lifetime = timedelta(minutes=90)
        self.expired_code = 300001
        self.accepts = True  # whether the vendor takes answers by session in a 1:1 chat at all
        self.base_url = ""
        self._sessions: dict[str, Session] = {}
        self._numbers = count(1)

    def message(self, user: str, kind: str = "text", *, group: bool = False, **parts: Any) -> dict[str, Any]:
        """The JSON of a message from this person; `parts` override, None leaves an attribute out."""
        vendor, number = self.vendor, next(self._numbers)
        now = int(vendor.clock.now().timestamp() * 1000)
        conversation = "cidGROUP==" if group else f"cid{user}=="
        url, expires = self._session(user, conversation, now)
        data: dict[str, Any] = {
            "conversationId": conversation,
            "conversationType": "2" if group else "1",
            "chatbotCorpId": vendor.corp_id,
            "chatbotUserId": "$:LWCP_v1:$robot",
            "robotCode": vendor.robot_code,
            "msgId": f"msg{number:06d}+{secrets.token_hex(4)}==",
            "msgtype": kind,
            "senderId": f"$:LWCP_v1:$sender-{number}",
            "senderNick": "小林",
            "senderStaffId": user,
            "senderCorpId": vendor.corp_id,
            "isAdmin": False,
            "sessionWebhook": url,
            "sessionWebhookExpiredTime": expires,
            "createAt": now,
        }
        if group:
            data |= {"conversationTitle": "测试群", "isInAtList": True, "atUsers": [{"dingtalkId": "$:LWCP_v1:$robot"}]}
        data |= parts
        return {name: value for name, value in data.items() if value is not None}

    def _session(self, user: str, conversation: str, now: int) -> tuple[str, int]:
        name = handed("session", secrets.token_hex(16))
        expires = now + int(self.lifetime.total_seconds() * 1000)
        self._sessions[name] = Session(user, conversation, expires)
        return f"{self.base_url}/robot/sendBySession?session={name}", expires

    @property
    def sessions(self) -> list[str]:
        """The secret part of every sessionWebhook."""
        return list(self._sessions)

    def over_quota(self, data: dict[str, Any]) -> dict[str, Any]:
        """The same message once the month's pushes are used up: no text, an errorCode (DT-A1431)."""
        gone = {name: value for name, value in data.items() if name not in ("text", "content")}
        return gone | {"errorCode": "20001", "errorMessage": "组织当月推送额度已用尽"}

    def say(self, name: str | None, body: Any, size: int) -> Answer:
        """POST robot/sendBySession: no token, no signature, an errcode in a 200."""
        session = self._sessions.get(name or "")
        now = int(self.vendor.clock.now().timestamp() * 1000)
        if session is None or now >= session.expires_ms or not self.accepts:
            return {"errcode": self.expired_code, "errmsg": "session 不存在"}
        if size > BODY_LIMIT:
            return {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
        found = content(body)
        if found is None:
            return {"errcode": 40035, "errmsg": "缺少参数 json"}
        kind, text, title = found
        seen = session.user if session.conversation != "cidGROUP==" else "cidGROUP=="
        self.vendor.show(Shown(seen, kind, text, "session", self.vendor.clock.now(), title))
        return {"errcode": 0, "errmsg": "ok"}


def content(body: Any) -> tuple[str, str, str] | None:
    """Kind, text and title of a robot's text or markdown; None for anything else. No pictures, no files."""
    if not isinstance(body, dict) or body.get("msgtype") not in ("text", "markdown"):
        return None
    kind = str(body["msgtype"])
    part, names = body.get(kind), {"content"} if kind == "text" else {"title", "text"}
    if set(body) - {"msgtype", kind, "at"} or not isinstance(part, dict) or set(part) != names:
        return None
    if not all(isinstance(value, str) and value.strip() for value in part.values()):
        return None
    return (kind, part["content"], "") if kind == "text" else (kind, part["text"], part["title"])
