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

from accounts import selectors, services
from accounts.models import ApiKey, Session, User
from accounts.services.identities import Identity
from accounts.tests.factories import PASSWORD, SessionFactory, with_address
from accounts.tests.fixtures import confirmed
from accounts.tests.keys import by_key, minted
from accounts.tests.second_factors import code_at, with_passkey
from accounts.tests.views.test_passwords import NEW, form_of, link, mails
from accounts.tests.views.test_second_factor import APP, CODES
from core.testing.clock import NOW
from core.testing.pages import browser_of, words
from core.testing.state import fingerprint
from events.models import Event
from notifications.handlers import identity_linked
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.usefixtures("clock")
DAYS = timedelta(days=7)


def add_app(person, client=None):
    """Set an app up, as whoever knows the password can."""
    client = client or confirmed(person)
    secret = re.search(r"\b[A-Z2-7]{32}\b", words(client.get(APP)))[0]
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert client.post(APP, {"code": code_at(timezone.now(), secret=secret)}).status_code == 302
    return client


def undo_links():
    bodies = [mail.body for mail in mails("security_changed")]
    return [re.search(r"/undo/\?token=\S+", body)[0] for body in bodies if "/undo/" in body]


def token_of(address):
    return address.partition("?token=")[2].replace("%3A", ":")


def post(address, client=None):
    return (client or Client()).post(address.partition("?")[0], {"token": token_of(address)})


def identity_of(subject, provider="example"):
    return Identity(provider=provider, subject=subject, email="x@example.com", is_verified=True, name="X")


@pytest.fixture
def intruded(alice):
    """An intruder who knows the password has added an app, and after it all else that opens the account."""
    with_address(alice)
    browser = add_app(alice)
    services.link_identity(actor=alice, identity=identity_of("intruder"))
    with_passkey(alice)
    EmailAddress.objects.create(user=alice, email="intruder@example.com")
    SessionFactory(user=alice)
    return browser, minted(alice).text


def ways_in(person):
    return {
        "factors": Authenticator.objects.filter(user=person).count(),
        "identities": SocialAccount.objects.filter(user=person).count(),
        "sessions": Session.objects.open(timezone.now()).filter(user=person).count(),
        "keys": ApiKey.objects.open(timezone.now()).filter(owner=person).count(),
        "proposals": EmailAddress.objects.filter(user=person).exclude(email=person.email).count(),
    }


NOTHING = {"factors": 0, "identities": 0, "sessions": 0, "keys": 0, "proposals": 0}


@pytest.mark.parametrize("whose", [None, "alice", "bob"])
def test_the_link_takes_away_all_that_an_intruder_added(whose, alice, bob, request, intruded, outbox):
    browser = browser_of(request.getfixturevalue(whose)) if whose else Client()
    _, stolen = intruded

    answer = post(undo_links()[0], browser)

    alice.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert ways_in(alice) == NOTHING
    assert not alice.has_usable_password()
    assert by_key(stolen).get("/api/v1/me/").status_code == 401
    assert {"identity.unlinked", "key.revoked", "session.revoked"} <= set(outbox.names())
    assert outbox.payloads("user.security_changed")[-1]["what"] == "way_in_undone"
    after = browser.get("/")
    assert after.status_code == (200 if whose == "bob" else 302)
    told = after if whose == "bob" else browser.get("/login/")
    assert "choose a new password is on its way" in words(told)


def test_the_owner_comes_in_again_by_the_link_that_is_mailed_at_once_and_the_intruder_does_not(alice, intruded):
    browser, _ = intruded
    post(undo_links()[0])
    path, sent = form_of(link())

    chosen = Client().post(path, sent | {"password1": NEW})

    owner, other = Client(), Client()
    owner.post("/login/", {"email": alice.email, "password": NEW})
    other.post("/login/", {"email": alice.email, "password": PASSWORD})
    assert chosen["Location"] == "/login/"
    assert [one.get("/").status_code for one in (owner, other, browser)] == [200, 302, 302]


def test_opening_the_link_says_what_it_would_do_and_does_nothing(alice, intruded):
    before = fingerprint()

    page = Client().get(undo_links()[0])

    assert page.status_code == 200
    shown = words(page)
    assert all(name in shown for name in ("Authenticator app", "Passkey “Key”", "Recovery codes", "example"))
    assert "no-store" in page["Cache-Control"]
    assert fingerprint() == before


def test_what_was_there_before_stays(alice, clock):
    client = confirmed(with_address(alice))
    with_passkey(alice)
    services.link_identity(actor=alice, identity=identity_of("own"))
    clock.shift(timedelta(minutes=1))
    with TestCase.captureOnCommitCallbacks(execute=True):
        client.post(CODES + "new/")

    post(undo_links()[-1])

    assert list(Authenticator.objects.values_list("type", flat=True)) == ["webauthn"]
    assert SocialAccount.objects.get().uid == "own"


@pytest.mark.parametrize("what", ["totp_activated", "webauthn_added", "recovery_codes_generated"])
def test_the_mail_about_each_way_in_says_what_helps(what, alice, intruded):
    OutgoingEmail.objects.all().delete()

    services.tell_security_changed(person=alice, what=what, now=NOW)

    [mail] = mails("security_changed")
    assert "/undo/?token=" in mail.body
    assert "new password alone would leave it in place" in mail.body
    assert "/password/reset/" not in mail.body


