"""Signature algorithms and keys of ID tokens, without a provider."""

from __future__ import annotations

import time

import pytest
from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry

from accounts.auth.oidc.client import verify_id_token
from accounts.auth.oidc.provider import OidcError

CLAIMS = {"iss": "https://id.example.com", "sub": "1", "aud": ["taskflow"], "azp": "taskflow", "nonce": "n"}
# `at_hash` of the access token "token": the left half of its SHA-256, SHA-384 or SHA-512.
SHA256 = "PEaenWxYddN6Q_NT1PiOYQ"
SHA384 = "Cm6hANx1qgPTYYSWu3KFaieklEAsPkh3"
SHA512 = "ImXaughy_DrvFp0Hk2XlkPDLyO1GwqeYTIpkKAPP2Ww"
ALGORITHMS = {
    "RS256": ("RSA", 2048, SHA256),
    "PS384": ("RSA", 2048, SHA384),
    "ES256": ("EC", "P-256", SHA256),
    "ES384": ("EC", "P-384", SHA384),
    "ES512": ("EC", "P-521", SHA512),
    "EdDSA": ("OKP", "Ed25519", SHA512),
}
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")


def sign(key: jwk.Key, algorithm: str, at_hash: str) -> str:
    claims = CLAIMS | {"iat": int(time.time()), "exp": int(time.time()) + 60, "at_hash": at_hash}
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode({"alg": algorithm, "x-vendor": "1"}, claims, key, registry=registry)


def verify(token: str, *keys: dict) -> dict:
    return verify_id_token(
        token,
        issuer="https://id.example.com",
        client_id="taskflow",
        nonce="n",
        access_token="token",
        keys=lambda _kid: list(keys),
    )


def test_signature_and_at_hash_of_each_algorithm_are_checked(subtests):
    for algorithm, (key_type, size, at_hash) in ALGORITHMS.items():
        with subtests.test(algorithm):
            key, other = (jwk.generate_key(key_type, size) for _ in range(2))
            wrong_hash = SHA384 if at_hash == SHA256 else SHA256

            assert verify(sign(key, algorithm, at_hash), key.as_dict(private=False))["sub"] == "1"

            with pytest.raises(OidcError) as error:
                verify(sign(key, algorithm, at_hash), other.as_dict(private=False))
            assert error.value.code == "id_token_bad_signature"
            with pytest.raises(OidcError) as error:
                verify(sign(key, algorithm, wrong_hash), key.as_dict(private=False))
            assert error.value.code == "id_token_invalid_claim_at_hash"


def test_key_of_another_type_or_curve_is_rejected():
    p256, p384, rsa = (jwk.generate_key(*args) for args in (("EC", "P-256"), ("EC", "P-384"), ("RSA", 2048)))
    token = sign(p256, "ES256", SHA256)

    with pytest.raises(OidcError) as error:
        verify(token, p384.as_dict(private=False))
    assert error.value.code == "id_token_invalid_key_curve"
    with pytest.raises(OidcError) as error:
        verify(token, rsa.as_dict(private=False))
    assert error.value.code == "unknown_key"


def test_key_without_an_id_is_chosen_by_its_type():
    key, rsa = jwk.generate_key("EC", "P-256"), jwk.generate_key("RSA", 2048)

    claims = verify(sign(key, "ES256", SHA256), rsa.as_dict(private=False), key.as_dict(private=False))

    assert claims["sub"] == "1"
