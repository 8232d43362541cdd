"""What a provider, or somebody between it and us, may say that we must not believe: nothing comes of it."""

from __future__ import annotations

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import log_in
from events.models import Event
from tests.oidc.conftest import Browser, link_account
from tests.oidc.id_tokens import SigningKey

pytestmark = pytest.mark.django_db

SIGNATURE_CASES = {
    "alg none": "wrong_algorithm",
    "no signature": "id_token_InvalidSignatureError",
    "the client's secret": "wrong_algorithm",
    "the public key as a secret": "wrong_algorithm",
    "a stranger's key": "id_token_InvalidSignatureError",
    "an unknown key": "unknown_key",
    "a key it brings along": "id_token_InvalidSignatureError",
    "an unknown critical header": "id_token_InvalidTokenError",
    "a critical header that the library knows": "critical_header",
    "then changed": "id_token_InvalidSignatureError",
}
CLAIM_CASES = {
    "another audience": ({"aud": "somebody-else"}, "id_token_InvalidAudienceError"),
    "another audience too": ({"aud": ["taskflow", "somebody-else"]}, "wrong_audience"),
    "no audience": ({"aud": None}, "id_token_MissingRequiredClaimError"),
    "another party": ({"azp": "somebody-else"}, "wrong_audience"),
    "another issuer": ({"iss": "https://accounts.google.com"}, "id_token_InvalidIssuerError"),
    "an issuer with a slash more": ({"iss": "{issuer}/"}, "id_token_InvalidIssuerError"),
    "no issuer": ({"iss": None}, "id_token_MissingRequiredClaimError"),
    "another nonce": ({"nonce": "of-another-sign-in"}, "wrong_nonce"),
    "no nonce": ({"nonce": None}, "wrong_nonce"),
    "a number for a nonce": ({"nonce": 7}, "wrong_nonce"),
    "no end": ({"exp": None}, "id_token_MissingRequiredClaimError"),
    "an end that is no time": ({"exp": "soon"}, "id_token_DecodeError"),
    "an end beyond all numbers": ({"exp": 1e400}, "id_token_"),
    "no beginning": ({"iat": None}, "id_token_MissingRequiredClaimError"),
    "another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "wrong_at_hash"),
    "no subject": ({"sub": None}, "id_token_MissingRequiredClaimError"),
    "an empty subject": ({"sub": " "}, "no_subject"),
    "a number for a subject": ({"sub": 7}, "id_token_InvalidSubjectError"),
    "an endless subject": ({"sub": "9" * 192}, "invalid_subject"),
    "a subject with a zero byte": ({"sub": "1\x00"}, "invalid_subject"),
    "an unverified address": ({"email_verified": False}, "email_not_verified_by_provider"),
    "an address of which it says nothing": ({"email_verified": None}, "email_not_verified_by_provider"),
    "the word false": ({"email_verified": "false"}, "email_not_verified_by_provider"),
    "the word true": ({"email_verified": "true"}, "email_not_verified_by_provider"),
    "no address at all": ({"email": "", "email_verified": True}, "no_address"),
    "two addresses in one": ({"email": "ada@example.com,eve@example.com"}, "no_address"),
    "a list of addresses": ({"email": ["ada@example.com"]}, "no_address"),
}
TIME_CASES = {
    "expired": ({"exp": -60}, "expired"),
    "issued tomorrow": ({"iat": 86400}, "id_token_ImmatureSignatureError"),
    "issued yesterday": ({"iat": -86400}, "stale"),
    "not valid yet": ({"nbf": 3600}, "id_token_ImmatureSignatureError"),
}
RESPONSE_CASES = {
    "the token door fails": ({"token": {"status": 500}}, "failed"),
    "the token door refuses": ({"token": {"status": 400, "body": '{"error": "invalid_grant"}'}}, "status_400"),
    "the token door leads elsewhere": (
        {"token": {"status": 307, "headers": {"Location": "http://127.0.0.1:9/token"}}},
        "status_307",
    ),
    "a page for an answer": ({"token": {"status": 200, "body": "<html>", "kind": "text/html"}}, "not_json"),
    "a list for an answer": ({"token": {"status": 200, "body": "[]"}}, "not_an_object"),
    "depths for an answer": ({"token": {"status": 200, "body": "[" * 50_000}}, "not_json"),
    "an answer without tokens": ({"token": {"status": 200, "body": "{}"}}, "no_access_token"),
    "an answer without an end": ({"token": {"flood": True}}, "too_long"),
    "the key door fails": ({"jwks": {"status": 500}}, "failed"),
    "no keys": ({"jwks": {"status": 200, "body": '{"keys": []}'}}, "unknown_key"),
    "keys that are none": ({"jwks": {"status": 200, "body": '{"keys": [1, {"kid": "first"}]}'}}, "unknown_key"),
    "keys by a word": ({"jwks": {"status": 200, "body": '{"keys": "first"}'}}, "unknown_key"),
    "no description": ({"openid-configuration": {"status": 404}}, "status_404"),
    "a description that fails": ({"openid-configuration": {"status": 503}}, "failed"),
}
DISCOVERY_CASES = {
    "another's description": ({"issuer": "https://accounts.google.com"}, "discovery_issuer_mismatch"),
    "a way to tokens in the clear": ({"token_endpoint": "http://example.com/token"}, "bad_token_endpoint"),
    "a file for keys": ({"jwks_uri": "file:///etc/passwd"}, "bad_jwks_uri"),
    "a script for a way there": ({"authorization_endpoint": "javascript:alert(1)"}, "bad_authorization_endpoint"),
    "no way to tokens": ({"token_endpoint": None}, "bad_token_endpoint"),
}


