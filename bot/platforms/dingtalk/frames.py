"""One frame of Stream, and the answer to it (protocols.md E3): `data` is a JSON text inside JSON, both ways."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Frame:
    """What the vendor pushed; parts that are missing or odd are empty."""

    type: str
    topic: str
    message_id: str
    data: Mapping[str, Any]
    event: str = ""  # what an EVENT is about

    @classmethod
    def read(cls, raw: str) -> Frame:
        frame = _object(raw)
        headers = frame.get("headers")
        headers = headers if isinstance(headers, dict) else {}
        return cls(
            str(frame.get("type", "")),
            str(headers.get("topic", "")),
            str(headers.get("messageId", "")),
            _object(frame.get("data")),
            str(headers.get("eventType", "")),
        )


class Answer:
    """The one answer to one push, on its own socket; a socket that has gone takes it with it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, message_id: str) -> None:
        self._socket, self._message_id, self._given = socket, message_id, False

    async def give(self, code: int, data: Mapping[str, Any]) -> None:
        if self._given:
            return
        self._given = True
        frame = {
            "code": code,
            "message": {200: "OK", 404: "no such topic"}.get(code, "internal error"),
            "headers": {"messageId": self._message_id, "contentType": "application/json"},
            "data": json.dumps(data, ensure_ascii=False),
        }
        with contextlib.suppress(aiohttp.ClientError, ConnectionError, RuntimeError):
            await self._socket.send_str(json.dumps(frame, ensure_ascii=False))


def _object(raw: Any) -> dict[str, Any]:
    """The object in a JSON text; empty when there is none."""
    try:
        data = json.loads(raw) if isinstance(raw, str) else None
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, dict) else {}
