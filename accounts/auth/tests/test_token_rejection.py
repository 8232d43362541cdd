"""Which tokens open a door, and that all others are one and the same 401."""

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
from accounts.models import Session, User
from accounts.tests.factories import UserFactory
from core.security.jwt_keys import key_id
from core.testing.database_state import table_digests

KEY = live.SIMPLE_JWT["SIGNING_KEY"]
ME, REFRESH = "/api/v1/me/", "/api/v1/auth/refresh/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(alice):
    return sessions.open_session(user=alice, now=timezone.now())


def me(clients, token):
    return clients["anonymous"].get(ME, headers={"Authorization": f"Bearer {token}"})


def forged(token, key=KEY, algorithm="HS256", headers=None, **claims):
    content = jwt.decode(token, options={"verify_signature": False})
    content = {name: value for name, value in {**content, **claims}.items() if value is not None}
    with warnings.catch_warnings(action="ignore"):  # PyJWT finds our key short for HS512; so it is
        return jwt.encode(content, key, algorithm=algorithm, headers=headers)


def part(thing):
    return (
        base64.urlsafe_b64encode(json.dumps(thing).encode() if isinstance(thing, dict) else thing).rstrip(b"=").decode()
    )


def malleated(token):
    """The same signature written with another last character, where base64 leaves bits unused."""
    head, last = token[:-1], token[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return head + alphabet[alphabet.index(last) ^ 1]


def bad_tokens(pair, other):
    good, now = pair.access, int(datetime.now(UTC).timestamp())
    _, claims, signature = good.split(".")
    return {
        "nothing": "",
        "words": "not a token",
        "two parts": "a.b",
        "cut": good[:-10],
        "another signature": good[:-20] + "A" * 20,
        "malleated": malleated(good),
        "the name of another key": forged(good, headers={"kid": "another", "typ": "at+jwt"}),
        "the type of another token": forged(good, headers={"kid": key_id(KEY), "typ": "rt+jwt"}),
        "a number as key": f"{part({'alg': 'HS256', 'kid': 1})}.{claims}.{signature}",
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "alg None with signature": f"{part({'alg': 'None'})}.{claims}.{signature}",
        "another algorithm": forged(good, algorithm="HS512"),
        "another key": forged(good, key="another-key-" + "x" * 32),
        "a key of the caller's": forged(
            good, key="x" * 40, headers={"kid": "../../dev/null", "jku": "http://evil.example"}
        ),
        "the refresh token": pair.refresh,
        "expired": forged(good, exp=now - 60),
        "not yet": forged(good, nbf=now + 600),
        "no end": forged(good, exp=None),
        "another audience": forged(good, aud="other"),
        "no audience": forged(good, aud=None),
        "another issuer": forged(good, iss="other"),
        "no issuer": forged(good, iss=None),
        "no session": forged(good, sid=None),
        "no subject": forged(good, sub=None),
        "a session that is not": forged(good, sid="01a200dc-9b1e-751c-8fa2-6e159714ad44"),
        "somebody else's session": forged(good, sub=str(other.pk)),
        "a number as session": forged(good, sid=1),
        "a list as session": forged(good, sid=[1]),
        "NUL as session": forged(good, sid="\x00"),
        "deep header": f"{part(b'[' * 20_000)}.{claims}.{signature}",
        "deep claims": jwt.api_jws.encode(b"[" * 20_000, KEY, algorithm="HS256"),
        "list as claims": jwt.api_jws.encode(b"[1]", KEY, algorithm="HS256"),
        "invalid UTF-8": f"{part(bytes([255, 254]))}.{claims}.{signature}",
        "latin-1": "é.é.é",
    }


def test_every_bad_token_is_the_same_401(clients, pair):
    tokens = bad_tokens(pair, UserFactory())

    responses = {case: me(clients, token) for case, token in tokens.items() if case not in {"nothing", "words"}}

    assert {case: response.status_code for case, response in responses.items() if response.status_code != 401} == {}
    assert {response["WWW-Authenticate"] for response in responses.values()} == {'Bearer realm="api"'}
    assert len({response.content for response in responses.values()}) == 1
    assert me(clients, pair.access).status_code == 200


def test_every_bad_refresh_token_is_the_same_401(clients, pair):
    tokens = bad_tokens(pair, UserFactory()) | {"the access token": pair.access}
    del tokens["the refresh token"], tokens["nothing"], tokens["deep header"], tokens["deep claims"]

    responses = {case: clients["anonymous"].post(REFRESH, {"refresh": token}) for case, token in tokens.items()}

    assert {case: response.status_code for case, response in responses.items() if response.status_code != 401} == {}
    assert len({response.content for response in responses.values()}) == 1
    assert Session.objects.get().revoked_at is None


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer a b", "Basic YTpi", "Token x", "bearer", "é"])
def test_a_header_without_a_token_is_a_401(header, clients, db):
    response = clients["anonymous"].get(ME, headers={"Authorization": header})

    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert response.json()["status"] == 401


def test_an_access_token_lasts_ten_minutes(clients, pair):
    now = timezone.now()

    with time_machine.travel(now + timedelta(minutes=9), tick=False):
        before = me(clients, pair.access).status_code
    with time_machine.travel(now + timedelta(minutes=11), tick=False):
        after = me(clients, pair.access).status_code

    assert (before, after) == (200, 401)


@pytest.mark.parametrize("change", [{"is_active": False}])
def test_a_deactivated_person_is_out_at_once(change, clients, pair):
    User.objects.update(**change)

    assert me(clients, pair.access).status_code == 401
    assert clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code == 401


def test_refreshing_gives_a_new_pair_and_both_work(clients, pair):
    response = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    body = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert body["refresh"] != pair.refresh
    assert me(clients, body["access"]).status_code == 200
    assert me(clients, pair.access).status_code == 200


def test_a_lost_answer_can_be_asked_for_again_within_the_grace(clients, pair):
    first = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).json()

    again = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert again.status_code == 200
    assert again.json()["refresh"] == first["refresh"]


