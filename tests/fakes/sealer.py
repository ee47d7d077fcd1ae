"""Both vendors' callback envelope, written from WC90968 with `cryptography` and independent of the code under test."""

from __future__ import annotations

import base64
import hashlib
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.fakes.handed import handed

BLOCK = 32


class Sealer:
    """Seals and opens text for one corp and app."""

    def __init__(self, token: str, aes_key: str, receive_id: str) -> None:
        self.token, self.receive_id = token, receive_id
        key = base64.b64decode(aes_key + "=")
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def sign(self, timestamp: str, nonce: str, sealed: str) -> str:
        return hashlib.sha1("".join(sorted([self.token, timestamp, nonce, sealed])).encode()).hexdigest()

    def seal(self, text: str) -> str:
        raw = text.encode()
        plain = os.urandom(16) + struct.pack(">I", len(raw)) + raw + self.receive_id.encode()
        count = BLOCK - len(plain) % BLOCK
        return self.encrypt(plain + bytes([count]) * count)

    def encrypt(self, padded: bytes) -> str:
        """Any bytes encrypted as they are; for packets that are wrong on purpose."""
        encryptor = self._cipher.encryptor()
        sealed = base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
        return handed("ciphertext", sealed)

    def open(self, sealed: str) -> str:
        """Raises ValueError for anything that a strict vendor would not accept."""
        raw = base64.b64decode(sealed, validate=True)
        if not raw or len(raw) % BLOCK:
            raise ValueError("ciphertext is not a multiple of 32 bytes")
        decryptor = self._cipher.decryptor()
        plain = decryptor.update(raw) + decryptor.finalize()
        count = plain[-1]
        if not 1 <= count <= BLOCK or plain[-count:] != bytes([count]) * count:
            raise ValueError("padding is wrong")
        plain = plain[:-count]
        length: int = struct.unpack(">I", plain[16:20])[0]
        if len(plain) < 20 + length or plain[20 + length :].decode() != self.receive_id:
            raise ValueError("receiveid is wrong")
        return plain[20 : 20 + length].decode()


def random_aes_key() -> str:
    """A fresh EncodingAESKey: 43 letters and digits."""
    while True:
        key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        if key.isalnum():
            return key
