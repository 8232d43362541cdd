"""API of service accounts."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.api_keys.service_accounts import create_service_account
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


def test_service_account_is_created_with_a_key(clients, admin):
    created = clients["admin"].post(ACCOUNTS, {"name": "Nächtlicher Import"})
    account = created.json()
    key = clients["admin"].post(f"{created['Location']}keys/", {"name": "cron", "scopes": ["me:read"]}).json()

    assert (created.status_code, account["handle"], account["role"], account["tier"]) == (
        201, "nachtlicher-import", "user", "service",
    )  # fmt: skip
    assert api_key_client(key["key"]).get("/api/v1/me/").json()["id"] == account["id"] == key["owner"]


def test_service_accounts_of_one_name_get_distinct_handles(clients):
    created = [clients["admin"].post(ACCOUNTS, {"name": "Import"}).json()["handle"] for _ in range(2)]

    assert created == ["import", "import2"]


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_service_accounts_are_hidden_from_other_users(who, clients, robot):
    client = clients[who]
    before = table_digests()

    refused = client.post(ACCOUNTS, {"name": "Mine"})
    listed = client.get(ACCOUNTS)
    hidden = [client.get(f"{ACCOUNTS}{robot.pk}/"), client.post(f"{ACCOUNTS}{robot.pk}/keys/", {})]

    assert (refused.status_code, listed.json()["results"]) == (403, [])
    assert [response.status_code for response in hidden] == [404, 404]
    assert table_digests() == before


def test_deactivated_service_account_loses_its_keys(clients, robot, admin):
    text = create_api_key(robot, actor=admin).text

    closed = clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"is_active": False})
    while_closed = api_key_client(text).get("/api/v1/me/").status_code
    clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"is_active": True})

    assert closed.status_code == 200
    assert (while_closed, api_key_client(text).get("/api/v1/me/").status_code) == (401, 401)


def test_service_account_changes_name_role_and_tier(clients, robot):
    response = clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"name": "Import", "role": "staff", "tier": "premium"})

    robot.refresh_from_db()
    assert response.status_code == 200
    assert (robot.name, robot.role, robot.tier) == ("Import", "staff", "premium")


def test_service_account_is_never_an_administrator(clients, admin, robot):
    before = table_digests()

    by_api = clients["admin"].patch(f"{ACCOUNTS}{robot.pk}/", {"role": "admin"})
    with pytest.raises(Conflict):
        update_user(actor=admin, user_id=robot.pk, changes={"role": "admin"}, now=timezone.now())
    with pytest.raises(IntegrityError, match="service_account_not_admin"), transaction.atomic():
        User.objects.filter(pk=robot.pk).update(role="admin")

    assert by_api.status_code == 400
    assert {name: value for name, value in table_digests().items() if "session" not in name} == {
        name: value for name, value in before.items() if "session" not in name
    }


def test_service_account_never_has_a_password(admin, robot):
    before = table_digests()

    with pytest.raises(Conflict):
        set_password(actor=admin, user_id=robot.pk, password="a quiet river bends", now=timezone.now())
    with pytest.raises(IntegrityError, match="service_account_no_password"), transaction.atomic():
        User.objects.filter(pk=robot.pk).update(password=hashed_password())

    assert table_digests() == before


def test_service_account_keys_are_rotated_and_revoked(clients, robot, admin):
    created = create_api_key(robot, actor=admin)

    new = clients["admin"].post(f"/api/v1/api-keys/{created.key.pk}/rotate/", {"overlap_hours": 0}).json()
    rotated = [api_key_client(text).get("/api/v1/me/").status_code for text in (created.text, new["key"])]
    clients["admin"].delete(f"/api/v1/api-keys/{new['id']}/")

    assert rotated == [401, 200]
    assert api_key_client(new["key"]).get("/api/v1/me/").status_code == 401


def test_service_account_key_cannot_create_keys(robot, admin):
    client = api_key_client(create_api_key(robot, actor=admin).text)
    before = table_digests()

    responses = [
        client.post("/api/v1/api-keys/", {"name": "Another", "scopes": ["tasks:read"]}),
        client.post(ACCOUNTS, {"name": "Another"}),
        client.get("/api/v1/sessions/"),
    ]

    assert [(response.status_code, response.json()["code"]) for response in responses] == [(403, "not_for_keys")] * 3
    assert table_digests() == before
