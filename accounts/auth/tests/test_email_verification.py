"""Email verification: registration with REQUIRE_VERIFIED_EMAIL, and email changes."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.auth.tests.test_password_pages import link, parse_link, sent_emails
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from accounts.tests.fixtures import ApiClient, reauthenticated_browser
from accounts.users import administration
from core.testing.page_client import visible_text
from notifications.models import OutgoingEmail

NEW = {"name": "Nora Berg", "email": "nora@example.com", "password": "seven quiet geese"}


def open_link(client=None):
    path, data = parse_link(link("verify_email"))
    return (client or Client()).post(path, data)


def verified():
    return list(EmailAddress.objects.filter(verified=True).values_list("email", flat=True))


def test_registration_emails_a_link_and_signs_in(client, db):
    response = client.post("/register/", NEW)

    assert response["Location"] == "/"
    assert sent_emails("verify_email")[0].to == ["nora@example.com"]
    assert verified() == []


def test_registration_signs_in_after_verification_only(verified_email_required, client, db):
    response = client.post("/register/", NEW)

    assert response["Location"] == "/verify-email/sent/"
    assert client.get("/").status_code == 302
    assert Session.objects.count() == 0


def test_verification_link_verifies_by_post_only(verified_email_required, client, db):
    client.post("/register/", NEW)

    page = client.get(link("verify_email"))
    before = verified()
    response = open_link()

    assert (page.status_code, before) == (200, [])
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert verified() == ["nora@example.com"]


def test_verified_user_signs_in(verified_email_required, client, db, outbox):
    client.post("/register/", NEW)
    open_link()

    response = client.post("/login/", {"email": NEW["email"], "password": NEW["password"]})

    assert response["Location"] == "/"
    assert client.get("/").status_code == 200
    assert outbox.only("user.email_verified")["email"] == "nora@example.com"


def test_verification_link_works_once(verified_email_required, client, db):
    client.post("/register/", NEW)
    open_link()

    assert open_link().status_code == 404


def test_malformed_verification_key_is_not_found(client, alice):
    for key in ("", "x", "1:2:3", "\x00"):
        assert client.post("/verify-email/", {"key": key}).status_code == 404, repr(key)
    assert verified() == []


def test_login_unverified_sends_another_link(verified_email_required, alice):
    response = Client().post("/login/", {"email": alice.email, "password": PASSWORD})

    assert response["Location"] == "/verify-email/sent/"
    assert len(sent_emails("verify_email")) == 1
    assert Session.objects.count() == 0


def test_registration_answers_the_same_for_taken_addresses(verified_email_required, alice):
    browsers = [Client(), Client()]
    new = browsers[0].post("/register/", NEW)
    taken = browsers[1].post("/register/", NEW | {"email": "alice@example.com"})

    pages = [visible_text(browser.get("/verify-email/sent/")).replace("alice@", "nora@") for browser in browsers]
    assert (new.status_code, new["Location"]) == (taken.status_code, taken["Location"])
    assert pages[0] == pages[1]
    assert [email.to for email in sent_emails("account_exists")] == [["alice@example.com"]]
    assert User.objects.count() == 2
    # The page of the next step tells nothing either, however often it is opened.
    for _ in range(2):
        answers = [browser.get("/login/mfa/") for browser in browsers]
        assert len({(answer.status_code, answer["Location"], tuple(answer.cookies)) for answer in answers}) == 1


def test_registration_api_answers_the_same_for_taken_addresses(verified_email_required, alice):
    responses = [
        ApiClient().post("/api/v1/auth/register/", NEW | {"email": email})
        for email in ("n@example.com", "alice@example.com")
    ]

    assert [(response.status_code, response.json()) for response in responses] == [
        (202, {"detail": "We sent an email to this address."})
    ] * 2
    assert sorted(OutgoingEmail.objects.values_list("kind", flat=True)) == ["account_exists", "verify_email"]


def test_login_api_rejects_an_unverified_user(verified_email_required, alice):
    response = ApiClient().post("/api/v1/auth/login/", {"email": alice.email, "password": PASSWORD})

    assert (response.status_code, response.json()["code"]) == (403, "email_not_verified")
    assert Session.objects.count() == 0


def test_email_change_takes_effect_when_the_link_is_opened(alice, outbox):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    client = reauthenticated_browser(alice)

    client.post("/settings/security/email/", {"email": "liddell@example.com"})
    before = User.objects.get().email
    open_link(client)

    user = User.objects.get()
    assert (before, user.email, user.version) == ("alice@example.com", "liddell@example.com", 2)
    assert verified() == ["liddell@example.com"]
    assert [(email.to, email.subject) for email in sent_emails("security_changed")] == [
        (["alice@example.com"], "A new email address was requested for your TaskFlow account."),
        (["alice@example.com"], "The email address of your TaskFlow account was changed."),
    ]
    assert outbox.payloads("user.updated")[-1]["changes"] == {"email": ["alice@example.com", "liddell@example.com"]}


def test_unverified_email_stays_until_another_is_verified(alice):
    EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    client = reauthenticated_browser(alice)

    for email in ("first@example.com", "second@example.com"):
        client.post("/settings/security/email/", {"email": email})

    assert User.objects.get().email == "alice@example.com"
    assert set(EmailAddress.objects.values_list("email", flat=True)) == {"alice@example.com", "second@example.com"}


def test_email_change_to_address_taken_meanwhile_is_rejected(alice, bob):
    client = reauthenticated_browser(alice)
    client.post("/settings/security/email/", {"email": "new@example.com"})
    User.objects.filter(pk=bob.pk).update(email="new@example.com")

    response = open_link(client)

    assert response.status_code == 409
    assert set(User.objects.values_list("email", flat=True)) == {"alice@example.com", "new@example.com"}


def test_email_changed_by_an_admin_is_unverified(admin, alice):
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)

    administration.update_user(
        actor=admin, user_id=alice.pk, changes={"email": "other@example.com"}, now=timezone.now()
    )

    assert list(EmailAddress.objects.values_list("email", "verified")) == [("other@example.com", False)]
