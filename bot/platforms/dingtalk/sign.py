"""Signatures and envelopes: what proves that a push comes from DingTalk (DT-A0718, E0232, E0346)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import struct
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.core.errors import CallbackRefused

WINDOW = 3600.0  # seconds a robot message's timestamp may be off (DT-A0718)
_BLOCK = 32  # PKCS#7 with a block of 32, not AES's 16
_NAMES = ("signature", "msg_signature")


def signature(secret: str, timestamp: str) -> str:
    """HMAC-SHA256 of "timestamp\\nsecret", in Base64: robot messages over HTTP, and custom robots with 加签."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def check(headers: Mapping[str, str], secret: str, now: float) -> None:
    """Raise CallbackRefused unless `timestamp` (ms) and `sign` are the vendor's; `now` in seconds."""
    timestamp, given = headers.get("timestamp", ""), headers.get("sign", "")
    _fresh(timestamp, now)
    if not hmac.compare_digest(signature(secret, timestamp).encode(), given.encode(errors="replace")):
        raise CallbackRefused("签名不对")


def _fresh(timestamp: str, now: float) -> None:
    """A timestamp in ms; E0230's example of an event has seconds. A replay inside the window is known already."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise CallbackRefused("缺少参数")
    given = int(timestamp) / (1000 if len(timestamp) > 11 else 1)
    if abs(now - given) > WINDOW:
        raise CallbackRefused("时间不对，请核对服务器时钟")


class EventEnvelope:
    """Opens an encrypted event and seals the answer. `suffix` is the Client ID for a subscription of the console."""

    def __init__(self, token: str, aes_key: str, suffix: str) -> None:
        key = base64.b64decode(aes_key + "=")
        self._token, self._suffix = token, suffix
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def open(self, query: Mapping[str, str], body: bytes, now: float) -> dict[str, Any]:
        """The event in a pushed body; `now` in seconds. Raises CallbackRefused."""
        _fresh(query.get("timestamp", ""), now)
        sealed = _object(body).get("encrypt")
        given = next((query[name] for name in _NAMES if query.get(name)), "")
        if not isinstance(sealed, str) or not given:
            raise CallbackRefused("缺少参数")
        expected = self._sign(query.get("timestamp", ""), query.get("nonce", ""), sealed)
        if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
            raise CallbackRefused("签名不对")
        return _object(self._decrypt(sealed))

    def seal(self, text: str, timestamp: str) -> dict[str, str]:
        """The answer around `text`; `timestamp` in ms."""
        nonce = secrets.token_hex(8)
        raw = text.encode()
        plain = secrets.token_bytes(16) + struct.pack(">I", len(raw)) + raw + self._suffix.encode()
        count = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher.encryptor()
        sealed = base64.b64encode(encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()).decode()
        return {
            "msg_signature": self._sign(timestamp, nonce, sealed),
            "timeStamp": timestamp,
            "nonce": nonce,
            "encrypt": sealed,
        }

    def opened(self, answer: Mapping[str, Any]) -> str:
        """What an answer of `seal` says; for trying one's own callback. Raises CallbackRefused."""
        return self._decrypt(str(answer.get("encrypt", ""))).decode(errors="replace")

    def _sign(self, timestamp: str, nonce: str, sealed: str) -> str:
        joined = "".join(sorted([self._token, timestamp, nonce, sealed]))
        return hashlib.sha1(joined.encode(errors="replace")).hexdigest()

    def _decrypt(self, sealed: str) -> bytes:
        """The message inside. Raises CallbackRefused for anything that is not exactly as documented."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            decryptor = self._cipher.decryptor()
            plain = decryptor.update(raw) + decryptor.finalize()
            count = plain[-1]
            if not 1 <= count <= _BLOCK or plain[-count:] != bytes([count]) * count:
                raise ValueError("padding")
            plain = plain[:-count]
            length: int = struct.unpack(">I", plain[16:20])[0]
            text, suffix = plain[20 : 20 + length], plain[20 + length :]
            if len(text) != length or not hmac.compare_digest(suffix, self._suffix.encode()):
                raise ValueError("suffix")
        except (ValueError, IndexError, struct.error, binascii.Error):
            raise CallbackRefused("解密失败") from None
        return text


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise CallbackRefused("内容格式不对")
    return data
