"""Keys: made, shown once, used, rotated, revoked."""

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


def test_a_new_key_is_shown_once_and_opens_what_it_is_for(clients, task):
    answer = clients["alice"].post(KEYS, {**BODY, "scopes": ["tasks:write", "tasks:read"]})
    made = answer.json()

    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert (made["scopes"], made["projects"], made["allowed_networks"]) == (["tasks:read", "tasks:write"], [], [])
    assert made["key"].startswith(f"{made['prefix']}_")
    assert api_key_client(made["key"]).get("/api/v1/tasks/").json()["results"][0]["title"] == "Fix the printer"
    again = clients["alice"].get(answer["Location"])
    assert again.json() == {name: value for name, value in made.items() if name != "key"} | {
        name: again.json()[name] for name in ("last_used_at", "last_used_ip")
    }


def test_neither_the_database_nor_a_fact_holds_the_key(clients, alice, outbox):
    text = clients["alice"].post(KEYS, BODY, HTTP_IDEMPOTENCY_KEY="once").json()["key"]
    secret = text.split("_")[3]

    with connection.cursor() as cursor:
        tables = connection.introspection.table_names()
        found = []
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" AS x WHERE x::text LIKE %s', [f"%{secret}%"])  # noqa: S608
            found.append(cursor.fetchone()[0])
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS x WHERE x::text LIKE %s',  # noqa: S608
                [f"%{secret.encode().hex()}%"],
            )
            found.append(cursor.fetchone()[0])

    assert sum(found) == 0
    assert outbox.only("api_key.created")["key"]["prefix"] == "_".join(text.split("_")[:3])


def test_a_lost_answer_is_told_again_to_who_repeats_the_request(clients):
    first = clients["alice"].post(KEYS, BODY, HTTP_IDEMPOTENCY_KEY="once")
    second = clients["alice"].post(KEYS, BODY, HTTP_IDEMPOTENCY_KEY="once")

    assert second.json() == first.json()
    assert (second["Idempotency-Replayed"], ApiKey.objects.count()) == ("true", 1)


def test_without_an_end_it_ends_after_ninety_days(clients):
    made = clients["alice"].post(KEYS, BODY).json()

    key = ApiKey.objects.get()
    assert key.expires_at - key.created_at == timedelta(days=90)
    assert made["revoked_at"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
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
    ],
)
def test_what_makes_no_sense_is_refused_and_makes_no_key(clients, wrong, field):
    clients["alice"].get(KEYS)
    before = table_digests()

    answer = clients["alice"].post(KEYS, {**BODY, **wrong})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert table_digests() == before


def test_a_project_that_one_does_not_see_is_one_that_does_not_exist(clients, project):
    clients["mallory"].get(KEYS)
    before = table_digests()

    answer = clients["mallory"].post(KEYS, {**BODY, "projects": ["OPS"]})

    assert answer.json()["errors"][0]["code"] == "does_not_exist"
    assert table_digests() == before


def test_networks_are_kept_in_one_spelling_and_no_finer_than_callers_are_known(clients):
    sent = ["192.0.2.7", "192.0.2.0/24", "192.0.2.9/24", "2001:db8::5"]

    made = clients["alice"].post(KEYS, {**BODY, "allowed_networks": sent}).json()

    assert made["allowed_networks"] == ["192.0.2.0/24", "192.0.2.7/32", "2001:db8::/64"]


def test_a_list_shows_ones_own_keys_and_no_secret(clients, alice, bob):
    mine, _ = create_api_key(alice), create_api_key(bob)

    answer = clients["alice"].get(KEYS)

    assert [row["id"] for row in answer.json()["results"]] == [str(mine.key.pk)]
    assert mine.text.split("_")[3].encode() not in answer.content
    assert mine.key.digest.encode() not in answer.content


