"""Pages for staff: directory, user details and invitations."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Invitation, User
from accounts.privacy import services as privacy
from accounts.tests.factories import InvitationFactory, UserFactory
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db


def test_people_page_searches_users(carol, alice, bob):
    response = logged_in_client(carol).get("/people/", {"search": "ali"})

    assert "alice@example.com" in visible_text(response)
    assert "bob@example.com" not in visible_text(response)


def test_people_page_answers_htmx_with_the_list(carol, alice):
    response = logged_in_client(carol).get("/people/", headers=htmx_headers("div#people"))

    assert not is_full_page(response)
    assert "alice@example.com" in visible_text(response)


@pytest.mark.parametrize("url", ["/people/", "/people/{}/", "/people/invitations/"])
def test_people_pages_are_for_staff(url, alice, bob):
    response = logged_in_client(alice).get(url.format(bob.pk))

    assert response.status_code == 403
    assert "bob@example.com" not in visible_text(response)


def test_user_page_shows_actions_to_administrators(carol, admin, alice):
    responses = [logged_in_client(user).get(f"/people/{alice.pk}/") for user in (carol, admin)]

    assert ["Deactivate" in visible_text(response) for response in responses] == [False, True]


def test_user_page_deactivates_and_activates(admin, alice):
    browser, users_browser = reauthenticated_browser(admin), logged_in_client(alice)

    browser.post(f"/people/{alice.pk}/", {"active": "no"})
    inactive = User.objects.get(pk=alice.pk).is_active
    response = users_browser.get("/settings/")
    browser.post(f"/people/{alice.pk}/", {"active": "yes"})

    assert (inactive, response.status_code) == (False, 302)
    assert User.objects.get(pk=alice.pk).is_active


@pytest.mark.parametrize("data", [{"active": "no"}, {"role": "admin"}])
def test_user_page_refuses_changes_by_staff(data, carol, alice, outbox):
    response = logged_in_client(carol).post(f"/people/{alice.pk}/", data)

    assert (response.status_code, outbox.names()) == (403, [])


def test_user_page_refuses_an_unknown_role(admin, alice, outbox):
    response = logged_in_client(admin).post(f"/people/{alice.pk}/", {"role": "god"})

    assert (response.status_code, outbox.names()) == (400, [])


def test_invitations_page_invites_and_revokes(carol):
    browser = logged_in_client(carol)

    browser.post("/people/invitations/", {"email": "nina@example.com"})
    page = visible_text(browser.get("/people/invitations/"))
    browser.post(f"/people/invitations/{Invitation.objects.get().pk}/revoke/")

    assert "nina@example.com" in page
    assert OutgoingEmail.objects.get().to == "nina@example.com"
    assert Invitation.objects.get().revoked_at is not None


def test_invitations_page_refuses_an_invalid_email(carol):
    response = logged_in_client(carol).post("/people/invitations/", {"email": "nina"})

    assert (response.status_code, Invitation.objects.count()) == (422, 0)


def test_invitation_page_registers_and_signs_in(client, carol):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    form = client.get("/invitation/", {"token": "s3"})

    response = client.post("/invitation/", {"token": "s3", "name": "Nina", "password": "a quiet river bends"})

    assert "nina@example.com" in visible_text(form)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert User.objects.get(email="nina@example.com").name == "Nina"


def test_invitation_page_is_not_cached_and_sends_no_referrer(client, carol):
    InvitationFactory(inviter=carol, secret="s3")

    response = client.get("/invitation/", {"token": "s3"})

    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] in {"same-origin", "no-referrer"}


def test_invitation_page_asks_existing_users_to_sign_in(client, carol, alice):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")

    page = client.get("/invitation/", {"token": "s3"})
    posted = client.post("/invitation/", {"token": "s3", "name": "Eve", "password": "a quiet river bends"})

    assert "to accept" in visible_text(page)
    assert (posted.status_code, Invitation.objects.get().accepted_at) == (200, None)


def test_invitation_page_accepts_as_the_signed_in_user(carol, alice):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")
    browser = logged_in_client(alice)

    seen = browser.get("/invitation/", {"token": "s3"})
    untouched = Invitation.objects.get().accepted_at
    browser.post("/invitation/", {"token": "s3"})

    assert "Accept as Alice" in visible_text(seen)
    assert untouched is None
    assert Invitation.objects.get().accepted_by == alice


def test_invitation_page_refuses_another_user(carol, mallory, alice):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")
    browser = logged_in_client(mallory)

    seen = browser.get("/invitation/", {"token": "s3"})
    response = browser.post("/invitation/", {"token": "s3"})

    assert "you are signed in as mallory@example.com" in visible_text(seen)
    assert (response.status_code, Invitation.objects.get().accepted_at) == (403, None)


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "\x00"])
def test_invitation_page_refuses_a_wrong_token(token, client, db):
    response = client.get("/invitation/", {"token": token})

    assert response.status_code == 404
    assert "no longer valid" in visible_text(response)


def test_people_page_shows_scheduled_deletions(carol):
    user = UserFactory(handle="zoe")
    privacy.request_deletion(actor=user, confirmation="a quiet river bends", now=timezone.now())

    assert "Deletion scheduled" in visible_text(logged_in_client(carol).get("/people/", {"state": "pending_deletion"}))