def test_the_mail_about_an_identity_carries_the_link_too(alice):
    services.link_identity(actor=alice, identity=identity_of("intruder"))
    identity_linked(Event.objects.get(name="identity.linked"))
    [address] = undo_links()

    post(address)

    assert SocialAccount.objects.count() == 0
    assert not User.objects.get().has_usable_password()


def test_each_of_two_mails_about_identities_undoes_the_one_it_tells_of(alice):
    """Also when both were linked before the first fact was delivered."""
    for provider in ("example", "other"):
        services.link_identity(actor=alice, identity=identity_of("intruder", provider))
    for event in Event.objects.filter(name="identity.linked").order_by("pk"):
        identity_linked(event)
    first, second = undo_links()

    shown = [words(Client().get(address)).count("Sign-in with") for address in (first, second)]
    post(first)

    assert shown == [2, 1]
    assert SocialAccount.objects.count() == 0


def test_a_mail_about_an_identity_that_is_gone_already_undoes_no_other(alice):
    for provider in ("example", "other"):
        services.link_identity(actor=alice, identity=identity_of("own", provider))
    SocialAccount.objects.get(provider="example").delete()

    identity_linked(Event.objects.get(name="identity.linked", payload__provider="example"))

    [mail] = mails("security_changed")
    assert "/undo/" not in mail.body
    assert "/password/reset/" in mail.body


def test_a_fact_that_does_not_say_which_identity_is_told_without_a_link_to_undo(alice):
    services.link_identity(actor=alice, identity=identity_of("own"))
    event = Event.objects.get(name="identity.linked")
    del event.payload["identity_id"]

    identity_linked(event)

    assert "/undo/" not in mails("security_changed")[0].body


@pytest.mark.parametrize("behind", [timedelta(seconds=1), timedelta(minutes=10)])
def test_what_was_added_after_it_goes_by_whatever_clock_it_was_added(behind, alice, clock):
    """Of one kind however wrong the clock of a node is: the tables say what came first."""
    with_passkey(with_address(alice))
    factor = selectors.undo_of(alice, "webauthn_added")
    services.link_identity(actor=alice, identity=identity_of("intruder"))
    identity = SocialAccount.objects.get()
    theirs = selectors.undo_of_identity(alice, identity.pk)
    clock.shift(-behind)
    with_passkey(alice)
    services.link_identity(actor=alice, identity=identity_of("intruder", "other"))

    found = [selectors.way_in_added(token_of(address), NOW) for address in (factor, theirs)]

    near = behind < timedelta(seconds=5)
    assert [(len(one.factors), len(one.identities)) for one in found] == [(2, 2 if near else 1), (2 if near else 1, 2)]


@pytest.mark.parametrize(("before", "taken"), [(timedelta(seconds=5), 1), (timedelta(seconds=6), 0)])
def test_what_was_there_a_while_before_stays_of_the_other_kind_too(before, taken, alice, clock):
    with_passkey(with_address(alice))
    services.link_identity(actor=alice, identity=identity_of("own"))
    clock.shift(before)
    with_passkey(alice)

    found = selectors.way_in_added(token_of(selectors.undo_of(alice, "webauthn_added")), timezone.now())

    assert (len(found.factors), len(found.identities)) == (1, taken)


@pytest.mark.parametrize(
    ("what", "advice"),
    [("password_changed", "choose a new password at once"), ("email_changed", "write to an administrator")],
)
def test_mails_about_what_was_changed_name_no_such_link(what, advice, alice):
    services.tell_security_changed(person=alice, what=what, now=NOW)

    [mail] = mails("security_changed")
    assert advice in mail.body
    assert "/undo/" not in mail.body


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
        number = re.search(r"factor\.(\d+)", address)[1]
        return address.replace(f"factor.{number}", f"factor.{int(number) + 1}")
    elif how == "nonsense":
        return "/undo/?token=factor.٣:x"
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
    before = fingerprint()

    opened, sent = Client().get(address), post(address)

    assert (opened.status_code, sent.status_code) == (404, 404)
    assert "Nothing was changed" in words(opened)
    assert fingerprint() == before


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
    before = fingerprint()
    path, _, token = undo_links()[0].partition("?token=")

    answer = Client(enforce_csrf_checks=True).post(path, {"token": token.replace("%3A", ":")})

    assert answer.status_code == 403
    assert fingerprint() == before


def test_the_first_second_factor_signs_out_everywhere_else(alice):
    elsewhere = browser_of(alice)
    program = SessionFactory(user=alice)

    here = add_app(alice)

    assert "signed out everywhere else" in words(here.get("/settings/security/"))
    assert [one.get("/").status_code for one in (here, elsewhere)] == [200, 302]
    assert Session.objects.get(pk=program.pk).revoked_at is not None


def test_a_second_one_signs_nobody_out(alice):
    elsewhere, client = browser_of(alice), confirmed(alice)
    with_passkey(alice)

    here = add_app(alice, client)

    assert [one.get("/").status_code for one in (here, elsewhere)] == [200, 200]


def test_a_wrong_code_signs_nobody_out(alice):
    elsewhere, client = browser_of(alice), confirmed(alice)
    client.get(APP)

    client.post(APP, {"code": "000000"})

    assert elsewhere.get("/").status_code == 200
    assert Authenticator.objects.count() == 0
