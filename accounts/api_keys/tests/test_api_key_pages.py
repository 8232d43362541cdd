"""The pages of API keys and service accounts."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from accounts.api_keys.service_accounts import create_service_account
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client

pytestmark = pytest.mark.django_db
KEYS, SERVICES = "/settings/api-keys/", "/settings/service-accounts/"
FORM_DATA = {"name": "n8n", "days": "30", "scopes": ["tasks:read", "tasks:write"], "allowed_networks": ""}
TEXT = re.compile(r"tf_live_\w{12}_\w{43}_\w{6}")


def test_key_page_shows_a_new_key_once(alice, task):
    client = reauthenticated_browser(alice)

    response = client.post(KEYS, FORM_DATA)
    (text,) = TEXT.findall(response.content.decode())

    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert api_key_client(text).get("/api/v1/tasks/").status_code == 200
    page = client.get(KEYS).content.decode()
    assert "n8n" in page
    assert TEXT.findall(page) == []


def test_key_page_limits_key_to_projects_and_networks(alice, project):
    data = {**FORM_DATA, "projects": [str(project.pk)], "allowed_networks": "192.0.2.7\n198.51.100.0/24"}

    reauthenticated_browser(alice).post(KEYS, data)

    key = ApiKey.objects.get()
    assert (key.projects, key.allowed_networks) == ([project.pk], ["192.0.2.7/32", "198.51.100.0/24"])
    page = logged_in_client(alice).get(KEYS).content.decode()
    assert "only <bdi>Operations (OPS)</bdi>" in page


@pytest.mark.parametrize(
    "changes",
    [{"name": " "}, {"scopes": []}, {"scopes": ["sessions:read"]}, {"days": "4000"}, {"allowed_networks": "home"}],
)
def test_key_page_names_invalid_fields(changes, alice):
    client = reauthenticated_browser(alice)
    before = table_digests()

    response = client.post(KEYS, FORM_DATA | changes)

    assert (response.status_code, list(response.context["form"].errors)) == (422, list(changes))
    assert table_digests() == before


def test_key_page_offers_only_visible_projects(mallory, project):
    client = logged_in_client(mallory)
    before = table_digests()

    response = client.post(KEYS, {**FORM_DATA, "projects": [str(project.pk)]})

    assert (response.status_code, "Operations" in response.content.decode()) == (422, False)
    assert table_digests() == before


def test_key_page_rotates_and_revokes(alice, task):
    created = create_api_key(alice)
    client = reauthenticated_browser(alice)

    rotated = client.post(f"{KEYS}{created.key.pk}/rotate/")
    (text,) = TEXT.findall(rotated.content.decode())
    revoked = client.post(f"{KEYS}{created.key.pk}/revoke/")

    assert (revoked.status_code, revoked["Location"]) == (302, KEYS)
    assert [api_key_client(key_text).get("/api/v1/me/").status_code for key_text in (created.text, text)] == [401, 200]
    assert "Expired and revoked keys (1)" in client.get(KEYS).content.decode()


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_key_page_hides_keys_of_others(verb, alice, bob):
    created = create_api_key(alice)
    client = reauthenticated_browser(bob)
    before = table_digests()

    response = client.post(f"{KEYS}{created.key.pk}/{verb}/")

    assert response.status_code == 404
    assert table_digests() == before


def test_key_creation_is_mailed_without_the_key(alice, outbox):
    from notifications.models import OutgoingEmail

    created = create_api_key(alice)

    mail = OutgoingEmail.objects.get(kind="security_changed")
    assert mail.to == alice.email
    assert created.text.split("_")[3] not in mail.encrypted_payload


def confirms(response, page):
    assert (response.status_code, response["Location"]) == (302, f"/reauthenticate/?{urlencode({'next': page})}")


def test_key_creation_requires_recent_login(alice):
    created, client = create_api_key(alice), logged_in_client(alice)
    before = table_digests()

    confirms(client.post(KEYS, FORM_DATA), KEYS)
    confirms(client.post(f"{KEYS}{created.key.pk}/rotate/"), KEYS)

    assert table_digests() == before
    assert client.get(KEYS).status_code == 200


def test_service_account_key_requires_recent_login(admin):
    account = create_service_account(actor=admin, name="Nightly import")
    created, client, page = create_api_key(account, actor=admin), logged_in_client(admin), f"{SERVICES}{account.pk}/"
    before = table_digests()

    confirms(client.post(page, FORM_DATA), page)
    confirms(client.post(f"{KEYS}{created.key.pk}/rotate/"), page)

    assert table_digests() == before


def test_key_creation_without_password_requires_new_login(alice):
    User.objects.update(password="!")
    alice.refresh_from_db()
    fresh, old = logged_in_client(alice), logged_in_client(alice)
    row = old.session["_session_id"]
    Session.objects.filter(pk=row).update(created_at=timezone.now() - timedelta(minutes=6))

    refused, created = old.post(KEYS, FORM_DATA), fresh.post(KEYS, FORM_DATA)

    assert (refused.status_code, refused["Location"]) == (302, f"/login/?{urlencode({'next': KEYS})}")
    assert (created.status_code, ApiKey.objects.count()) == (200, 1)
    assert (old.get(KEYS).status_code, fresh.get(KEYS).status_code) == (302, 200)
    assert Session.objects.get(pk=row).revoked_at is not None


def test_key_revocation_requires_no_recent_login(alice):
    created = create_api_key(alice)

    logged_in_client(alice).post(f"{KEYS}{created.key.pk}/revoke/")

    assert api_key_client(created.text).get("/api/v1/me/").status_code == 401


def test_service_account_page_creates_account_and_key(admin):
    client = reauthenticated_browser(admin)

    added = client.post(SERVICES, {"name": "Nightly import", "role": "user"})
    key_page = client.post(added["Location"], FORM_DATA)
    (text,) = TEXT.findall(key_page.content.decode())

    account = User.objects.get(kind="service")
    assert added["Location"] == f"{SERVICES}{account.pk}/"
    assert ApiKey.objects.get().owner == account
    assert api_key_client(text).get("/api/v1/tasks/").status_code == 200


def test_service_account_page_deactivates_and_activates(admin):
    account = create_service_account(actor=admin, name="Nightly import")
    created = create_api_key(account, actor=admin)
    client = reauthenticated_browser(admin)

    client.post(f"{SERVICES}{account.pk}/activation/", {"is_active": "false"})
    closed = client.get(f"{SERVICES}{account.pk}/").content.decode()
    client.post(f"{SERVICES}{account.pk}/activation/", {"is_active": "true"})

    account.refresh_from_db()
    assert ("Deactivated" in closed, "Create API key" in closed, account.is_active) == (True, False, True)
    assert api_key_client(created.text).get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_service_account_pages_are_for_administrators(who, request, admin):
    account = create_service_account(actor=admin, name="Nightly import")
    client = logged_in_client(request.getfixturevalue(who))
    before = table_digests()

    responses = [
        client.get(SERVICES),
        client.post(SERVICES, {"name": "Mine", "role": "staff"}),
        client.get(f"{SERVICES}{account.pk}/"),
        client.post(f"{SERVICES}{account.pk}/", FORM_DATA),
        client.post(f"{SERVICES}{account.pk}/activation/", {"is_active": "false"}),
    ]

    assert [response.status_code for response in responses] == [403, 403, 404, 404, 403]
    assert table_digests() == before
