"""ID tokens as an honest provider signs them, and forged or malformed ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Json = dict[str, Any]
Signer = Callable[[bytes], bytes]


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def base64url_int(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class SigningKey:
    def __init__(self, kid: str, bits: int = 2048) -> None:
        self.kid = kid
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    @property
    def jwk(self) -> Json:
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": self.kid,
            "use": "sig",
            "alg": "RS256",
            "n": base64url_int(numbers.n),
            "e": base64url_int(numbers.e),
        }

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, text: bytes) -> bytes:
        return self.private.sign(text, padding.PKCS1v15(), SHA256())


def sign(claims: Json, mode: str, *, key: SigningKey, attacker_key: SigningKey, secret: str) -> str:
    """Return the claims as a signed token: mode `valid`, or one of the attacks below."""
    header: Json = {"alg": "RS256", "typ": "JWT", "kid": key.kid}
    payload = json.dumps(claims).encode()
    if mode == "changed claims":
        head, _, signature = _compact_jws(header, payload, key.sign).split(".")
        return ".".join([head, base64url(json.dumps(claims | {"sub": "admin"}).encode()), signature])
    if mode == "deeply nested claims":
        return _compact_jws(header, b"[" * 50_000, key.sign)
    if mode == "claims that are a list":
        return _compact_jws(header, b"[1]", key.sign)
    if mode == "header that is a list":
        return _compact_jws(["alg"], payload, key.sign)
    header_changes: dict[str, tuple[Json, Signer]] = {
        "valid": ({}, key.sign),
        "alg none": ({"alg": "none"}, lambda _: b""),
        "no signature": ({}, lambda _: b""),
        "client secret as key": ({"alg": "HS256"}, _hmac_signer(secret.encode())),
        "public key as secret": ({"alg": "HS256"}, _hmac_signer(key.pem)),
        "attacker's key": ({}, attacker_key.sign),
        "unknown key": ({"kid": "unknown"}, attacker_key.sign),
        "key in the header": ({"jwk": attacker_key.jwk | {"kid": key.kid}}, attacker_key.sign),
        "unknown critical header": ({"crit": ["exp"], "exp": 1}, key.sign),
        "critical header known to the library": ({"crit": ["b64"], "b64": True}, key.sign),
        "critical header that is a number": ({"crit": 1}, key.sign),
        "algorithm that is a list": ({"alg": ["RS256"]}, key.sign),
        "key id that is a list": ({"kid": [key.kid]}, key.sign),
    }
    changes, signer = header_changes[mode]
    return _compact_jws(header | changes, payload, signer)


def _hmac_signer(key: bytes) -> Signer:
    return lambda text: hmac.new(key, text, hashlib.sha256).digest()


def _compact_jws(header: Any, payload: bytes, signer: Signer) -> str:
    text = f"{base64url(json.dumps(header).encode())}.{base64url(payload)}"
    return f"{text}.{base64url(signer(text.encode()))}"


def at_hash(access_token: str) -> str:
    """Return the `at_hash` claim of OpenID Connect Core 1.0, section 3.1.3.6, for RS256."""
    return base64url(hashlib.sha256(access_token.encode()).digest()[:16])
