"""Forged, malformed and misdirected responses of a provider: each is rejected and changes nothing."""

from __future__ import annotations

import pytest

from accounts.auth.oidc.provider import get_issuer
from accounts.tests.factories import UserFactory
from core.testing.page_client import log_in
from events.models import Event
from tests.oidc.conftest import Browser, link_account
from tests.oidc.id_tokens import SigningKey

pytestmark = pytest.mark.django_db

SIGNATURE_CASES = {
    "alg none": "id_token_unsupported_algorithm",
    "no signature": "id_token_bad_signature",
    "client secret as key": "id_token_unsupported_algorithm",
    "public key as secret": "id_token_unsupported_algorithm",
    "attacker's key": "id_token_bad_signature",
    "unknown key": "unknown_key",
    "key in the header": "id_token_bad_signature",
    "unknown critical header": "id_token_unsupported_header",
    "critical header known to the library": "critical_header",
    "critical header that is a number": "id_token_malformed",
    "algorithm that is a list": "id_token_invalid_header_value",
    "key id that is a list": "id_token_invalid_header_value",
    "header that is a list": "id_token_malformed",
    "claims that are a list": "id_token_invalid_payload",
    "deeply nested claims": "id_token_malformed",
    "changed claims": "id_token_bad_signature",
}
CLAIM_CASES = {
    "other audience": ({"aud": "other"}, "id_token_invalid_claim_aud"),
    "audience of numbers": ({"aud": [7]}, "id_token_invalid_claim_aud"),
    "empty list of audiences": ({"aud": []}, "id_token_"),
    "second audience": ({"aud": ["taskflow", "other"]}, "id_token_invalid_claim_aud"),
    "second audience with our azp": ({"aud": ["taskflow", "other"], "azp": "taskflow"}, "id_token_invalid_claim_aud"),
    "no audience": ({"aud": None}, "id_token_missing_claim_aud"),
    "other authorized party": ({"azp": "other"}, "id_token_invalid_claim_azp"),
    "empty authorized party": ({"azp": ""}, "id_token_invalid_claim_azp"),
    "authorized party that is a list": ({"azp": ["taskflow"]}, "id_token_invalid_claim_azp"),
    "other issuer": ({"iss": "https://accounts.google.com"}, "id_token_invalid_claim_iss"),
    "issuer with a slash more": ({"iss": "{issuer}/"}, "id_token_invalid_claim_iss"),
    "no issuer": ({"iss": None}, "id_token_missing_claim_iss"),
    "other nonce": ({"nonce": "of-another-sign-in"}, "id_token_invalid_claim_nonce"),
    "no nonce": ({"nonce": None}, "id_token_missing_claim_nonce"),
    "nonce that is a number": ({"nonce": 7}, "id_token_invalid_claim_nonce"),
    "no expiry": ({"exp": None}, "id_token_missing_claim_exp"),
    "expiry that is a word": ({"exp": "soon"}, "id_token_invalid_claim_exp"),
    "infinite expiry": ({"exp": 1e400}, "id_token_invalid_claim_exp"),
    "no issue time": ({"iat": None}, "id_token_missing_claim_iat"),
    "other access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "id_token_invalid_claim_at_hash"),
    "empty access token hash": ({"at_hash": ""}, "id_token_invalid_claim_at_hash"),
    "access token hash that is a list": ({"at_hash": ["x"]}, "id_token_invalid_claim_at_hash"),
    "no subject": ({"sub": None}, "id_token_missing_claim_sub"),
    "blank subject": ({"sub": " "}, "id_token_invalid_claim_sub"),
    "subject that is a number": ({"sub": 7}, "id_token_invalid_claim_sub"),
    "subject too long": ({"sub": "9" * 192}, "invalid_subject"),
    "subject with a zero byte": ({"sub": "1\x00"}, "invalid_subject"),
    "unverified address": ({"email_verified": False}, "email_not_verified_by_provider"),
    "address without verification": ({"email_verified": None}, "email_not_verified_by_provider"),
    "verification that is the word false": ({"email_verified": "false"}, "email_not_verified_by_provider"),
    "verification that is the word true": ({"email_verified": "true"}, "email_not_verified_by_provider"),
    "no address": ({"email": "", "email_verified": True}, "no_address"),
    "two addresses in one": ({"email": "ada@example.com,eve@example.com"}, "no_address"),
    "list of addresses": ({"email": ["ada@example.com"]}, "no_address"),
}
# Seconds from now.
TIME_CASES = {
    "expired": ({"exp": -180}, "id_token_expired_token_exp"),
    "issued tomorrow": ({"iat": 86400}, "id_token_invalid_claim_iat"),
    "issued yesterday": ({"iat": -86400}, "id_token_invalid_claim_iat"),
    "not valid yet": ({"nbf": 3600}, "id_token_invalid_claim_nbf"),
}
FAULT_CASES = {
    "token endpoint fails": ({"token": {"status": 500}}, "failed"),
    "token endpoint refuses": ({"token": {"status": 400, "body": '{"error": "invalid_grant"}'}}, "status_400"),
    "token endpoint redirects": (
        {"token": {"status": 307, "headers": {"Location": "http://127.0.0.1:9/token"}}},
        "status_307",
    ),
    "HTML instead of JSON": ({"token": {"status": 200, "body": "<html>", "kind": "text/html"}}, "not_json"),
    "list instead of an object": ({"token": {"status": 200, "body": "[]"}}, "not_an_object"),
    "deeply nested JSON": ({"token": {"status": 200, "body": "[" * 50_000}}, "not_json"),
    "response without tokens": ({"token": {"status": 200, "body": "{}"}}, "no_access_token"),
    "endless response": ({"token": {"flood": True}}, "too_long"),
    "key endpoint fails": ({"jwks": {"status": 500}}, "failed"),
    "no keys": ({"jwks": {"status": 200, "body": '{"keys": []}'}}, "unknown_key"),
    "malformed keys": ({"jwks": {"status": 200, "body": '{"keys": [1, {"kid": "first"}]}'}}, "unknown_key"),
    "keys that are a word": ({"jwks": {"status": 200, "body": '{"keys": "first"}'}}, "unknown_key"),
    "no discovery document": ({"openid-configuration": {"status": 404}}, "status_404"),
    "discovery fails": ({"openid-configuration": {"status": 503}}, "failed"),
}
DISCOVERY_CASES = {
    "other issuer": ({"issuer": "https://accounts.google.com"}, "discovery_issuer_mismatch"),
    "token endpoint without TLS": ({"token_endpoint": "http://example.com/token"}, "bad_token_endpoint"),
    "key endpoint in the file system": ({"jwks_uri": "file:///etc/passwd"}, "bad_jwks_uri"),
    "authorization by script": ({"authorization_endpoint": "javascript:alert(1)"}, "bad_authorization_endpoint"),
    "malformed authorization URL": ({"authorization_endpoint": "https://[::1"}, "bad_authorization_endpoint"),
    "no token endpoint": ({"token_endpoint": None}, "bad_token_endpoint"),
}
TOKEN_CASES = {
    "no ID token": ({"id_token": None}, "no_id_token"),
    "ID token that is a number": ({"id_token": 7}, "no_id_token"),
    "ID token of two parts": ({"id_token": "a.b"}, "id_token_decode_error"),
    "ID token with other letters": ({"id_token": "ä.ö.ü"}, "id_token_decode_error"),
    "no access token": ({"access_token": None}, "no_access_token"),
}
KEY_CASES = {
    "shared secret": ([{"kty": "oct", "kid": "first", "k": "c2VjcmV0"}], "unknown_key"),
    "short key": ([SigningKey("first", 1024).jwk], "weak_key"),
    "key without numbers": ([{"kty": "RSA", "kid": "first"}], "id_token_"),
    "key with malformed numbers": ([{"kty": "RSA", "kid": "first", "n": 7, "e": "AQAB"}], "id_token_"),
    "encryption key": ([SigningKey("first").jwk | {"use": "enc"}], "unknown_key"),
    "key of another algorithm": ([SigningKey("first").jwk | {"alg": "RS512"}], "unknown_key"),
    "two keys with one id": ([SigningKey("first").jwk, SigningKey("first").jwk], "unknown_key"),
}


