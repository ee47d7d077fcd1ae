"""The vendor's pushes over HTTP: signed robot messages, and encrypted events (DT-A0718, E0004, E0232)."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import aiohttp

from tests.fakes.dingtalk.crypto import EventSealer, sign
from tests.fakes.dingtalk.vendor import Vendor
from tests.fakes.handed import handed
from tests.fakes.sealer import random_aes_key


@dataclass(frozen=True)
class Attempt:
    """One sending: the status (None: no full answer in time), the body, and how long it took."""

    status: int | None
    body: bytes
    seconds: float


class HttpPushes:
    """Posts to the bot's callback. `deadline` is the vendor's 2.5 seconds (DT-A1435); nothing is sent twice."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.url = ""
        self.deadline = 2.5
        self.event_token, self.aes_key = handed("secret", "eventtoken123"), handed("key", random_aes_key())
        self.sealer = EventSealer(self.event_token, self.aes_key, vendor.client_id)

    @property
    def _now(self) -> str:
        return str(int(self.vendor.clock.now().timestamp() * 1000))

    def headers(self, secret: str = "", timestamp: str = "") -> dict[str, str]:
        """timestamp and sign as the vendor sends them."""
        timestamp = timestamp or self._now
        return {"timestamp": timestamp, "sign": sign(secret or self.vendor.secret, timestamp)}

    async def message(self, data: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Attempt:
        """A robot message."""
        body = json.dumps(data, ensure_ascii=False).encode()
        return await self.post({}, self.headers() if headers is None else headers, body)

    def sealed(self, event: Mapping[str, Any], sealer: EventSealer | None = None) -> tuple[dict[str, str], bytes]:
        """Query and body of an encrypted event; both spellings of the signature are sent."""
        sealer = sealer or self.sealer
        sealed, timestamp, nonce = sealer.seal(json.dumps(event)), self._now, secrets.token_hex(4)
        signature = sealer.sign(timestamp, nonce, sealed)
        query = {"signature": signature, "msg_signature": signature, "timestamp": timestamp, "nonce": nonce}
        return query, json.dumps({"encrypt": sealed}).encode()

    async def event(self, event: Mapping[str, Any]) -> bool:
        """Whether an event was accepted: the answer decrypts to `success`, in time."""
        query, body = self.sealed(event)
        attempt = await self.post(query, {}, body)
        if attempt.status != 200:
            return False
        try:
            return self.sealer.answer(json.loads(attempt.body)) == "success"
        except ValueError:
            return False

    async def post(self, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Attempt:
        timeout = aiohttp.ClientTimeout(total=self.deadline)
        head = {"Content-Type": "application/json; charset=utf-8", **headers}
        started = monotonic()
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.url, params=query, data=io.BytesIO(body), headers=head) as response,
            ):
                return Attempt(response.status, await response.read(), monotonic() - started)
        except (aiohttp.ClientError, TimeoutError):
            return Attempt(None, b"", monotonic() - started)
