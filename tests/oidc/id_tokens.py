"""ID tokens as an honest provider signs them, and as no honest provider would."""

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


def sign(claims: Json, how: str, *, ours: SigningKey, strangers: SigningKey, secret: str) -> str:
    """Return the claims signed with our key, or in the hostile way named."""
    header: Json = {"alg": "RS256", "typ": "JWT", "kid": ours.kid}
    if how == "then changed":
        head, _, signature = _compact_jws(header, claims, ours.sign).split(".")
        return ".".join([head, base64url(json.dumps(claims | {"sub": "admin"}).encode()), signature])
    ways: dict[str, tuple[Json, Signer]] = {
        "honestly": ({}, ours.sign),
        "alg none": ({"alg": "none"}, lambda _: b""),
        "no signature": ({}, lambda _: b""),
        "the client's secret": ({"alg": "HS256"}, _hmac_signer(secret.encode())),
        "the public key as a secret": ({"alg": "HS256"}, _hmac_signer(ours.pem)),
        "a stranger's key": ({}, strangers.sign),
        "an unknown key": ({"kid": "nobody"}, strangers.sign),
        "a key it brings along": ({"jwk": strangers.jwk | {"kid": ours.kid}}, strangers.sign),
        "an unknown critical header": ({"crit": ["exp"], "exp": 1}, ours.sign),
        "a critical header that the library knows": ({"crit": ["b64"], "b64": True}, ours.sign),
    }
    more, signer = ways[how]
    return _compact_jws(header | more, claims, signer)


def _hmac_signer(key: bytes) -> Signer:
    return lambda text: hmac.new(key, text, hashlib.sha256).digest()


def _compact_jws(header: Json, claims: Json, signer: Signer) -> str:
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{base64url(signer(text.encode()))}"


def at_hash(text: str) -> str:
    """`at_hash` of OpenID Connect Core 1.0, section 3.1.3.6, for RS256."""
    return base64url(hashlib.sha256(text.encode()).digest()[:16])