def rejections() -> list[str]:
    payloads = Event.objects.filter(name="identity.rejected").order_by("pk").values_list("payload", flat=True)
    return [payload["reason"] for payload in payloads]


def assert_rejected(idp, database_state, reason: str) -> None:
    """Check that a sign-in shows and records the reason, and changes nothing else."""
    get_issuer.cache_clear()
    browser, before, recorded = Browser(), database_state.state(), rejections()

    response = browser.sign_in(idp)

    assert response.status_code in {401, 403, 503}
    assert response.context["code"].startswith(reason), response.context["code"]
    assert browser.user is None
    assert database_state.state() == before
    # Outages are not recorded.
    assert rejections() == recorded + ([] if response.status_code == 503 else [response.context["code"]])


def test_forged_or_malformed_id_token_is_rejected(idp, database_state, subtests):
    for mode, reason in SIGNATURE_CASES.items():
        with subtests.test(mode):
            idp.script(signature=mode)
            assert_rejected(idp, database_state, reason)


def test_claims_of_another_sign_in_are_rejected(idp, database_state, subtests):
    for name, (claims, reason) in CLAIM_CASES.items():
        with subtests.test(name):
            formatted = {
                claim: value.format(issuer=idp.issuer) if isinstance(value, str) else value
                for claim, value in claims.items()
            }
            idp.script(claims=formatted, userinfo={"email": None})
            assert_rejected(idp, database_state, reason)


