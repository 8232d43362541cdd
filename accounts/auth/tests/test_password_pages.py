"""Pages to reset and change a password, and the emails about both."""

from __future__ import annotations

import re
from urllib.parse import unquote

from django.test import Client

from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, SessionFactory, UserFactory, with_email_address
from accounts.tests.mfa import with_totp
from core.testing.page_client import logged_in_client, visible_text
from notifications.email.rendering import compose
from notifications.models import OutgoingEmail

RESET, NEW = "/password/reset/", "a wider river turns"


def sent_emails(kind):
    return [compose(email) for email in OutgoingEmail.objects.filter(kind=kind).order_by("pk")]


def request_reset(email="alice@example.com"):
    return Client().post(RESET, {"email": email})


def link(kind="password_reset"):
    return re.search(r"http\S+\?key=\S+", sent_emails(kind)[-1].body)[0].removeprefix("http://127.0.0.1:8000")


def parse_link(url):
    path, _, key = url.partition("?key=")
    return path, {"key": unquote(key)}


def test_reset_link_sets_a_new_password(alice):
    request_reset()
    path, data = parse_link(link())

    page = Client().get(link())
    response = Client().post(path, data | {"password": NEW})

    assert page.status_code == 200
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert User.objects.get().check_password(NEW)


def test_reset_request_answers_the_same_for_every_address(alice):
    known, unknown = request_reset(), request_reset("nobody@example.com")

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [email.to for email in sent_emails("no_account")] == [["nobody@example.com"]]
    assert OutgoingEmail.objects.count() == 2


def test_reset_link_ignores_the_host_header(alice, settings):
    settings.ALLOWED_HOSTS = ["*"]

    Client(headers={"Host": "evil.example"}).post(RESET, {"email": "alice@example.com"})

    assert "evil.example" not in sent_emails("password_reset")[0].body


def test_reset_link_works_once(alice):
    request_reset()
    path, data = parse_link(link())
    Client().post(path, data | {"password": NEW})

    response = Client().post(path, data | {"password": "the third river bends"})

    assert response.status_code == 404
    assert User.objects.get().check_password(NEW)


def test_reset_link_ends_with_a_login(alice):
    request_reset()
    path, data = parse_link(link())
    Client().post("/login/", {"email": "alice@example.com", "password": PASSWORD})

    assert Client().post(path, data | {"password": NEW}).status_code == 404
    assert User.objects.get().check_password(PASSWORD)


def test_reset_link_does_not_work_for_another_user(alice, bob):
    request_reset()
    path, data = parse_link(link())
    forged = {"key": f"{bob.pk.hex}-{data['key'].partition('-')[2]}"}

    response = Client().post(path, forged | {"password": NEW})

    assert response.status_code == 404
    assert User.objects.get(pk=bob.pk).check_password(PASSWORD)


def test_malformed_reset_key_is_not_found(alice):
    for key in ("", "x", "-", "0-0", "\x00", "a" * 5000):
        assert Client().post("/password/reset/new/", {"key": key, "password": NEW}).status_code == 404, key[:10]


def test_password_reset_revokes_all_sessions(alice, outbox):
    SessionFactory(user=alice)
    browser = logged_in_client(alice)
    browser.get("/")
    request_reset()
    path, data = parse_link(link())

    Client().post(path, data | {"password": NEW})

    assert Session.objects.filter(revoked_at=None).count() == 0
    assert browser.get("/").status_code == 302


def test_password_reset_does_not_bypass_mfa(alice):
    with_totp(with_email_address(alice))
    request_reset()
    path, data = parse_link(link())
    client = Client()
    client.post(path, data | {"password": NEW})

    response = client.post("/login/", {"email": "alice@example.com", "password": NEW})

    assert response["Location"] == "/login/mfa/"
    assert client.get("/").status_code == 302


def test_weak_password_is_rejected_and_the_link_stays_valid(alice):
    request_reset()
    path, data = parse_link(link())

    response = Client().post(path, data | {"password": "password"})

    assert response.status_code == 422
    assert User.objects.get().check_password(PASSWORD)
    assert Client().get(link()).status_code == 200


def test_reset_link_is_not_sent_to_a_deactivated_user(alice):
    User.objects.update(is_active=False)

    request_reset()

    assert sent_emails("password_reset") == []


def test_reset_emails_are_limited_per_mailbox(alice, settings):
    settings.EMAIL_LINK_RATE = "2/h"

    codes = [request_reset().status_code for _ in range(3)]

    assert codes == [302, 302, 429]
    assert len(sent_emails("password_reset")) == 2


def test_reset_key_is_in_no_row_session_or_log(alice, caplog):
    request_reset()
    key = parse_link(link())[1]["key"]
    client = Client()
    client.get(link())

    rows = str(list(OutgoingEmail.objects.values())) + str(dict(client.session)) + caplog.text
    assert key not in rows
    assert key.partition("-")[2] not in rows


def change(client, old=PASSWORD, new=NEW):
    return client.post("/settings/security/password/", {"current_password": old, "password": new})


def test_password_change_keeps_this_session_only(alice, outbox):
    SessionFactory(user=alice)
    browser, other = logged_in_client(alice), logged_in_client(alice)
    browser.get("/"), other.get("/")

    response = change(browser)

    assert (response.status_code, response["Location"]) == (302, "/settings/security/")
    assert User.objects.get().check_password(NEW)
    assert (browser.get("/").status_code, other.get("/").status_code) == (200, 302)
    assert Session.objects.filter(revoked_at=None).count() == 1
    assert sent_emails("security_changed")[0].subject == "The password of your TaskFlow account was changed."


def test_password_change_requires_the_current_password(alice, outbox):
    response = change(logged_in_client(alice), old="wrong")

    assert "Wrong password." in visible_text(response)
    assert User.objects.get().check_password(PASSWORD)
    assert outbox.names() == ["user.login_failed"]


def test_current_password_attempts_are_limited(alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "2/5m"
    client = logged_in_client(alice)

    codes = [change(client, old="wrong").status_code for _ in range(3)]

    assert codes[2] == 429
    assert User.objects.get().check_password(PASSWORD)


def test_reset_link_is_not_sent_to_a_service_account(db):
    account = UserFactory(handle="robot", kind=User.Kind.SERVICE, password="!")

    request_reset(account.email)

    assert OutgoingEmail.objects.filter(kind="password_reset").count() == 0