def test_a_list_tells_open_keys_from_ended_ones(clients, alice):
    alive, ended = create_api_key(alice), create_api_key(alice)
    clients["alice"].delete(f"{KEYS}{ended.key.pk}/")

    found = {
        flag: [row["id"] for row in clients["alice"].get(f"{KEYS}?active={flag}").json()["results"]]
        for flag in ("true", "false")
    }

    assert found == {"true": [str(alive.key.pk)], "false": [str(ended.key.pk)]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        api_keys.generate()[0],
        "tf_live_" + "0" * 12 + "_" + "0" * 43 + "_000000",
        "a b",
    ],
    ids=["empty", "nonsense", "nobodys", "wrong-checksum", "two-words"],
)
def test_what_is_not_a_key_signs_nobody_in(text, task):
    answer = api_key_client(text).get("/api/v1/tasks/")

    assert (answer.status_code, answer.json()["code"]) == (401, "key_not_valid")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_opens_nothing_and_cannot_be_revoked_again(clients, alice, task, outbox):
    made = create_api_key(alice)
    address = f"{KEYS}{made.key.pk}/"

    first, second = clients["alice"].delete(address), clients["alice"].delete(address)

    assert (first.status_code, second.status_code) == (204, 404)
    assert api_key_client(made.text).get("/api/v1/tasks/").status_code == 401
    assert outbox.only("api_key.revoked")["key"]["id"] == str(made.key.pk)


def test_an_expired_key_opens_nothing(alice, task):
    made = create_api_key(alice)
    ApiKey.objects.update(created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now())

    assert api_key_client(made.text).get("/api/v1/tasks/").status_code == 401


def test_the_key_of_who_is_not_active_opens_nothing(alice, task):
    made = create_api_key(alice)
    alice.is_active = False
    alice.save()

    assert api_key_client(made.text).get("/api/v1/tasks/").status_code == 401


def test_a_rotated_key_has_a_successor_and_goes_on_for_its_overlap(clients, alice, task, outbox):
    old = create_api_key(alice, "tasks:read", allowed_networks=["127.0.0.0/8"])

    answer = clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {"overlap_hours": 2})
    new = answer.json()

    assert answer.status_code == 201
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


def test_without_an_overlap_the_old_key_ends_at_once(clients, alice, task):
    old = create_api_key(alice)

    new = clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {"overlap_hours": 0}).json()

    assert [api_key_client(text).get("/api/v1/tasks/").status_code for text in (old.text, new["key"])] == [401, 200]


def test_a_key_has_one_successor(clients, alice):
    old = create_api_key(alice)
    clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {})
    before = table_digests()

    again = clients["alice"].post(f"{KEYS}{old.key.pk}/rotate/", {})

    assert (again.status_code, again.json()["code"]) == (409, "already_rotated")
    assert table_digests() == before


@pytest.mark.parametrize("who", ["bob", "carol", "mallory"])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "rotate/")])
def test_the_keys_of_others_do_not_exist(who, method, rest, clients, alice):
    made = create_api_key(alice)
    client = clients[who]
    before = table_digests()

    answer = client.generic(method, f"{KEYS}{made.key.pk}/{rest}", b"{}", "application/json")

    assert answer.status_code == 404
    assert table_digests() == before


def test_an_administrator_ends_any_key_but_makes_none_in_the_name_of_another_person(clients, alice, task):
    made = create_api_key(alice)
    client = clients["admin"]
    before = table_digests()

    rotated = client.post(f"{KEYS}{made.key.pk}/rotate/", {})
    unchanged = table_digests() == before
    revoked = client.delete(f"{KEYS}{made.key.pk}/")

    assert (rotated.status_code, unchanged, revoked.status_code) == (403, True, 204)
    assert api_key_client(made.text).get("/api/v1/tasks/").status_code == 401


def test_keys_that_ended_long_ago_are_removed(alice):
    old, _ = create_api_key(alice), create_api_key(alice)
    long_ago = timezone.now() - timedelta(days=800)
    ApiKey.objects.filter(pk=old.key.pk).update(created_at=long_ago, expires_at=long_ago + timedelta(days=90))

    assert (purge_keys(now=timezone.now()), ApiKey.objects.count()) == (1, 1)


def test_all_keys_of_an_account_end_together(alice, bob, task):
    mine, other = [create_api_key(alice), create_api_key(alice)], create_api_key(bob)

    assert revoke_all_keys(owner=alice, actor=alice, now=timezone.now()) == 2
    assert [api_key_client(one.text).get("/api/v1/me/").status_code for one in [*mine, other]] == [401, 401, 200]


def test_beyond_fifty_open_keys_no_more_are_made(clients, alice, monkeypatch):
    monkeypatch.setattr("accounts.api_keys.services.MAX_ACTIVE", 2)
    create_api_key(alice)
    create_api_key(alice)
    clients["alice"].get(KEYS)
    before = table_digests()

    answer = clients["alice"].post(KEYS, BODY)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_keys")
    assert table_digests() == before