def assert_rejected(idp, database_state, reason: str, browser: Browser | None = None):
    """Walk, and see that nothing came of it but the reason."""
    browser, before = browser or Browser(), database_state.state()

    answer = browser.sign_in(idp)

    assert answer.status_code in {401, 403, 503}
    assert answer.context["code"].startswith(reason)
    assert browser.user is None
    assert database_state.state() == before
    noted = [
        fact["reason"] for fact in Event.objects.filter(name="identity.rejected").values_list("payload", flat=True)
    ]
    assert noted == ([] if answer.status_code == 503 else [answer.context["code"]])
    return answer


@pytest.mark.parametrize(("signed", "reason"), SIGNATURE_CASES.items(), ids=list(SIGNATURE_CASES))
def test_a_signature_that_is_not_the_providers_is_refused(signed, reason, idp, database_state):
    idp.script(signed=signed)

    assert_rejected(idp, database_state, reason)


@pytest.mark.parametrize(("claims", "reason"), CLAIM_CASES.values(), ids=list(CLAIM_CASES))
def test_claims_that_are_not_for_this_sign_in_are_refused(claims, reason, idp, database_state):
    known = {
        name: value.format(issuer=idp.issuer) if isinstance(value, str) else value for name, value in claims.items()
    }
    idp.script(claims=known, userinfo={"email": None})

    assert_rejected(idp, database_state, reason)


@pytest.mark.parametrize(("relative", "reason"), TIME_CASES.values(), ids=list(TIME_CASES))
def test_a_token_of_another_time_is_refused(relative, reason, idp, database_state):
    idp.script(relative=relative)

    assert_rejected(idp, database_state, reason)


@pytest.mark.parametrize(("at", "reason"), RESPONSE_CASES.values(), ids=list(RESPONSE_CASES))
def test_an_answer_of_the_wrong_kind_is_refused(at, reason, idp, database_state):
    idp.script(at=at)

    assert_rejected(idp, database_state, reason)


@pytest.mark.parametrize(("discovery", "reason"), DISCOVERY_CASES.values(), ids=list(DISCOVERY_CASES))
def test_a_description_that_leads_astray_is_refused(discovery, reason, idp, database_state):
    idp.script(discovery=discovery)

    assert_rejected(idp, database_state, reason)


@pytest.mark.parametrize(("answer", "reason"), [({"id_token": None}, "no_id_token"), ({"id_token": 7}, "no_id_token"),
    ({"id_token": "a.b"}, "id_token_DecodeError"), ({"access_token": None}, "no_access_token")])  # fmt: skip
def test_an_answer_that_lacks_a_token_is_refused(answer, reason, idp, database_state):
    idp.script(answer=answer)

    assert_rejected(idp, database_state, reason)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"kty": "oct", "kid": "first", "k": "c2VjcmV0"}, "unknown_key"),
        (SigningKey("first", 1024).jwk, "id_token_InvalidKeyError"),
        (SigningKey("first").jwk | {"use": "enc"}, "unknown_key"),
        (SigningKey("first").jwk | {"alg": "RS512"}, "unknown_key"),
    ],
    ids=["a shared secret", "a short one", "one for secrecy", "one of another kind"],
)
def test_a_published_key_that_cannot_be_meant_is_refused(key, reason, idp, database_state):
    idp.script(keys=[key])

    assert_rejected(idp, database_state, reason)


def test_two_keys_of_one_name_are_refused(idp, database_state):
    idp.script(keys=[SigningKey("first").jwk, SigningKey("first").jwk])

    assert_rejected(idp, database_state, "unknown_key")


def test_what_userinfo_says_of_another_person_is_refused(idp, database_state):
    idp.script(claims={"email": None}, userinfo={"sub": "somebody-else"})

    assert_rejected(idp, database_state, "another_person")


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", None], ids=["another", "none"])
def test_an_answer_that_another_provider_sent_is_refused(issuer, idp, database_state):
    """The mix-up attack (RFC 9207): our code would be shown to whoever runs the other provider."""
    idp.script(back={"iss": issuer})

    assert_rejected(idp, database_state, "issuer_mismatch")

    assert idp.seen("token") == []


@pytest.mark.parametrize(("error", "reason"), [("access_denied", "cancelled"), ("server_error", "provider_error")])
def test_a_refusal_of_the_provider_lets_nobody_in(error, reason, idp, database_state):
    idp.script(back={"error": error, "code": None})

    assert_rejected(idp, database_state, reason)


def test_a_hostile_answer_signs_nobody_in_who_is_linked_already(ada, idp, database_state):
    link_account(ada)
    idp.script(claims={"nonce": "of-another-sign-in"})

    assert_rejected(idp, database_state, "wrong_nonce")


def test_a_hostile_answer_does_not_change_who_is_signed_in(ada, idp, database_state):
    mallory, browser = UserFactory(handle="mallory"), Browser()
    away = browser.start_login()
    log_in(browser, mallory)
    idp.script(signed="alg none")

    answer = browser.return_to_callback(browser.authorize(idp, away))

    assert answer.status_code == 401
    assert browser.user == str(mallory.pk)
