"""The callback's envelope and its XML; the only file that knows wechatpy, whose weak spots are guarded here.

wechatpy 1.8.18 compares signatures in variable time, takes its random bytes from a predictable source, accepts any
padding and leaves `]]>` in a reply as it is. Nothing that is not signed reaches its XML parser.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

from wechatpy.enterprise import parse_message
from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto

from bot.core.errors import CallbackRefused

_BASE64 = r"[A-Za-z0-9+/]{24,}={0,2}"
_ENCRYPT = re.compile(rf"<Encrypt>\s*(?:<!\[CDATA\[)?({_BASE64})(?:\]\]>)?\s*</Encrypt>")
_ECHO = re.compile(_BASE64)
# A document type or entity can only stand before the root element; inside it "<!DOCTYPE" is just somebody's text.
_PROLOG = re.compile(r"(?:<\?xml[^>]*\?>\s*)?<xml[\s>]")
_BLOCK = 32  # PKCS#7 with a block of 32, not AES's 16 (WC90968)


class Envelope:
    """Opens what the vendor sealed for us and seals what we answer (WC90968, WC90238)."""

    def __init__(self, token: str, aes_key: str, corp_id: str) -> None:
        self._token = token
        self._crypto = _Crypto(token, aes_key, corp_id)

    def echo(self, query: Mapping[str, str]) -> str:
        """The plaintext of a URL verification's echostr. Raises CallbackRefused."""
        sealed = query.get("echostr", "").replace(" ", "+")  # a proxy may have decoded %2B twice
        if not _ECHO.fullmatch(sealed):
            raise CallbackRefused("缺少参数")
        return self._open(query, sealed)

    def open(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The elements of a pushed message, decrypted. Raises CallbackRefused."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise CallbackRefused("内容不是 UTF-8") from None
        found = _ENCRYPT.findall(text)
        if not _is_plain(text) or len(found) != 1:
            raise CallbackRefused("内容格式不对")
        return _elements(self._open(query, found[0]))

    def seal(self, text: str, timestamp: int) -> str:
        """An answer's envelope around `text`."""
        return str(self._crypto.encrypt_message(text, secrets.token_hex(8), str(timestamp)))

    def _open(self, query: Mapping[str, str], sealed: str) -> str:
        signature, timestamp, nonce = (query.get(name, "") for name in ("msg_signature", "timestamp", "nonce"))
        signed = "".join(sorted([self._token, timestamp, nonce, sealed])).encode(errors="replace")
        if not hmac.compare_digest(hashlib.sha1(signed).hexdigest().encode(), signature.encode(errors="replace")):
            raise CallbackRefused("签名不对")
        try:
            return str(self._crypto.decrypt_message({"Encrypt": sealed}, signature, timestamp, nonce))
        except Exception:  # struct, base64, padding, UTF-8, another corp's id: the library lets them all through
            raise CallbackRefused("解密失败") from None


def text_reply(to: str, corp_id: str, text: str, timestamp: int) -> str:
    """A passive text reply before it is sealed (WC90241). `text` holds no characters that XML forbids."""
    return _reply(to, corp_id, timestamp, "text", f"<Content>{_cdata(text)}</Content>")


def button_reply(to: str, corp_id: str, words: str, timestamp: int) -> str:
    """A passive reply that gives the tapped card one button that says `words` and does nothing; for `to` only."""
    inside = f"<Button><ReplaceName>{_cdata(words)}</ReplaceName></Button>"
    return _reply(to, corp_id, timestamp, "update_button", inside)


def _reply(to: str, corp_id: str, timestamp: int, kind: str, inside: str) -> str:
    return (
        f"<xml><ToUserName>{_cdata(to)}</ToUserName><FromUserName>{_cdata(corp_id)}</FromUserName>"
        f"<CreateTime>{timestamp}</CreateTime><MsgType>{_cdata(kind)}</MsgType>{inside}</xml>"
    )


def _cdata(text: str) -> str:
    """A CDATA section; "]]>" would end it, so it is cut in two there."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _is_plain(xml: str) -> bool:
    """Whether the root element is <xml> with no document type before it."""
    return _PROLOG.match(xml.lstrip("\ufeff \t\r\n")) is not None


def _elements(xml: str) -> dict[str, Any]:
    if not _is_plain(xml):
        raise CallbackRefused("内容格式不对")
    try:
        # Cards' and contacts' events are UnknownMessage to wechatpy, without attributes: read the raw elements.
        return dict(parse_message(xml)._data)
    except Exception:  # ExpatError, KeyError for a missing element, ValueError for an entity, …
        raise CallbackRefused("内容格式不对") from None


class _StrictCipher:
    """AES-CBC that refuses padding the document does not allow."""

    def __init__(self, cipher: Any) -> None:
        self.encrypt = cipher.encrypt
        self._decrypt = cipher.decrypt

    def decrypt(self, sealed: bytes) -> bytes:
        plain: bytes = self._decrypt(sealed)
        count = plain[-1]
        if not 1 <= count <= _BLOCK or plain[-count:] != bytes([count]) * count:
            raise ValueError("padding")
        return plain


class _Prp(PrpCrypto):  # type: ignore[misc]  # wechatpy has no types
    cipher: Any

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.cipher = _StrictCipher(self.cipher)

    def get_random_string(self) -> str:
        return secrets.token_hex(8)


class _Crypto(WeChatCrypto):  # type: ignore[misc]
    def encrypt_message(self, msg: str, nonce: str, timestamp: str) -> Any:
        return self._encrypt_message(msg, nonce, timestamp, _Prp)

    def decrypt_message(self, msg: Mapping[str, str], signature: str, timestamp: str, nonce: str) -> Any:
        return self._decrypt_message(msg, signature, timestamp, nonce, _Prp)
