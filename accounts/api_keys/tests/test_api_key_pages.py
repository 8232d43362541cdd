"""The pages of API keys and service accounts."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from accounts.api_keys.service_accounts.services import create_service_account
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client

pytestmark = pytest.mark.django_db
KEYS, SERVICES = "/settings/api-keys/", "/settings/service-accounts/"
SENT = {"name": "n8n", "days": "30", "scopes": ["tasks:read", "tasks:write"], "allowed_networks": ""}
TEXT = re.compile(r"tf_live_\w{12}_\w{43}_\w{6}")


def test_a_key_is_made_on_the_page_and_shown_there_once(alice, task):
    client = reauthenticated_browser(alice)

    answer = client.post(KEYS, SENT)
    (text,) = TEXT.findall(answer.content.decode())

    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert api_key_client(text).get("/api/v1/tasks/").status_code == 200
    shown = client.get(KEYS).content.decode()
    assert "n8n" in shown
    assert TEXT.findall(shown) == []


def test_a_key_is_limited_on_the_page_to_projects_and_networks(alice, project):
    sent = {**SENT, "projects": [str(project.pk)], "allowed_networks": "192.0.2.7\n198.51.100.0/24"}

    reauthenticated_browser(alice).post(KEYS, sent)

    key = ApiKey.objects.get()
    assert (key.projects, key.allowed_networks) == ([project.pk], ["192.0.2.7/32", "198.51.100.0/24"])
    assert "only Operations" in logged_in_client(alice).get(KEYS).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"scopes": []}, {"scopes": ["sessions:read"]}, {"days": "4000"}, {"allowed_networks": "home"}],
)
def test_names_what_is_wrong_and_makes_none(wrong, alice):
    client = reauthenticated_browser(alice)
    before = table_digests()

    answer = client.post(KEYS, SENT | wrong)

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, list(wrong))
    assert table_digests() == before


def test_offers_only_projects_that_one_sees(mallory, project):
    client = logged_in_client(mallory)
    before = table_digests()

    answer = client.post(KEYS, {**SENT, "projects": [str(project.pk)]})

    assert (answer.status_code, "Operations" in answer.content.decode()) == (422, False)
    assert table_digests() == before


def test_a_key_is_rotated_and_revoked_on_the_page(alice, task):
    made = create_api_key(alice)
    client = reauthenticated_browser(alice)

    rotated = client.post(f"{KEYS}{made.key.pk}/rotate/")
    (text,) = TEXT.findall(rotated.content.decode())
    revoked = client.post(f"{KEYS}{made.key.pk}/revoke/")

    assert (revoked.status_code, revoked["Location"]) == (302, KEYS)
    assert [api_key_client(one).get("/api/v1/me/").status_code for one in (made.text, text)] == [401, 200]
    assert "Expired and revoked keys (1)" in client.get(KEYS).content.decode()


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_the_key_of_somebody_else_is_not_there(verb, alice, bob):
    made = create_api_key(alice)
    client = reauthenticated_browser(bob)
    before = table_digests()

    answer = client.post(f"{KEYS}{made.key.pk}/{verb}/")

    assert answer.status_code == 404
    assert table_digests() == before


def test_a_mail_tells_the_person_but_not_the_key(alice, outbox):
    from notifications.models import OutgoingEmail

    made = create_api_key(alice)

    mail = OutgoingEmail.objects.get(kind="security_changed")
    assert mail.to == alice.email
    assert made.text.split("_")[3] not in mail.encrypted_payload


def confirms(answer, page):
    assert (answer.status_code, answer["Location"]) == (302, f"/reauthenticate/?{urlencode({'next': page})}")


def test_whoever_finds_a_browser_open_makes_no_key(alice):
    made, client = create_api_key(alice), logged_in_client(alice)
    before = table_digests()

    confirms(client.post(KEYS, SENT), KEYS)
    confirms(client.post(f"{KEYS}{made.key.pk}/rotate/"), KEYS)

    assert table_digests() == before
    assert client.get(KEYS).status_code == 200


def test_nor_one_for_a_service_account(admin):
    account = create_service_account(actor=admin, name="Nightly import")
    made, client, page = create_api_key(account, actor=admin), logged_in_client(admin), f"{SERVICES}{account.pk}/"
    before = table_digests()

    confirms(client.post(page, SENT), page)
    confirms(client.post(f"{KEYS}{made.key.pk}/rotate/"), page)

    assert table_digests() == before


def test_who_has_neither_password_nor_factor_signs_in_again_to_make_one(alice):
    User.objects.update(password="!")
    alice.refresh_from_db()
    fresh, old = logged_in_client(alice), logged_in_client(alice)
    row = old.session["_session_id"]
    Session.objects.filter(pk=row).update(created_at=timezone.now() - timedelta(minutes=6))

    refused, made = old.post(KEYS, SENT), fresh.post(KEYS, SENT)

    assert (refused.status_code, refused["Location"]) == (302, f"/login/?{urlencode({'next': KEYS})}")
    assert (made.status_code, ApiKey.objects.count()) == (200, 1)
    assert (old.get(KEYS).status_code, fresh.get(KEYS).status_code) == (302, 200)
    assert Session.objects.get(pk=row).revoked_at is not None


def test_to_revoke_one_nobody_is_kept_waiting(alice):
    made = create_api_key(alice)

    logged_in_client(alice).post(f"{KEYS}{made.key.pk}/revoke/")

    assert api_key_client(made.text).get("/api/v1/me/").status_code == 401


def test_an_administrator_adds_a_service_account_and_gives_it_a_key(admin):
    client = reauthenticated_browser(admin)

    added = client.post(SERVICES, {"name": "Nightly import", "role": "user"})
    minted_page = client.post(added["Location"], SENT)
    (text,) = TEXT.findall(minted_page.content.decode())

    account = User.objects.get(kind="service")
    assert added["Location"] == f"{SERVICES}{account.pk}/"
    assert ApiKey.objects.get().owner == account
    assert api_key_client(text).get("/api/v1/tasks/").status_code == 200


def test_one_is_closed_and_opened_again(admin):
    account = create_service_account(actor=admin, name="Nightly import")
    made = create_api_key(account, actor=admin)
    client = reauthenticated_browser(admin)

    client.post(f"{SERVICES}{account.pk}/activation/", {"is_active": "false"})
    closed = client.get(f"{SERVICES}{account.pk}/").content.decode()
    client.post(f"{SERVICES}{account.pk}/activation/", {"is_active": "true"})

    account.refresh_from_db()
    assert ("Deactivated" in closed, "Create API key" in closed, account.is_active) == (True, False, True)
    assert api_key_client(made.text).get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_others_have_no_page_for_them(who, request, admin):
    account = create_service_account(actor=admin, name="Nightly import")
    client = logged_in_client(request.getfixturevalue(who))
    before = table_digests()

    answers = [
        client.get(SERVICES),
        client.post(SERVICES, {"name": "Mine", "role": "staff"}),
        client.get(f"{SERVICES}{account.pk}/"),
        client.post(f"{SERVICES}{account.pk}/", SENT),
        client.post(f"{SERVICES}{account.pk}/activation/", {"is_active": "false"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 404, 404, 403]
    assert table_digests() == before
