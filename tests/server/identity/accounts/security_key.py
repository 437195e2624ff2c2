"""A security key in software: ES256, with or without self attestation. Independent of the library that checks it."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def text_of(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class SecurityKey:
    """A device that holds one credential."""

    origin: str = "https://localhost"
    packed: bool = False
    verifies_user: bool = True
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def register(self, options_json: str) -> str:
        """Answer PublicKeyCredentialCreationOptions."""
        options = json.loads(options_json)
        assert options["authenticatorSelection"]["userVerification"] == "required"
        client_data = self._client_data("webauthn.create", options["challenge"])
        data = self._data(options["rp"]["id"], attested=True)
        statement: dict[str, Any] = {}
        if self.packed:
            statement = {"alg": -7, "sig": self._sign(data + sha256(client_data).digest())}
        attestation = {"fmt": "packed" if self.packed else "none", "attStmt": statement, "authData": data}
        return self._response({"attestationObject": text_of(cbor2.dumps(attestation))}, client_data)

    def authenticate(self, options_json: str) -> str:
        """Answer PublicKeyCredentialRequestOptions."""
        options = json.loads(options_json)
        assert text_of(self.credential_id) in [each["id"] for each in options["allowCredentials"]]
        self.counter += 1
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data(options["rpId"], attested=False)
        signature = self._sign(data + sha256(client_data).digest())
        return self._response({"authenticatorData": text_of(data), "signature": text_of(signature)}, client_data)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        content = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(content).encode()

    def _data(self, party_id: str, *, attested: bool) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verifies_user else 0) | (_ATTESTED if attested else 0)
        data = sha256(party_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")
        if not attested:
            return data
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        length = len(self.credential_id).to_bytes(2, "big")
        return data + bytes(16) + length + self.credential_id + cbor2.dumps(public)

    def _sign(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(SHA256()))

    def _response(self, response: dict[str, str], client_data: bytes) -> str:
        name = text_of(self.credential_id)
        content = {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}}
        return json.dumps(content | {"response": response | {"clientDataJSON": text_of(client_data)}})
