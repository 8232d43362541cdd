"""A passkey in software: it answers what a browser is asked, from whatever page it is told to be on."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

SEEN = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class SoftwarePasskey:
    def __init__(self, host: str) -> None:
        self.host, self.id, self.user = host, secrets.token_bytes(32), ""
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        self.user = options["publicKey"]["user"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(bytes(16), self.id, public)
        told = AuthenticatorData.create(self._host_hash(), SEEN | AuthenticatorData.FLAG.AT, 0, credential)
        response = {"attestationObject": websafe_encode(AttestationObject.create("none", told, {}))}
        return self._said("webauthn.create", options, origin, response, {"credProps": {"rk": True}})

    def get(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        told = bytes(AuthenticatorData.create(self._host_hash(), SEEN, 0))
        client = self._client("webauthn.get", options, origin)
        signature = self.key.sign(told + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": websafe_encode(told),
            "signature": websafe_encode(signature),
            "userHandle": self.user,
        }
        return self._said("webauthn.get", options, origin, response, {})

    def _host_hash(self) -> bytes:
        return sha256(self.host.encode()).digest()

    def _client(self, kind: str, options: dict[str, Any], origin: str) -> bytes:
        said = {"type": kind, "challenge": options["publicKey"]["challenge"], "origin": origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _said(
        self, kind: str, options: dict[str, Any], origin: str, response: dict[str, Any], extensions: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {"clientDataJSON": websafe_encode(self._client(kind, options, origin)), **response},
            "clientExtensionResults": extensions,
        }
