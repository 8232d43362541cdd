"""“This was not me”: what the link in the mail about a new way in takes away, for whom, and for how long."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client, TestCase
from django.utils import timezone

from accounts.auth import security_notifications
from accounts.auth.login_methods import selectors as login_methods_selectors
from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.services import Identity
from accounts.auth.tests.test_mfa_pages import APP, CODES
from accounts.auth.tests.test_password_pages import NEW, link, parse_link, sent_emails
from accounts.models import ApiKey, Session, User
from accounts.tests.api_keys import api_key_client, create_api_key
from accounts.tests.factories import PASSWORD, SessionFactory, with_email_address
from accounts.tests.fixtures import reauthenticated_browser
from accounts.tests.mfa import totp_form, with_passkey
from core.testing.clock import NOW
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from events.models import Event
from notifications.handlers import identity_linked
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.usefixtures("clock")
DAYS = timedelta(days=7)


def add_app(user, client=None):
    """Set an app up, as whoever knows the password can."""
    client = client or reauthenticated_browser(user)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert client.post(APP, totp_form(client.get(APP), timezone.now())).status_code == 302
    return client


def undo_links():
    bodies = [mail.body for mail in sent_emails("security_changed")]
    return [
        re.search(r"/revert-login-method/\?token=\S+", body)[0] for body in bodies if "/revert-login-method/" in body
    ]


def token_of(address):
    return address.partition("?token=")[2].replace("%3A", ":")


def post(address, client=None):
    return (client or Client()).post(address.partition("?")[0], {"token": token_of(address)})


def identity_of(subject, provider="example"):
    return Identity(provider=provider, subject=subject, email="x@example.com", is_verified=True, name="X")


@pytest.fixture
def intruded(alice):
    """An intruder who knows the password has added an app, and after it all else that opens the account."""
    with_email_address(alice)
    browser = add_app(alice)
    oidc.link_identity(actor=alice, identity=identity_of("intruder"))
    with_passkey(alice)
    EmailAddress.objects.create(user=alice, email="intruder@example.com")
    SessionFactory(user=alice)
    return browser, create_api_key(alice).text


def ways_in(user):
    return {
        "mfa_methods": Authenticator.objects.filter(user=user).count(),
        "identities": SocialAccount.objects.filter(user=user).count(),
        "sessions": Session.objects.open(timezone.now()).filter(user=user).count(),
        "keys": ApiKey.objects.open(timezone.now()).filter(owner=user).count(),
        "proposals": EmailAddress.objects.filter(user=user).exclude(email=user.email).count(),
    }


NOTHING = {"mfa_methods": 0, "identities": 0, "sessions": 0, "keys": 0, "proposals": 0}


@pytest.mark.parametrize("whose", [None, "alice", "bob"])
def test_the_link_takes_away_all_that_an_intruder_added(whose, alice, bob, request, intruded, outbox):
    browser = logged_in_client(request.getfixturevalue(whose)) if whose else Client()
    _, stolen = intruded

    response = post(undo_links()[0], browser)

    alice.refresh_from_db()
    assert (response.status_code, response["Location"]) == (302, "/login/")
    assert ways_in(alice) == NOTHING
    assert not alice.has_usable_password()
    assert api_key_client(stolen).get("/api/v1/me/").status_code == 401
    assert {"identity.unlinked", "api_key.revoked", "session.revoked"} <= set(outbox.names())
    assert outbox.payloads("user.security_changed")[-1]["change"] == "login_method_reverted"
    after = browser.get("/")
    assert after.status_code == (200 if whose == "bob" else 302)
    told = after if whose == "bob" else browser.get("/login/")
    assert "We sent you a link to choose a new password" in visible_text(told)


def test_the_owner_comes_in_again_by_the_link_that_is_mailed_at_once_and_the_intruder_does_not(alice, intruded):
    browser, _ = intruded
    post(undo_links()[0])
    path, data = parse_link(link())

    chosen = Client().post(path, data | {"password": NEW})

    owner, other = Client(), Client()
    owner.post("/login/", {"email": alice.email, "password": NEW})
    other.post("/login/", {"email": alice.email, "password": PASSWORD})
    assert chosen["Location"] == "/login/"
    assert [one.get("/").status_code for one in (owner, other, browser)] == [200, 302, 302]


def test_opening_the_link_says_what_it_would_do_and_does_nothing(alice, intruded):
    before = table_digests()

    page = Client().get(undo_links()[0])

    assert page.status_code == 200
    shown = visible_text(page)
    assert all(name in shown for name in ("Authenticator app", "Passkey “Key”", "Recovery codes", "example"))
    assert "no-store" in page["Cache-Control"]
    assert table_digests() == before


def test_what_was_there_before_stays(alice, clock):
    client = reauthenticated_browser(with_email_address(alice))
    with_passkey(alice)
    oidc.link_identity(actor=alice, identity=identity_of("own"))
    clock.shift(timedelta(minutes=1))
    with TestCase.captureOnCommitCallbacks(execute=True):
        client.post(CODES + "new/")

    post(undo_links()[-1])

    assert list(Authenticator.objects.values_list("type", flat=True)) == ["webauthn"]
    assert SocialAccount.objects.get().uid == "own"


@pytest.mark.parametrize("change", ["totp_activated", "webauthn_added", "recovery_codes_generated"])
def test_the_mail_about_each_way_in_says_what_helps(change, alice, intruded):
    OutgoingEmail.objects.all().delete()

    security_notifications.notify_security_change(user=alice, change=change, now=NOW)

    [mail] = sent_emails("security_changed")
    assert "/revert-login-method/?token=" in mail.body
    assert "password alone wouldn't undo it" in mail.body
    assert "/password/reset/" not in mail.body


def test_the_mail_about_an_identity_carries_the_link_too(alice):
    oidc.link_identity(actor=alice, identity=identity_of("intruder"))
    identity_linked(Event.objects.get(name="identity.linked"))
    [address] = undo_links()

    post(address)

    assert SocialAccount.objects.count() == 0
    assert not User.objects.get().has_usable_password()


def test_each_of_two_mails_about_identities_undoes_the_one_it_tells_of(alice):
    """Also when both were linked before the first fact was delivered."""
    for provider in ("example", "other"):
        oidc.link_identity(actor=alice, identity=identity_of("intruder", provider))
    for event in Event.objects.filter(name="identity.linked").order_by("pk"):
        identity_linked(event)
    first, second = undo_links()

    shown = [visible_text(Client().get(address)).count("Sign-in with") for address in (first, second)]
    post(first)

    assert shown == [2, 1]
    assert SocialAccount.objects.count() == 0


def test_a_mail_about_an_identity_that_is_gone_already_undoes_no_other(alice):
    for provider in ("example", "other"):
        oidc.link_identity(actor=alice, identity=identity_of("own", provider))
    SocialAccount.objects.get(provider="example").delete()

    identity_linked(Event.objects.get(name="identity.linked", payload__provider="example"))

    [mail] = sent_emails("security_changed")
    assert "/revert-login-method/" not in mail.body
    assert "/password/reset/" in mail.body


def test_a_fact_that_does_not_say_which_identity_is_told_without_a_link_to_undo(alice):
    oidc.link_identity(actor=alice, identity=identity_of("own"))
    event = Event.objects.get(name="identity.linked")
    del event.payload["identity_id"]

    identity_linked(event)

    assert "/revert-login-method/" not in sent_emails("security_changed")[0].body


@pytest.mark.parametrize("behind", [timedelta(seconds=1), timedelta(minutes=10)])
def test_what_was_added_after_it_goes_by_whatever_clock_it_was_added(behind, alice, clock):
    """Of one kind however wrong the clock of a node is: the tables say what came first."""
    with_passkey(with_email_address(alice))
    factor = login_methods_selectors.revert_link_for_mfa_method(alice, "webauthn_added")
    oidc.link_identity(actor=alice, identity=identity_of("intruder"))
    identity = SocialAccount.objects.get()
    theirs = login_methods_selectors.revert_link_for_identity(alice, identity.pk)
    clock.shift(-behind)
    with_passkey(alice)
    oidc.link_identity(actor=alice, identity=identity_of("intruder", "other"))

    found = [login_methods_selectors.get_login_methods_added(token_of(address), NOW) for address in (factor, theirs)]

    near = behind < timedelta(seconds=5)
    assert [(len(one.mfa_methods), len(one.identities)) for one in found] == [
        (2, 2 if near else 1),
        (2 if near else 1, 2),
    ]


@pytest.mark.parametrize(("before", "taken"), [(timedelta(seconds=5), 1), (timedelta(seconds=6), 0)])
def test_what_was_there_a_while_before_stays_of_the_other_kind_too(before, taken, alice, clock):
    with_passkey(with_email_address(alice))
    oidc.link_identity(actor=alice, identity=identity_of("own"))
    clock.shift(before)
    with_passkey(alice)

    found = login_methods_selectors.get_login_methods_added(
        token_of(login_methods_selectors.revert_link_for_mfa_method(alice, "webauthn_added")), timezone.now()
    )

    assert (len(found.mfa_methods), len(found.identities)) == (1, taken)


@pytest.mark.parametrize(
    ("change", "advice"),
    [("password_changed", "reset your password now"), ("email_changed", "contact an administrator")],
)
def test_mails_about_what_was_changed_name_no_such_link(change, advice, alice):
    security_notifications.notify_security_change(user=alice, change=change, now=NOW)

    [mail] = sent_emails("security_changed")
    assert advice in mail.body
    assert "/revert-login-method/" not in mail.body


def turned(address, alice, how):
    """The link, after something has made it worthless."""
    if how == "used":
        post(address)
    elif how == "deactivated":
        User.objects.update(is_active=False)
    elif how == "another address":
        User.objects.update(email="new@example.com")
    elif how == "gone":
        Authenticator.objects.all().delete()
    elif how == "another person's":
        Authenticator.objects.update(user=User.objects.create(email="b@example.com", handle="b", name="B"))
    elif how == "forged":
        return address[:-3] + "abc"
    elif how == "another factor":
        number = re.search(r"mfa\.(\d+)", address)[1]
        return address.replace(f"mfa.{number}", f"mfa.{int(number) + 1}")
    elif how == "nonsense":
        return "/revert-login-method/?token=mfa.٣:x"
    return address


WORTHLESS = [
    "used",
    "deactivated",
    "another address",
    "gone",
    "another person's",
    "forged",
    "another factor",
    "nonsense",
]


@pytest.mark.parametrize("how", WORTHLESS)
def test_a_link_that_is_worth_nothing_says_so_and_changes_nothing(how, alice, intruded):
    address = turned(undo_links()[0], alice, how)
    before = table_digests()

    opened, data = Client().get(address), post(address)

    assert (opened.status_code, data.status_code) == (404, 404)
    assert "Nothing was changed" in visible_text(opened)
    assert table_digests() == before


@pytest.mark.parametrize(("late", "status"), [(timedelta(0), 302), (timedelta(seconds=1), 404)])
def test_it_is_good_for_seven_days(late, status, alice, intruded, clock):
    address = undo_links()[0]
    clock.move_to(Authenticator.objects.order_by("pk")[0].created_at + DAYS + late)

    assert post(address).status_code == status

    assert User.objects.get().has_usable_password() is (status == 404)
    assert Authenticator.objects.exists() is (status == 404)


def test_the_secret_of_the_link_is_in_no_row_and_in_no_log(alice, intruded, caplog):
    token = undo_links()[0].partition("token=")[2]
    Client().get(undo_links()[0])

    rows = str(list(OutgoingEmail.objects.values())) + caplog.text
    assert token not in rows
    assert token.rpartition("%3A")[2] not in rows


def test_it_is_done_by_a_form_of_ours_alone(alice, intruded):
    before = table_digests()
    path, _, token = undo_links()[0].partition("?token=")

    response = Client(enforce_csrf_checks=True).post(path, {"token": token.replace("%3A", ":")})

    assert response.status_code == 403
    assert table_digests() == before


def test_the_first_second_factor_signs_out_everywhere_else(alice):
    elsewhere = logged_in_client(alice)
    program = SessionFactory(user=alice)

    here = add_app(alice)

    assert "signed out on all other devices" in visible_text(here.get("/settings/security/"))
    assert [one.get("/").status_code for one in (here, elsewhere)] == [200, 302]
    assert Session.objects.get(pk=program.pk).revoked_at is not None


def test_a_second_one_signs_nobody_out(alice):
    elsewhere, client = logged_in_client(alice), reauthenticated_browser(alice)
    with_passkey(alice)

    here = add_app(alice, client)

    assert [one.get("/").status_code for one in (here, elsewhere)] == [200, 200]


def test_a_wrong_code_signs_nobody_out(alice):
    elsewhere, client = logged_in_client(alice), reauthenticated_browser(alice)
    client.get(APP)

    client.post(APP, {"code": "000000"})

    assert elsewhere.get("/").status_code == 200
    assert Authenticator.objects.count() == 0
