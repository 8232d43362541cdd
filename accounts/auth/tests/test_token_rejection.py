"""Valid tokens authenticate; all invalid ones get the same 401 response."""

from __future__ import annotations

import base64
import json
import warnings
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings as live
from django.utils import timezone

from accounts.auth.sessions import services as sessions
from accounts.auth.sessions.services import issue_tokens
from accounts.models import Session, User
from accounts.tests.factories import UserFactory
from core.security.tokens import key_id
from core.testing.database_state import table_digests

KEY = live.SIMPLE_JWT["SIGNING_KEY"]
ME, REFRESH = "/api/v1/me/", "/api/v1/auth/refresh/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(alice):
    return issue_tokens(sessions.open_session(user=alice, now=timezone.now()))


def me(clients, token):
    return clients["anonymous"].get(ME, headers={"Authorization": f"Bearer {token}"})


def forge(token, key=KEY, algorithm="HS256", headers=None, **claims):
    content = jwt.decode(token, options={"verify_signature": False})
    content = {name: value for name, value in {**content, **claims}.items() if value is not None}
    with warnings.catch_warnings(action="ignore"):  # PyJWT warns that our key is short for HS512
        return jwt.encode(content, key, algorithm=algorithm, headers=headers)


def encode_part(content):
    raw = json.dumps(content).encode() if isinstance(content, dict) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_malleable_signature(token):
    """Return the token with another last character whose unused base64 bits decode alike."""
    head, last = token[:-1], token[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return head + alphabet[alphabet.index(last) ^ 1]


def invalid_tokens(pair, other):
    good, now = pair.access, int(datetime.now(UTC).timestamp())
    _, claims, signature = good.split(".")
    return {
        "empty": "",
        "not a JWT": "not a token",
        "two parts": "a.b",
        "truncated": good[:-10],
        "another signature": good[:-20] + "A" * 20,
        "malleable signature": with_malleable_signature(good),
        "another key id": forge(good, headers={"kid": "another", "typ": "at+jwt"}),
        "another token type": forge(good, headers={"kid": key_id(KEY), "typ": "rt+jwt"}),
        "a number as key id": f"{encode_part({'alg': 'HS256', 'kid': 1})}.{claims}.{signature}",
        "alg none": f"{encode_part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "alg None with signature": f"{encode_part({'alg': 'None'})}.{claims}.{signature}",
        "another algorithm": forge(good, algorithm="HS512"),
        "another key": forge(good, key="another-key-" + "x" * 32),
        "a key chosen by the caller": forge(
            good, key="x" * 40, headers={"kid": "../../dev/null", "jku": "http://evil.example"}
        ),
        "the refresh token": pair.refresh,
        "expired": forge(good, exp=now - 60),
        "not yet": forge(good, nbf=now + 600),
        "no end": forge(good, exp=None),
        "another audience": forge(good, aud="other"),
        "no audience": forge(good, aud=None),
        "another issuer": forge(good, iss="other"),
        "no issuer": forge(good, iss=None),
        "no session": forge(good, sid=None),
        "no subject": forge(good, sub=None),
        "unknown session": forge(good, sid="01a200dc-9b1e-751c-8fa2-6e159714ad44"),
        "another user's session": forge(good, sub=str(other.pk)),
        "a number as session": forge(good, sid=1),
        "a list as session": forge(good, sid=[1]),
        "NUL as session": forge(good, sid="\x00"),
        "deep header": f"{encode_part(b'[' * 20_000)}.{claims}.{signature}",
        "deep claims": jwt.api_jws.encode(b"[" * 20_000, KEY, algorithm="HS256"),
        "list as claims": jwt.api_jws.encode(b"[1]", KEY, algorithm="HS256"),
        "invalid UTF-8": f"{encode_part(bytes([255, 254]))}.{claims}.{signature}",
        "latin-1": "é.é.é",
    }


def test_invalid_access_tokens_get_the_same_401(clients, pair):
    tokens = invalid_tokens(pair, UserFactory())

    responses = {case: me(clients, token) for case, token in tokens.items() if case not in {"empty", "not a JWT"}}

    assert {case: response.status_code for case, response in responses.items() if response.status_code != 401} == {}
    assert {response["WWW-Authenticate"] for response in responses.values()} == {'Bearer realm="api"'}
    assert len({response.content for response in responses.values()}) == 1
    assert me(clients, pair.access).status_code == 200


def test_invalid_refresh_tokens_get_the_same_401(clients, pair):
    tokens = invalid_tokens(pair, UserFactory()) | {"the access token": pair.access}
    del tokens["the refresh token"], tokens["empty"], tokens["deep header"], tokens["deep claims"]

    responses = {case: clients["anonymous"].post(REFRESH, {"refresh": token}) for case, token in tokens.items()}

    assert {case: response.status_code for case, response in responses.items() if response.status_code != 401} == {}
    assert len({response.content for response in responses.values()}) == 1
    assert Session.objects.get().revoked_at is None


def test_authorization_header_without_a_token_is_a_401(clients, db):
    for header in ("", "Bearer", "Bearer a b", "Basic YTpi", "Token x", "bearer", "é"):
        response = clients["anonymous"].get(ME, headers={"Authorization": header})

        assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"'), header
        assert response.json()["status"] == 401


def test_access_token_expires_after_ten_minutes(clients, pair):
    now = timezone.now()

    with time_machine.travel(now + timedelta(minutes=9), tick=False):
        before = me(clients, pair.access).status_code
    with time_machine.travel(now + timedelta(minutes=11), tick=False):
        after = me(clients, pair.access).status_code

    assert (before, after) == (200, 401)


def test_tokens_of_a_deactivated_user_are_rejected_at_once(clients, pair):
    User.objects.update(is_active=False)

    assert me(clients, pair.access).status_code == 401
    assert clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code == 401


def test_refresh_returns_a_new_pair_and_both_work(clients, pair):
    response = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    body = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert body["refresh"] != pair.refresh
    assert me(clients, body["access"]).status_code == 200
    assert me(clients, pair.access).status_code == 200


def test_refresh_repeated_within_the_grace_period_succeeds(clients, pair):
    first = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).json()

    again = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert again.status_code == 200
    assert again.json()["refresh"] == first["refresh"]


