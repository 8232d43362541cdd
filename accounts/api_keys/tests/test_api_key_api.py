"""API of API keys: creating, listing, using, rotating and revoking."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.api_keys.services import purge_keys, revoke_all_keys
from accounts.models import ApiKey
from accounts.tests.api_keys import api_key_client, create_api_key
from core.security import api_keys
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/api-keys/"
BODY = {"name": "Importer", "scopes": ["tasks:read"]}


def test_new_key_is_returned_once_and_works(clients, task):
    response = clients["alice"].post(KEYS, {**BODY, "scopes": ["tasks:write", "tasks:read"]})
    created = response.json()

    assert (response.status_code, response["Cache-Control"]) == (201, "no-store")
    assert (created["scopes"], created["projects"], created["allowed_networks"]) == (
        ["tasks:read", "tasks:write"],
        [],
        [],
    )
    assert created["key"].startswith(f"{created['prefix']}_")
    assert api_key_client(created["key"]).get("/api/v1/tasks/").json()["results"][0]["title"] == "Fix the printer"
    again = clients["alice"].get(response["Location"])
    assert again.json() == {name: value for name, value in created.items() if name != "key"} | {
        name: again.json()[name] for name in ("last_used_at", "last_used_ip")
    }


def test_key_text_is_in_no_table_and_no_event(clients, alice, outbox):
    text = clients["alice"].post(KEYS, BODY, HTTP_IDEMPOTENCY_KEY="once").json()["key"]
    secret = text.split("_")[3]

    with connection.cursor() as cursor:
        tables = connection.introspection.table_names()
        counts = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" AS x WHERE x::text LIKE %s', [f"%{secret}%"])  # noqa: S608
            counts.append(cursor.fetchone()[0])
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS x WHERE x::text LIKE %s',  # noqa: S608
                [f"%{secret.encode().hex()}%"],
            )
            counts.append(cursor.fetchone()[0])

    assert sum(counts) == 0
    assert outbox.only("api_key.created")["key"]["prefix"] == "_".join(text.split("_")[:3])


def test_idempotent_creation_repeats_the_response_with_the_key(clients):
    first = clients["alice"].post(KEYS, BODY, HTTP_IDEMPOTENCY_KEY="once")
    second = clients["alice"].post(KEYS, BODY, HTTP_IDEMPOTENCY_KEY="once")

    assert second.json() == first.json()
    assert (second["Idempotency-Replayed"], ApiKey.objects.count()) == ("true", 1)


def test_key_lifetime_is_ninety_days_by_default(clients):
    created = clients["alice"].post(KEYS, BODY).json()

    key = ApiKey.objects.get()
    assert key.expires_at - key.created_at == timedelta(days=90)
    assert created["revoked_at"] is None


INVALID_INPUT = [
    ({"scopes": []}, "scopes"),
    ({"scopes": ["tasks:everything"]}, "scopes.0"),
    ({"scopes": ["sessions:read"]}, "scopes.0"),
    ({"scopes": ["api-keys:write"]}, "scopes.0"),
    ({"name": ""}, "name"),
    ({"allowed_networks": ["everywhere"]}, "allowed_networks"),
    ({"allowed_networks": ["192.0.2.0/40"]}, "allowed_networks"),
    ({"allowed_networks": ["::ffff:0:0/90"]}, "allowed_networks"),
    ({"projects": ["NOT"]}, "projects"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
    ({"owner": "somebody"}, "owner"),
]


def test_key_creation_refuses_invalid_input(clients):
    clients["alice"].get(KEYS)
    before = table_digests()

    for changes, field in INVALID_INPUT:
        response = clients["alice"].post(KEYS, {**BODY, **changes})

        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field), changes
    assert table_digests() == before


def test_key_creation_hides_projects_of_others(clients, project):
    clients["mallory"].get(KEYS)
    before = table_digests()

    response = clients["mallory"].post(KEYS, {**BODY, "projects": ["OPS"]})

    assert response.json()["errors"][0]["code"] == "does_not_exist"
    assert table_digests() == before


def test_networks_are_stored_in_canonical_form(clients):
    data = ["192.0.2.7", "192.0.2.0/24", "192.0.2.9/24", "2001:db8::5"]

    created = clients["alice"].post(KEYS, {**BODY, "allowed_networks": data}).json()

    assert created["allowed_networks"] == ["192.0.2.0/24", "192.0.2.7/32", "2001:db8::/64"]


def test_key_list_holds_own_keys_and_no_secret(clients, alice, bob):
    own, _ = create_api_key(alice), create_api_key(bob)

    response = clients["alice"].get(KEYS)

    assert [row["id"] for row in response.json()["results"]] == [str(own.key.pk)]
    assert own.text.split("_")[3].encode() not in response.content
    assert own.key.digest.encode() not in response.content


def test_key_list_filters_by_active(clients, alice):
    alive, ended = create_api_key(alice), create_api_key(alice)
    clients["alice"].delete(f"{KEYS}{ended.key.pk}/")

    key_ids = {
        flag: [row["id"] for row in clients["alice"].get(f"{KEYS}?active={flag}").json()["results"]]
        for flag in ("true", "false")
    }

    assert key_ids == {"true": [str(alive.key.pk)], "false": [str(ended.key.pk)]}


INVALID_KEYS = {
    "empty": "",
    "nonsense": "nonsense",
    "unknown": api_keys.generate()[0],
    "wrong checksum": "tf_live_" + "0" * 12 + "_" + "0" * 43 + "_000000",
    "two words": "a b",
}


def test_invalid_key_is_unauthorized(task):
    for name, text in INVALID_KEYS.items():
        response = api_key_client(text).get("/api/v1/tasks/")

        assert (response.status_code, response.json()["code"]) == (401, "key_not_valid"), name
        assert response["WWW-Authenticate"].startswith("Bearer"), name


def test_revoked_key_is_refused_and_not_revoked_again(clients, alice, task, outbox):
    created = create_api_key(alice)
    address = f"{KEYS}{created.key.pk}/"

    first, second = clients["alice"].delete(address), clients["alice"].delete(address)

    assert (first.status_code, second.status_code) == (204, 404)
    assert api_key_client(created.text).get("/api/v1/tasks/").status_code == 401
    assert outbox.only("api_key.revoked")["key"]["id"] == str(created.key.pk)


def test_expired_key_is_refused(alice, task):
    created = create_api_key(alice)
    ApiKey.objects.update(created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now())

    assert api_key_client(created.text).get("/api/v1/tasks/").status_code == 401


def test_key_of_inactive_user_is_refused(alice, task):
    created = create_api_key(alice)
    alice.is_active = False
    alice.save()

    assert api_key_client(created.text).get("/api/v1/tasks/").status_code == 401


def test_rotated_key_stays_valid_for_its_overlap(clients, alice, task, outbox):
    old = create_api_key(alice, "tasks:read", allowed_networks=["127.0.0.0/8"])

    response = clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {"overlap_hours": 2})
    new = response.json()

    assert response.status_code == 201
    assert (new["replaces"], new["scopes"], new["allowed_networks"]) == (
        str(old.key.pk),
        ["tasks:read"],
        ["127.0.0.0/8"],
    )
    assert [api_key_client(text).get("/api/v1/tasks/").status_code for text in (old.text, new["key"])] == [200, 200]
    old.key.refresh_from_db()
    assert timedelta(minutes=119) < old.key.expires_at - timezone.now() <= timedelta(hours=2)
    assert ApiKey.objects.get(pk=new["id"]).expires_at - timezone.now() > timedelta(days=89)
    assert outbox.only("api_key.rotated")["replaced_id"] == str(old.key.pk)


def test_rotation_without_overlap_ends_the_old_key_at_once(clients, alice, task):
    old = create_api_key(alice)

    new = clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {"overlap_hours": 0}).json()

    assert [api_key_client(text).get("/api/v1/tasks/").status_code for text in (old.text, new["key"])] == [401, 200]


def test_key_rotates_only_once(clients, alice):
    old = create_api_key(alice)
    clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {})
    before = table_digests()

    again = clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {})

    assert (again.status_code, again.json()["code"]) == (409, "already_rotated")
    assert table_digests() == before


def test_keys_of_others_are_not_found(clients, alice):
    created = create_api_key(alice)
    outsiders = {name: clients[name] for name in ("bob", "carol", "mallory")}
    before = table_digests()

    for name, client in outsiders.items():
        for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "rotate/")):
            response = client.generic(method, f"{KEYS}{created.key.pk}/{rest}", b"{}", "application/json")

            assert response.status_code == 404, (name, method)
    assert table_digests() == before


def test_administrator_revokes_but_does_not_rotate_others_keys(clients, alice, task):
    created = create_api_key(alice)
    client = clients["admin"]
    before = table_digests()

    rotated = client.post(f"{KEYS}{created.key.pk}/rotate/", {})
    unchanged = table_digests() == before
    revoked = client.delete(f"{KEYS}{created.key.pk}/")

    assert (rotated.status_code, unchanged, revoked.status_code) == (403, True, 204)
    assert api_key_client(created.text).get("/api/v1/tasks/").status_code == 401


def test_purge_deletes_keys_that_ended_long_ago(alice):
    old, _ = create_api_key(alice), create_api_key(alice)
    long_ago = timezone.now() - timedelta(days=800)
    ApiKey.objects.filter(pk=old.key.pk).update(created_at=long_ago, expires_at=long_ago + timedelta(days=90))

    assert (purge_keys(now=timezone.now()), ApiKey.objects.count()) == (1, 1)


def test_revoke_all_ends_the_keys_of_one_account(alice, bob, task):
    own, other = [create_api_key(alice), create_api_key(alice)], create_api_key(bob)

    assert revoke_all_keys(owner=alice, actor=alice, now=timezone.now()) == 2
    assert [api_key_client(created_key.text).get("/api/v1/me/").status_code for created_key in [*own, other]] == [
        401,
        401,
        200,
    ]


def test_key_creation_is_refused_beyond_the_maximum(clients, alice, monkeypatch):
    monkeypatch.setattr("accounts.api_keys.services.MAX_ACTIVE", 2)
    create_api_key(alice)
    create_api_key(alice)
    clients["alice"].get(KEYS)
    before = table_digests()

    response = clients["alice"].post(KEYS, BODY)

    assert (response.status_code, response.json()["code"]) == (409, "too_many_keys")
    assert table_digests() == before
