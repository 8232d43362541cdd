"""Lost passwords, changed passwords, and the mails about both."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.models import Session, User
from accounts.tests.factories import PASSWORD, SessionFactory, UserFactory, with_email_address
from accounts.tests.mfa import with_totp
from core.testing.page_client import logged_in_client, visible_text
from notifications.email.rendering import compose
from notifications.models import OutgoingEmail

ASK, NEW = "/password/reset/", "a wider river turns"


def mails(kind):
    return [compose(email) for email in OutgoingEmail.objects.filter(kind=kind).order_by("pk")]


def ask(email="alice@example.com"):
    return Client().post(ASK, {"email": email})


def link(kind="password_reset"):
    return re.search(r"http\S+\?key=\S+", mails(kind)[-1].body)[0].removeprefix("http://127.0.0.1:8000")


def form_of(url):
    path, _, key = url.partition("?key=")
    return path, {"key": unquote(key)}


def test_a_link_is_mailed_that_leads_to_a_new_password(alice):
    ask()
    path, sent = form_of(link())

    page = Client().get(link())
    answer = Client().post(path, sent | {"password": NEW})

    assert page.status_code == 200
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert User.objects.get().check_password(NEW)


def test_a_known_and_an_unknown_address_are_told_the_same(alice):
    known, unknown = ask(), ask("nobody@example.com")

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [one.to for one in mails("no_account")] == [["nobody@example.com"]]
    assert OutgoingEmail.objects.count() == 2


def test_the_link_names_this_site_whatever_the_request_named(alice, settings):
    settings.ALLOWED_HOSTS = ["*"]

    Client(headers={"Host": "evil.example"}).post(ASK, {"email": "alice@example.com"})

    assert "evil.example" not in mails("password_reset")[0].body


def test_the_link_works_once(alice):
    ask()
    path, sent = form_of(link())
    Client().post(path, sent | {"password": NEW})

    answer = Client().post(path, sent | {"password": "the third river bends"})

    assert answer.status_code == 404
    assert User.objects.get().check_password(NEW)


def test_a_sign_in_ends_the_link(alice):
    ask()
    path, sent = form_of(link())
    Client().post("/login/", {"email": "alice@example.com", "password": PASSWORD})

    assert Client().post(path, sent | {"password": NEW}).status_code == 404
    assert User.objects.get().check_password(PASSWORD)


def test_the_link_of_one_opens_nobody_else(alice, bob):
    ask()
    path, sent = form_of(link())
    forged = {"key": f"{bob.pk.hex}-{sent['key'].partition('-')[2]}"}

    answer = Client().post(path, forged | {"password": NEW})

    assert answer.status_code == 404
    assert User.objects.get(pk=bob.pk).check_password(PASSWORD)


@pytest.mark.parametrize("key", ["", "x", "-", "0-0", "\x00", "a" * 5000])
def test_an_odd_key_opens_nothing(key, alice):
    assert Client().post("/password/reset/new/", {"key": key, "password": NEW}).status_code == 404


def test_a_new_password_signs_out_everywhere(alice, outbox):
    SessionFactory(user=alice)
    browser = logged_in_client(alice)
    browser.get("/")
    ask()
    path, sent = form_of(link())

    Client().post(path, sent | {"password": NEW})

    assert Session.objects.filter(revoked_at=None).count() == 0
    assert browser.get("/").status_code == 302


def test_a_new_password_is_no_way_around_the_second_factor(alice):
    with_totp(with_email_address(alice))
    ask()
    path, sent = form_of(link())
    client = Client()
    client.post(path, sent | {"password": NEW})

    answer = client.post("/login/", {"email": "alice@example.com", "password": NEW})

    assert answer["Location"] == "/login/mfa/"
    assert client.get("/").status_code == 302


def test_a_weak_password_is_refused_and_the_link_stays_good(alice):
    ask()
    path, sent = form_of(link())

    answer = Client().post(path, sent | {"password": "password"})

    assert answer.status_code == 422
    assert User.objects.get().check_password(PASSWORD)
    assert Client().get(link()).status_code == 200


def test_somebody_who_was_switched_off_gets_no_link(alice):
    User.objects.update(is_active=False)

    ask()

    assert mails("password_reset") == []


def test_a_mailbox_is_not_flooded(alice, settings):
    settings.EMAIL_LINK_RATE = "2/h"

    codes = [ask().status_code for _ in range(3)]

    assert codes == [302, 302, 429]
    assert len(mails("password_reset")) == 2


def test_the_secret_of_the_link_is_neither_in_a_row_nor_in_a_session(alice, caplog):
    ask()
    key = form_of(link())[1]["key"]
    client = Client()
    client.get(link())

    rows = str(list(OutgoingEmail.objects.values())) + str(dict(client.session)) + caplog.text
    assert key not in rows
    assert key.partition("-")[2] not in rows


def change(client, old=PASSWORD, new=NEW):
    return client.post("/settings/security/password/", {"current_password": old, "password": new})


def test_changing_ones_password_keeps_this_browser_and_ends_all_others(alice, outbox):
    SessionFactory(user=alice)
    here, elsewhere = logged_in_client(alice), logged_in_client(alice)
    here.get("/"), elsewhere.get("/")

    answer = change(here)

    assert (answer.status_code, answer["Location"]) == (302, "/settings/security/")
    assert User.objects.get().check_password(NEW)
    assert (here.get("/").status_code, elsewhere.get("/").status_code) == (200, 302)
    assert Session.objects.filter(revoked_at=None).count() == 1
    assert mails("security_changed")[0].subject == "The password of your TaskFlow account was changed."


def test_the_present_password_is_asked_for(alice, outbox):
    answer = change(logged_in_client(alice), old="wrong")

    assert "Wrong password." in visible_text(answer)
    assert User.objects.get().check_password(PASSWORD)
    assert outbox.names() == ["user.login_failed"]


def test_it_is_not_to_be_guessed_at_an_open_browser(alice, settings):
    settings.LOGIN_RATE_PER_ACCOUNT = "2/5m"
    client = logged_in_client(alice)

    codes = [change(client, old="wrong").status_code for _ in range(3)]

    assert codes[2] == 429
    assert User.objects.get().check_password(PASSWORD)


def test_a_service_account_is_given_no_password(db):
    robot = UserFactory(handle="robot", kind=User.Kind.SERVICE, password="!")

    ask(robot.email)

    assert OutgoingEmail.objects.filter(kind="password_reset").count() == 0
