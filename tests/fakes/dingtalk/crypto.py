"""DingTalk's signatures, written from DT-A0718 and E0232 and independent of the code under test."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import unquote

from tests.fakes.handed import handed
from tests.fakes.sealer import Sealer

__all__ = ["EventSealer", "sign"]


def sign(secret: str, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 with the secret as the key, over timestamp, a line end, and the secret again."""
    mac = hmac.new(secret.encode("utf-8"), digestmod="sha256")
    for piece in (timestamp, "\n", secret):
        mac.update(piece.encode("utf-8"))
    return base64.standard_b64encode(mac.digest()).decode("ascii")


class EventSealer(Sealer):
    """The event callback's envelope: the same scheme as WeCom's; the suffix is the Client ID (DT-E0232)."""

    def answer(self, packet: object) -> str:
        """The text in the bot's answer. Raises ValueError for one that the vendor would not accept."""
        if not isinstance(packet, dict) or set(packet) != {"msg_signature", "timeStamp", "nonce", "encrypt"}:
            raise ValueError(f"its parts are {sorted(packet) if isinstance(packet, dict) else packet}")
        if not all(isinstance(value, str) for value in packet.values()):
            raise ValueError("a part is no text")
        if packet["msg_signature"] != self.sign(packet["timeStamp"], packet["nonce"], packet["encrypt"]):
            raise ValueError("the signature is wrong")
        return self.open(unquote(handed("ciphertext of an answer", packet["encrypt"])))