def test_id_token_outside_its_validity_is_rejected(idp, database_state, subtests):
    for name, (times, reason) in TIME_CASES.items():
        with subtests.test(name):
            idp.script(times=times)
            assert_rejected(idp, database_state, reason)


def test_unexpected_http_response_is_rejected(idp, database_state, subtests):
    for name, (faults, reason) in FAULT_CASES.items():
        with subtests.test(name):
            idp.script(faults=faults)
            assert_rejected(idp, database_state, reason)


def test_discovery_with_unsafe_endpoints_is_rejected(idp, database_state, subtests):
    for name, (discovery, reason) in DISCOVERY_CASES.items():
        with subtests.test(name):
            idp.script(discovery=discovery)
            assert_rejected(idp, database_state, reason)


def test_incomplete_token_response_is_rejected(idp, database_state, subtests):
    for name, (tokens, reason) in TOKEN_CASES.items():
        with subtests.test(name):
            idp.script(tokens=tokens)
            assert_rejected(idp, database_state, reason)


@pytest.mark.filterwarnings("ignore:Key size should be:joserfc.errors.SecurityWarning")
def test_unsuitable_signing_key_is_rejected(idp, database_state, subtests):
    for name, (keys, reason) in KEY_CASES.items():
        with subtests.test(name):
            idp.script(keys=keys)
            assert_rejected(idp, database_state, reason)


def test_userinfo_of_another_subject_is_rejected(idp, database_state):
    idp.script(claims={"email": None}, userinfo={"sub": "another"})

    assert_rejected(idp, database_state, "another_subject")


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", None], ids=["another", "none"])
def test_callback_of_another_issuer_is_rejected(issuer, idp, database_state):
    """Mix-up attack (RFC 9207): the code would be sent to the attacker's provider."""
    idp.script(callback={"iss": issuer})

    assert_rejected(idp, database_state, "issuer_mismatch")

    assert idp.seen("token") == []


@pytest.mark.parametrize(("error", "reason"), [("access_denied", "cancelled"), ("server_error", "provider_error")])
def test_callback_with_an_error_signs_nobody_in(error, reason, idp, database_state):
    idp.script(callback={"error": error, "code": None})

    assert_rejected(idp, database_state, reason)


def test_linked_user_is_not_signed_in_by_wrong_nonce(ada, idp, database_state):
    link_account(ada)
    idp.script(claims={"nonce": "of-another-sign-in"})

    assert_rejected(idp, database_state, "id_token_invalid_claim_nonce")


def test_forged_id_token_leaves_signed_in_user_unchanged(ada, idp, database_state):
    mallory, browser = UserFactory(handle="mallory"), Browser()
    page = browser.start_login()
    log_in(browser, mallory)
    idp.script(signature="alg none")

    response = browser.return_to_callback(browser.authorize(idp, page))

    assert response.status_code == 401
    assert browser.user == str(mallory.pk)
