"""The vendor's side of a callback URL: seals what a person says, repeats it by WeCom's rules, opens the answer.

Written from WC90968 with `cryptography` alone, so that a fault of the bot's own crypto cannot hide here.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import os
import re
import secrets
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.core.clock import Clock, SystemClock

_BLOCK = 32
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


@dataclass(frozen=True)
class Secrets:
    """What the vendor and the bot share about one app."""

    corp_id: str
    agent_id: int
    secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(repr=False)


class Sealer:
    """Seals and opens texts of one app; the padding's block is 32 bytes."""

    def __init__(self, shared: Secrets) -> None:
        self._shared = shared
        key = base64.b64decode(shared.aes_key + "=")
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def sign(self, timestamp: str, nonce: str, sealed: str) -> str:
        return hashlib.sha1("".join(sorted([self._shared.token, timestamp, nonce, sealed])).encode()).hexdigest()

    def seal(self, text: str) -> str:
        raw = text.encode()
        plain = os.urandom(16) + struct.pack(">I", len(raw)) + raw + self._shared.corp_id.encode()
        count = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher.encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()).decode()

    def open(self, sealed: str) -> str:
        """Raises ValueError for what a strict vendor would not show."""
        raw = base64.b64decode(sealed, validate=True)
        if not raw or len(raw) % _BLOCK:
            raise ValueError("the ciphertext is no multiple of 32 bytes")
        decryptor = self._cipher.decryptor()
        plain = decryptor.update(raw) + decryptor.finalize()
        count = plain[-1]
        if not 1 <= count <= _BLOCK or plain[-count:] != bytes([count]) * count:
            raise ValueError("the padding is wrong")
        plain = plain[:-count]
        length: int = struct.unpack(">I", plain[16:20])[0]
        if plain[20 + length :].decode() != self._shared.corp_id:
            raise ValueError("it is for another corp")
        return plain[20 : 20 + length].decode()


@dataclass(frozen=True)
class Said:
    """What became of one saying: the HTTP status of every try (0: no answer in time), and the words that the last
    answer carried back."""

    msgid: str
    tries: tuple[int, ...]
    passive: str | None = None
    problem: str = ""

    @property
    def heard(self) -> bool:
        return bool(self.tries) and self.tries[-1] == 200


class Caller:
    """Delivers what people say: up to `most` tries, one every `pause` seconds, each given up after that time
    (WC90238); the MsgId stays, everything else is fresh. Several URLs are taken in turn, like behind a balancer."""

    def __init__(self, shared: Secrets, pause: float = 5.0, most: int = 3, clock: Clock | None = None):
        self._shared, self._sealer = shared, Sealer(shared)
        self._pause, self._most, self._clock = pause, most, clock or SystemClock()
        self._ids = itertools.count(int(time.time() * 1_000_000))
        self._turn = itertools.count()

    async def say(self, http: aiohttp.ClientSession, user: str, text: str, urls: Sequence[str]) -> Said:
        """One text message of `user`, until a try is answered with 200."""
        msgid, statuses = str(next(self._ids)), []
        for number in range(self._most):
            started = time.monotonic()
            url = urls[next(self._turn) % len(urls)]
            status, raw = await self._post(http, url, self._xml(user, text, msgid))
            statuses.append(status)
            if status == 200:
                return self._heard(msgid, statuses, raw)
            if number + 1 < self._most:
                await asyncio.sleep(max(0.0, started + self._pause - time.monotonic()))
        return Said(msgid, tuple(statuses))

    def _heard(self, msgid: str, statuses: list[int], raw: str) -> Said:
        try:
            return Said(msgid, tuple(statuses), self._opened(raw) if raw else None)
        except ValueError as error:
            return Said(msgid, tuple(statuses), problem=str(error))

    @property
    def _moment(self) -> str:
        return str(int(self._clock.now().timestamp()))

    async def _post(self, http: aiohttp.ClientSession, url: str, xml: str) -> tuple[int, str]:
        sealed, moment, nonce = self._sealer.seal(xml), self._moment, secrets.token_hex(5)
        query = {"msg_signature": self._sealer.sign(moment, nonce, sealed), "timestamp": moment, "nonce": nonce}
        body = (
            f"<xml><ToUserName><![CDATA[{self._shared.corp_id}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<AgentID><![CDATA[{self._shared.agent_id}]]></AgentID></xml>"
        )
        timeout = aiohttp.ClientTimeout(total=self._pause)
        try:
            async with http.post(url, params=query, data=body.encode(), timeout=timeout) as answer:
                return answer.status, (await answer.read()).decode()
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError):
            return 0, ""

    def _xml(self, user: str, text: str, msgid: str) -> str:
        words = text.replace("]]>", "]]]]><![CDATA[>")
        return (
            f"<xml><ToUserName><![CDATA[{self._shared.corp_id}]]></ToUserName>"
            f"<FromUserName><![CDATA[{user}]]></FromUserName><CreateTime>{self._moment}</CreateTime>"
            f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content><MsgId>{msgid}</MsgId>"
            f"<AgentID>{self._shared.agent_id}</AgentID></xml>"
        )

    def _opened(self, raw: str) -> str:
        """The words of a passive reply. Raises ValueError for a wrong signature or envelope."""
        sealed, stamp, nonce = (_element(raw, name) for name in ("Encrypt", "TimeStamp", "Nonce"))
        if _element(raw, "MsgSignature") != self._sealer.sign(stamp, nonce, sealed):
            raise ValueError("the signature is wrong")
        return _element(self._sealer.open(sealed), "Content")


def _element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    if found is None:
        raise ValueError(f"{name} is missing")
    return "".join(_CDATA.findall(found[1])) or found[1]
