"""Whether an address is its person's: registering with REQUIRE_VERIFIED_EMAIL, and changing it."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.auth.tests.test_password_pages import form_of, link, mails
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient
from accounts.users import administration
from core.testing.page_client import logged_in_client, visible_text
from notifications.models import OutgoingEmail

NEW = {"name": "Nora Berg", "email": "nora@example.com", "password": "seven quiet geese"}


@pytest.fixture
def strict(settings):
    settings.REQUIRE_VERIFIED_EMAIL = True


def open_link(client=None):
    path, sent = form_of(link("verify_email"))
    return (client or Client()).post(path, sent)


def verified():
    return list(EmailAddress.objects.filter(verified=True).values_list("email", flat=True))


def test_a_new_person_is_mailed_a_link_and_comes_in_meanwhile(client, db):
    answer = client.post("/register/", NEW)

    assert answer["Location"] == "/"
    assert mails("verify_email")[0].to == ["nora@example.com"]
    assert verified() == []


def test_nobody_comes_in_before_the_link_is_opened(strict, client, db):
    answer = client.post("/register/", NEW)

    assert answer["Location"] == "/verify-email/sent/"
    assert client.get("/").status_code == 302
    assert Session.objects.count() == 0


def test_the_link_confirms_by_a_button_and_not_by_being_opened(strict, client, db):
    client.post("/register/", NEW)

    page = client.get(link("verify_email"))
    before = verified()
    answer = open_link()

    assert (page.status_code, before) == (200, [])
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert verified() == ["nora@example.com"]


def test_whoever_has_confirmed_comes_in(strict, client, db, outbox):
    client.post("/register/", NEW)
    open_link()

    answer = client.post("/login/", {"email": NEW["email"], "password": NEW["password"]})

    assert answer["Location"] == "/"
    assert client.get("/").status_code == 200
    assert outbox.only("user.email_verified")["email"] == "nora@example.com"


def test_a_link_confirms_once(strict, client, db):
    client.post("/register/", NEW)
    open_link()

    assert open_link().status_code == 404


@pytest.mark.parametrize("key", ["", "x", "1:2:3", "\x00"])
def test_an_odd_key_confirms_nothing(key, client, alice):
    assert client.post("/verify-email/", {"key": key}).status_code == 404
    assert verified() == []


def test_signing_in_unconfirmed_sends_another_link(strict, alice):
    answer = Client().post("/login/", {"email": alice.email, "password": PASSWORD})

    assert answer["Location"] == "/verify-email/sent/"
    assert len(mails("verify_email")) == 1
    assert Session.objects.count() == 0


def test_a_taken_address_is_told_the_same_as_a_new_one(strict, alice):
    browsers = [Client(), Client()]
    new = browsers[0].post("/register/", NEW)
    taken = browsers[1].post("/register/", NEW | {"email": "alice@example.com"})

    pages = [visible_text(one.get("/verify-email/sent/")).replace("alice@", "nora@") for one in browsers]
    assert (new.status_code, new["Location"]) == (taken.status_code, taken["Location"])
    assert pages[0] == pages[1]
    assert [one.to for one in mails("account_exists")] == [["alice@example.com"]]
    assert User.objects.count() == 2


def test_the_api_tells_the_same_of_both_too(strict, alice):
    answers = [
        ApiClient().post("/api/v1/auth/register/", NEW | {"email": email})
        for email in ("n@example.com", "alice@example.com")
    ]

    assert [(one.status_code, one.json()) for one in answers] == [
        (202, {"detail": "We sent an email to this address."})
    ] * 2
    assert sorted(OutgoingEmail.objects.values_list("kind", flat=True)) == ["account_exists", "verify_email"]


def test_the_api_lets_nobody_in_unconfirmed(strict, alice):
    answer = ApiClient().post("/api/v1/auth/login/", {"email": alice.email, "password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (403, "email_not_verified")
    assert Session.objects.count() == 0


def confirmed(user):
    client = logged_in_client(user)
    client.post("/reauthenticate/", {"password": PASSWORD, "next": "/"})
    return client


def test_a_new_address_takes_the_place_of_the_old_when_its_link_is_opened(alice, outbox):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client = confirmed(alice)

    client.post("/settings/security/email/", {"email": "liddell@example.com"})
    before = User.objects.get().email
    open_link(client)

    user = User.objects.get()
    assert (before, user.email, user.version) == ("alice@example.com", "liddell@example.com", 2)
    assert verified() == ["liddell@example.com"]
    assert [(one.to, one.subject) for one in mails("security_changed")] == [
        (["alice@example.com"], "A new email address was requested for your TaskFlow account."),
        (["alice@example.com"], "The email address of your TaskFlow account was changed."),
    ]
    assert outbox.payloads("user.updated")[-1]["changes"] == {"email": ["alice@example.com", "liddell@example.com"]}


def test_an_unconfirmed_address_stays_until_another_takes_its_place(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    client = confirmed(alice)

    for email in ("first@example.com", "second@example.com"):
        client.post("/settings/security/email/", {"email": email})

    assert User.objects.get().email == "alice@example.com"
    assert set(EmailAddress.objects.values_list("email", flat=True)) == {"alice@example.com", "second@example.com"}


def test_an_address_that_somebody_else_has_by_then_stays_theirs(alice, bob):
    client = confirmed(alice)
    client.post("/settings/security/email/", {"email": "new@example.com"})
    User.objects.filter(pk=bob.pk).update(email="new@example.com")

    answer = open_link(client)

    assert answer.status_code == 409
    assert set(User.objects.values_list("email", flat=True)) == {"alice@example.com", "new@example.com"}


def test_an_administrators_change_is_to_be_confirmed_anew(admin, alice):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)

    administration.update_user(
        actor=admin, user_id=alice.pk, changes={"email": "other@example.com"}, now=timezone.now()
    )

    assert list(EmailAddress.objects.values_list("email", "verified")) == [("other@example.com", False)]
