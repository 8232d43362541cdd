"""The pages of staff: the directory, one person, invitations."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Invitation, User
from accounts.privacy.account_deletion import services as account_deletion
from accounts.tests.factories import InvitationFactory, UserFactory
from accounts.tests.fixtures import reauthenticated_browser
from core.testing.page_client import htmx_headers, is_full_page, logged_in_client, visible_text
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db


def test_staff_finds_people(carol, alice, bob):
    answer = logged_in_client(carol).get("/people/", {"search": "ali"})

    assert "alice@example.com" in visible_text(answer)
    assert "bob@example.com" not in visible_text(answer)


def test_the_list_alone_is_sent_to_who_has_the_page(carol, alice):
    answer = logged_in_client(carol).get("/people/", headers=htmx_headers("div#people"))

    assert not is_full_page(answer)
    assert "alice@example.com" in visible_text(answer)


@pytest.mark.parametrize("url", ["/people/", "/people/{}/", "/people/invitations/"])
def test_is_for_staff_only(url, alice, bob):
    answer = logged_in_client(alice).get(url.format(bob.pk))

    assert answer.status_code == 403
    assert "bob@example.com" not in visible_text(answer)


def test_staff_looks_and_administrators_decide(carol, admin, alice):
    shown = [logged_in_client(one).get(f"/people/{alice.pk}/") for one in (carol, admin)]

    assert ["Deactivate" in visible_text(one) for one in shown] == [False, True]


def test_an_administrator_deactivates_and_activates(admin, alice):
    browser, theirs = reauthenticated_browser(admin), logged_in_client(alice)

    browser.post(f"/people/{alice.pk}/", {"active": "no"})
    inactive = User.objects.get(pk=alice.pk).is_active
    answer = theirs.get("/settings/")
    browser.post(f"/people/{alice.pk}/", {"active": "yes"})

    assert (inactive, answer.status_code) == (False, 302)
    assert User.objects.get(pk=alice.pk).is_active


@pytest.mark.parametrize("sent", [{"active": "no"}, {"role": "admin"}])
def test_staff_cannot_decide(sent, carol, alice, outbox):
    answer = logged_in_client(carol).post(f"/people/{alice.pk}/", sent)

    assert (answer.status_code, outbox.names()) == (403, [])


def test_a_role_that_does_not_exist_is_refused(admin, alice, outbox):
    answer = logged_in_client(admin).post(f"/people/{alice.pk}/", {"role": "god"})

    assert (answer.status_code, outbox.names()) == (400, [])


def test_staff_invites_and_withdraws(carol):
    browser = logged_in_client(carol)

    browser.post("/people/invitations/", {"email": "nina@example.com"})
    shown = visible_text(browser.get("/people/invitations/"))
    browser.post(f"/people/invitations/{Invitation.objects.get().pk}/revoke/")

    assert "nina@example.com" in shown
    assert OutgoingEmail.objects.get().to == "nina@example.com"
    assert Invitation.objects.get().revoked_at is not None


def test_what_is_no_address_invites_nobody(carol):
    answer = logged_in_client(carol).post("/people/invitations/", {"email": "nina"})

    assert (answer.status_code, Invitation.objects.count()) == (422, 0)


def test_a_newcomer_joins_by_the_link_and_is_signed_in(client, carol):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    form = client.get("/invitation/", {"token": "s3"})

    answer = client.post("/invitation/", {"token": "s3", "name": "Nina", "password": "a quiet river bends"})

    assert "nina@example.com" in visible_text(form)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert User.objects.get(email="nina@example.com").name == "Nina"


def test_the_page_of_a_link_is_kept_by_nobody_and_tells_no_other_site(client, carol):
    InvitationFactory(inviter=carol, secret="s3")

    answer = client.get("/invitation/", {"token": "s3"})

    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] in {"same-origin", "no-referrer"}


def test_who_has_an_account_is_asked_to_sign_in(client, carol, alice):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")

    shown = client.get("/invitation/", {"token": "s3"})
    posted = client.post("/invitation/", {"token": "s3", "name": "Eve", "password": "a quiet river bends"})

    assert "to accept" in visible_text(shown)
    assert (posted.status_code, Invitation.objects.get().accepted_at) == (200, None)


def test_who_is_signed_in_accepts_with_one_click(carol, alice):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")
    browser = logged_in_client(alice)

    seen = browser.get("/invitation/", {"token": "s3"})
    untouched = Invitation.objects.get().accepted_at
    browser.post("/invitation/", {"token": "s3"})

    assert "Accept as Alice" in visible_text(seen)
    assert untouched is None
    assert Invitation.objects.get().accepted_by == alice


def test_another_one_cannot_accept(carol, mallory, alice):
    InvitationFactory(inviter=carol, email=alice.email, secret="s3")
    browser = logged_in_client(mallory)

    seen = browser.get("/invitation/", {"token": "s3"})
    answer = browser.post("/invitation/", {"token": "s3"})

    assert "you are signed in as mallory@example.com" in visible_text(seen)
    assert (answer.status_code, Invitation.objects.get().accepted_at) == (403, None)


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "\x00"])
def test_a_wrong_link_says_so(token, client, db):
    answer = client.get("/invitation/", {"token": token})

    assert answer.status_code == 404
    assert "no longer valid" in visible_text(answer)


def test_the_directory_shows_who_is_leaving(carol):
    user = UserFactory(handle="zoe")
    account_deletion.request_deletion(actor=user, confirmation="a quiet river bends", now=timezone.now())

    assert "Deletion scheduled" in visible_text(logged_in_client(carol).get("/people/", {"state": "pending_deletion"}))