def test_a_stolen_token_used_after_the_grace_ends_the_session_for_both(clients, pair, outbox):
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


def test_a_stolen_tokens_owner_is_told_by_mail(clients, pair, outbox, sink, alice):
    clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    with time_machine.travel(timezone.now() + timedelta(seconds=15), tick=False), outbox.delivering():
        for _ in range(3):
            clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}, REMOTE_ADDR="203.0.113.5")

    mail = sink.only()
    assert (mail["To"], mail["Subject"]) == (alice.email, "We signed out a device from your TaskFlow account")
    assert "IP address 203.0.113.5" in mail.get_body(("plain",)).get_content()
    assert pair.refresh not in mail.as_string()


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (10, 200), (11, 401)])
def test_the_grace_lasts_ten_seconds(seconds, status, clients, pair):
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
        again = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert again.status_code == status


def test_a_token_two_turns_old_ends_the_session_even_within_the_grace(clients, pair):
    second = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).json()["refresh"]
    third = clients["anonymous"].post(REFRESH, {"refresh": second}).json()["refresh"]

    found = [clients["anonymous"].post(REFRESH, {"refresh": one}).status_code for one in (pair.refresh, third)]

    assert found == [401, 401]


@pytest.mark.parametrize("ending", ["logout/", "logout-all/"])
def test_a_refresh_token_ends_with_its_session(ending, clients, pair):
    clients["anonymous"].post(f"/api/v1/auth/{ending}", headers={"Authorization": f"Bearer {pair.access}"})
    before = table_digests()

    response = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert response.status_code == 401
    assert table_digests() == before


def test_a_deactivated_persons_refresh_changes_nothing(clients, pair):
    User.objects.update(is_active=False)
    before = table_digests()

    assert clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code == 401

    assert table_digests() == before


def test_a_deleted_persons_tokens_are_like_any_other_bad_ones(clients, pair, alice):
    alice.delete()

    assert me(clients, pair.access).status_code == 401
    assert clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code == 401


def test_a_token_says_what_it_is_and_which_key_signed_it(pair):
    access, refresh = (jwt.get_unverified_header(token) for token in (pair.access, pair.refresh))
    claims = jwt.decode(pair.access, options={"verify_signature": False})

    assert access == {"alg": "HS256", "kid": key_id(KEY), "typ": "at+jwt"}
    assert refresh == {"alg": "HS256", "kid": key_id(KEY), "typ": "rt+jwt"}
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "token_type"}
    assert claims["exp"] - claims["iat"] == 600


def test_a_new_signing_key_signs_nobody_out(clients, pair, settings):
    settings.SIMPLE_JWT = {**live.SIMPLE_JWT, "SIGNING_KEY": "new-key-" + "n" * 40, "PREVIOUS_KEYS": (KEY,)}

    before = me(clients, pair.access).status_code
    renewed = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "PREVIOUS_KEYS": ()}
    after = me(clients, renewed.json()["access"]).status_code
    old = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh})

    assert (before, renewed.status_code, after, old.status_code) == (200, 200, 200, 401)
    assert Session.objects.get().revoked_at is None


def test_a_token_from_before_keys_had_names_stays_good(clients, pair):
    unnamed = forged(pair.access, headers={"typ": "JWT"})

    assert me(clients, unnamed).status_code == 200


def test_a_session_ends_after_a_week_unused_and_after_thirty_days(clients, alice):
    start = timezone.now()
    pair = sessions.open_session(user=alice, now=start)

    with time_machine.travel(start + timedelta(days=7, minutes=1), tick=False):
        idle = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code
    for day in range(6, 30, 6):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            pair, _ = sessions.refresh_session(token=pair.refresh, now=timezone.now())
    with time_machine.travel(start + timedelta(days=30, minutes=1), tick=False):
        old = clients["anonymous"].post(REFRESH, {"refresh": pair.refresh}).status_code

    assert (idle, old) == (401, 401)


def test_sessions_are_removed_a_month_after_their_end(alice):
    now = timezone.now()
    sessions.open_session(user=alice, now=now - timedelta(days=38))
    kept = sessions.open_session(user=alice, now=now - timedelta(days=36))

    assert sessions.purge_sessions(now=now) == 1
    assert Session.objects.get().pk == sessions.read_refresh(forged(kept.refresh, exp=2**31)).session_id
