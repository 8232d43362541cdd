"""A passkey in software that signs for any origin."""

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

USER_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


class SoftwarePasskey:
    def __init__(self, host: str) -> None:
        self.host, self.id, self.user = host, secrets.token_bytes(32), ""
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: dict[str, Any], *, origin: str) -> dict[str, Any]:
        self.user = options["publicKey"]["user"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(bytes(16), self.id, public)
        auth_data = AuthenticatorData.create(
            self._host_hash(), USER_VERIFIED | AuthenticatorData.FLAG.AT, 0, credential
        )
        response = {"attestationObject": websafe_encode(AttestationObject.create("none", auth_data, {}))}
        return self._credential("webauthn.create", options, origin, response, {"credProps": {"rk": True}})

    def get(
        self, options: dict[str, Any], *, origin: str, flags: AuthenticatorData.FLAG = USER_VERIFIED, count: int = 0
    ) -> dict[str, Any]:
        auth_data = bytes(AuthenticatorData.create(self._host_hash(), flags, count))
        client = self._client("webauthn.get", options, origin)
        signature = self.key.sign(auth_data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": websafe_encode(auth_data),
            "signature": websafe_encode(signature),
            "userHandle": self.user,
        }
        return self._credential("webauthn.get", options, origin, response, {})

    def _host_hash(self) -> bytes:
        return sha256(self.host.encode()).digest()

    def _client(self, kind: str, options: dict[str, Any], origin: str) -> bytes:
        client_data = {
            "type": kind,
            "challenge": options["publicKey"]["challenge"],
            "origin": origin,
            "crossOrigin": False,
        }
        return json.dumps(client_data).encode()

    def _credential(
        self, kind: str, options: dict[str, Any], origin: str, response: dict[str, Any], extensions: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {"clientDataJSON": websafe_encode(self._client(kind, options, origin)), **response},
            "clientExtensionResults": extensions,
        }
