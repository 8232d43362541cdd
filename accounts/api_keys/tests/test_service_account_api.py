"""Accounts of programs, managed by administrators."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.api_keys.service_accounts.services import create_service_account
from accounts.models import User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import hashed_password
from accounts.users.administration import set_password, update_user
from core.errors import Conflict
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db
ACCOUNTS = "/api/v1/service-accounts/"


@pytest.fixture
def robot(admin):
    return create_service_account(actor=admin, name="Nightly import")


def test_an_administrator_makes_one_and_gives_it_a_key(clients, admin):
    made = clients["admin"].post(ACCOUNTS, {"name": "Nächtlicher Import"})
    account = made.json()
    key = clients["admin"].post(f"{made['Location']}keys/", {"name": "cron", "scopes": ["me:read"]}).json()

    assert (made.status_code, account["handle"], account["role"], account["tier"]) == (
        201, "nachtlicher-import", "user", "service",
    )  # fmt: skip
    assert api_key_client(key["key"]).get("/api/v1/me/").json()["id"] == account["id"] == key["owner"]


def test_two_of_one_name_have_handles_of_their_own(clients):
    made = [clients["admin"].post(ACCOUNTS, {"name": "Import"}).json()["handle"] for _ in range(2)]

    assert made == ["import", "import2"]


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_others_neither_make_nor_see_any(who, clients, robot):
    client = clients[who]
    before = table_digests()

    refused = client.post(ACCOUNTS, {"name": "Mine"})
    listed = client.get(ACCOUNTS)
    hidden = [client.get(f"{ACCOUNTS}{robot.pk}/"), client.post(f"{ACCOUNTS}{robot.pk}/keys/", {})]

    assert (refused.status_code, listed.json()["results"]) == (403, [])
    assert [answer.status_code for answer in hidden] == [404, 404]
    assert table_digests() == before


def test_one_that_is_closed_loses_its_keys_for_good(clients, robot, admin):
    text = create_api_key(robot, actor=admin).text

    closed = clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"is_active": False})
    while_closed = api_key_client(text).get("/api/v1/me/").status_code
    clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"is_active": True})

    assert closed.status_code == 200
    assert (while_closed, api_key_client(text).get("/api/v1/me/").status_code) == (401, 401)


def test_its_name_role_and_tier_can_be_changed(clients, robot):
    answer = clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"name": "Import", "role": "staff", "tier": "premium"})

    robot.refresh_from_db()
    assert answer.status_code == 200
    assert (robot.name, robot.role, robot.tier) == ("Import", "staff", "premium")


def test_it_is_never_an_administrator(clients, admin, robot):
    before = table_digests()

    by_door = clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"role": "admin"})
    with pytest.raises(Conflict):
        update_user(actor=admin, user_id=robot.pk, changes={"role": "admin"}, now=timezone.now())
    with pytest.raises(IntegrityError, match="service_account_not_admin"), transaction.atomic():
        User.objects.filter(pk=robot.pk).update(role="admin")

    assert by_door.status_code == 400
    assert {name: value for name, value in table_digests().items() if "session" not in name} == {
        name: value for name, value in before.items() if "session" not in name
    }


def test_it_never_has_a_password(admin, robot):
    before = table_digests()

    with pytest.raises(Conflict):
        set_password(actor=admin, user_id=robot.pk, password="a quiet river bends", now=timezone.now())
    with pytest.raises(IntegrityError, match="service_account_no_password"), transaction.atomic():
        User.objects.filter(pk=robot.pk).update(password=hashed_password())

    assert table_digests() == before


def test_an_administrator_rotates_and_revokes_its_keys(clients, robot, admin):
    made = create_api_key(robot, actor=admin)

    new = clients["admin"].post(f"/api/v1/api-keys/{made.key.pk}/rotate/", {"overlap_hours": 0}).json()
    rotated = [api_key_client(text).get("/api/v1/me/").status_code for text in (made.text, new["key"])]
    clients["admin"].delete(f"/api/v1/api-keys/{new['id']}/")

    assert rotated == [401, 200]
    assert api_key_client(new["key"]).get("/api/v1/me/").status_code == 401


def test_it_cannot_mint_keys_with_its_key(robot, admin):
    client = api_key_client(create_api_key(robot, actor=admin).text)
    before = table_digests()

    answers = [
        client.post("/api/v1/api-keys/", {"name": "Another", "scopes": ["tasks:read"]}),
        client.post(ACCOUNTS, {"name": "Another"}),
        client.get("/api/v1/sessions/"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "not_for_keys")] * 3
    assert table_digests() == before