def test_refresh_token_reused_later_revokes_the_session(clients, pair, outbox):
    now = timezone.now()
    first = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).json()

    with time_machine.travel(now + timedelta(seconds=15), tick=False):
        stolen = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})
        owner = clients["anonymous"].post(REFRESH, {"refresh": first["refresh"]})
        access = me(clients, first["access"])

    assert (stolen.status_code, owner.status_code, access.status_code) == (401, 401, 401)
    assert stolen.content == owner.content
    assert outbox.only("session.revoked")["reason"] == "refresh token used again"
    assert outbox.names()[-2:] == ["session.revoked", "session.refresh_token_reused"]


def test_refresh_token_reuse_is_emailed_to_the_owner(clients, pair, outbox, sink, alice):
    clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    with time_machine.travel(timezone.now() + timedelta(seconds=15), tick=False), outbox.delivering():
        for _ in range(3):
            clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}, REMOTE_ADDR="203.0.113.5")

    email = sink.only()
    assert (email["To"], email["Subject"]) == (alice.email, "We signed out a device from your TaskFlow account")
    assert "IP address 203.0.113.5" in email.get_body(("plain",)).get_content()
    assert pair.refresh not in email.as_string()


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (10, 200), (11, 401)])
def test_refresh_grace_period_is_ten_seconds(seconds, status, clients, pair):
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
        again = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert again.status_code == status


@pytest.mark.parametrize(("grace", "statuses"), [(timedelta(0), [401, 401]), (timedelta(seconds=60), [200, 200])])
def test_refresh_token_two_rotations_old_needs_its_grace(clients, pair, settings, grace, statuses):
    settings.REFRESH_GRACE_PERIOD = grace
    second = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).json()["refresh"]
    third = clients["anonymous"].post(REFRESH, {"refresh": second}).json()["refresh"]

    codes = [clients["anonymous"].post(REFRESH, {"refresh": token}).status_code for token in (pair.refresh, third)]

    assert codes == statuses


@pytest.mark.parametrize("ending", ["logout/", "logout-all/"])
def test_refresh_token_of_a_revoked_session_is_rejected(ending, clients, pair):
    clients["anonymous"].post(f"/api/v1/auth/{ending}", headers={"Authorization": f"Bearer {pair.access}"})
    before = table_digests()

    response = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert response.status_code == 401
    assert table_digests() == before


def test_refresh_of_a_deactivated_user_changes_nothing(clients, pair):
    User.objects.update(is_active=False)
    before = table_digests()

    assert clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code == 401

    assert table_digests() == before


def test_tokens_of_a_deleted_user_are_rejected(clients, pair, alice):
    alice.delete()

    assert me(clients, pair.access).status_code == 401
    assert clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code == 401


def test_token_header_and_claims_name_type_and_key(pair):
    access, refresh = (jwt.get_unverified_header(token) for token in (pair.access, pair.refresh))
    claims = jwt.decode(pair.access, options={"verify_signature": False})

    assert access == {"alg": "HS256", "kid": key_id(KEY), "typ": "at+jwt"}
    assert refresh == {"alg": "HS256", "kid": key_id(KEY), "typ": "rt+jwt"}
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "token_type"}
    assert claims["exp"] - claims["iat"] == 600


def test_signing_key_rotation_keeps_sessions(clients, pair, settings):
    settings.SIMPLE_JWT = {**live.SIMPLE_JWT, "SIGNING_KEY": "new-key-" + "n" * 40, "PREVIOUS_KEYS": (KEY,)}

    before = me(clients, pair.access).status_code
    renewed = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "PREVIOUS_KEYS": ()}
    after = me(clients, renewed.json()["access"]).status_code
    old = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert (before, renewed.status_code, after, old.status_code) == (200, 200, 200, 401)
    assert Session.objects.get().revoked_at is None


def test_token_without_a_key_id_is_accepted(clients, pair):
    unnamed = forge(pair.access, headers={"typ": "JWT"})

    assert me(clients, unnamed).status_code == 200


def test_api_session_expires_when_idle_or_after_thirty_days(clients, alice):
    start = timezone.now()
    pair = issue_tokens(sessions.open_session(user=alice, now=start))

    with time_machine.travel(start + timedelta(days=7, minutes=1), tick=False):
        idle = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code
    for day in range(6, 30, 6):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            pair, _ = sessions.refresh_session(token=pair.refresh, now=timezone.now())
    with time_machine.travel(start + timedelta(days=30, minutes=1), tick=False):
        old = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code

    assert (idle, old) == (401, 401)


def test_ended_sessions_are_purged_after_a_month(alice):
    now = timezone.now()
    sessions.open_session(user=alice, now=now - timedelta(days=38))
    recent = issue_tokens(sessions.open_session(user=alice, now=now - timedelta(days=36)))

    assert sessions.purge_sessions(now=now) == 1
    assert Session.objects.get().pk == sessions.read_refresh(forge(recent.refresh, exp=2**31)).session_id
