"""Which account an identity opens: by its subject, by an address both sides have verified, never by a claim alone."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.services import Identity
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory, with_email_address
from core.testing.concurrency import errors_of_type, run_concurrently
from core.testing.page_client import log_in, visible_text
from events.models import Event
from notifications.models import OutgoingEmail
from tests.oidc.conftest import Browser, link_account

ACCOUNTS_PATH = "/settings/security/identities/"


def link_identity(**other) -> Identity:
    known = {"provider": "example", "subject": "1", "email": "ada@example.com", "is_verified": True, "name": "Ada"}
    return Identity(**known | other)


def signed_in(user: User) -> Browser:
    """A browser whose person has just shown once more who they are."""
    browser = Browser()
    browser.post("/login/", {"email": user.email, "password": PASSWORD})
    browser.post("/reauthenticate/", {"password": PASSWORD, "next": ACCOUNTS_PATH})
    return browser


def unlink(user: User, one: SocialAccount) -> None:
    oidc.unlink_identity(actor=user, identity_id=one.pk, now=timezone.now())


def account_owners() -> list[tuple[str, str]]:
    return list(SocialAccount.objects.order_by("pk").values_list("user__handle", "uid"))


@pytest.mark.django_db
class TestEmailLinking:
    def test_joins_the_account_with_the_same_verified_address(self, ada, idp, oidc_browser):
        oidc_browser.sign_in(idp)

        assert oidc_browser.user == str(ada.pk)
        assert account_owners() == [("ada", "248289761001")]
        assert ada.check_password(PASSWORD)
        assert User.objects.count() == 1

    def test_writes_an_address_as_we_do(self, ada, idp, oidc_browser):
        idp.script(user={"email": " ADA@Example.COM "})

        oidc_browser.sign_in(idp)

        assert oidc_browser.user == str(ada.pk)

    @pytest.mark.parametrize("row", ["unverified", "none", "of another address"])
    def test_shares_no_account_with_whoever_registered_the_address_before_its_owner(
        self, row, idp, oidc_browser, database_state
    ):
        """Account pre-hijacking: mallory registers ada's address, keeps the password, and waits for ada."""
        hijacked = UserFactory(handle="mallory", email="ada@example.com")
        if row == "unverified":
            with_email_address(hijacked, verified=False)
        if row == "of another address":
            EmailAddress.objects.create(user=hijacked, email="mallory@example.com", verified=True, primary=True)
        before = database_state.state()

        answer = oidc_browser.sign_in(idp)

        assert (answer.status_code, answer.context["code"]) == (403, "address_not_verified_here")
        assert oidc_browser.user is None
        assert database_state.state() == before

    def test_joins_no_address_the_provider_has_not_verified(self, ada, idp, oidc_browser, database_state):
        idp.script(user={"email_verified": False})
        before = database_state.state()

        answer = oidc_browser.sign_in(idp)

        assert (answer.status_code, answer.context["code"]) == (403, "email_not_verified_by_provider")
        assert oidc_browser.user is None
        assert database_state.state() == before

    def test_does_not_give_an_account_to_who_was_given_its_address_later(self, ada, idp, oidc_browser, database_state):
        link_account(ada, "the-ada-of-last-year")
        before = database_state.state()

        answer = oidc_browser.sign_in(idp)

        assert (answer.status_code, answer.context["code"]) == (409, "another_identity")
        assert oidc_browser.user is None
        assert database_state.state() == before

    def test_signs_in_no_account_of_a_program(self, idp, oidc_browser, database_state):
        program = UserFactory(
            handle="robot", email="ada@example.com", kind=User.Kind.SERVICE, password=make_password(None)
        )
        with_email_address(program, verified=True)
        before = database_state.state()

        answer = oidc_browser.sign_in(idp)

        assert (answer.status_code, answer.context["code"]) == (401, "account_inactive")
        assert database_state.state() == before

    def test_an_address_that_looks_the_same_is_another_one(self, ada, idp, oidc_browser):
        idp.script(user={"email": "аda@example.com"})  # a Cyrillic letter

        answer = oidc_browser.sign_in(idp)

        assert answer.status_code == 403
        assert oidc_browser.user is None
        assert account_owners() == []


@pytest.mark.django_db
class TestManualLinking:
    def test_links_an_identity_with_another_address(self, idp):
        bob = with_email_address(UserFactory(handle="bob"), verified=True)
        browser = signed_in(bob)

        answer = browser.sign_in(idp, process="connect")

        assert (answer.status_code, answer["Location"]) == (302, ACCOUNTS_PATH)
        assert account_owners() == [("bob", "248289761001")]
        assert "Example ID" in visible_text(browser.get(ACCOUNTS_PATH))
        assert Event.objects.filter(name="identity.linked", actor_id=bob.pk).count() == 1
        other = Browser()
        other.sign_in(idp)
        assert other.user == str(bob.pk)

    def test_asks_who_it_is_once_more(self, ada, idp):
        browser = Browser()
        browser.post("/login/", {"email": ada.email, "password": PASSWORD})

        answer = browser.start_login(process="connect")

        assert answer["Location"].startswith("/reauthenticate/?next=")
        assert idp.seen("authorize") == []

    def test_a_stranger_is_asked_to_sign_in(self, idp, oidc_browser):
        assert oidc_browser.start_login(process="connect")["Location"].startswith("/login/?next=")
        assert oidc_browser.get(ACCOUNTS_PATH)["Location"].startswith("/login/?next=")
        assert oidc_browser.post(f"{ACCOUNTS_PATH}1/unlink/")["Location"].startswith("/login/?next=")

    def test_takes_no_identity_from_another_account(self, ada, idp, database_state):
        link_account(ada)
        browser = signed_in(with_email_address(UserFactory(handle="bob"), verified=True))
        before = database_state.state()

        answer = browser.sign_in(idp, process="connect")

        assert answer["Location"] == ACCOUNTS_PATH
        assert "belongs to another account" in visible_text(browser.get(ACCOUNTS_PATH))
        assert database_state.state() == before

    def test_links_none_with_an_unverified_address(self, ada, idp, database_state):
        browser = signed_in(ada)
        idp.script(user={"email_verified": False})
        before = database_state.state()

        browser.sign_in(idp, process="connect")

        assert "has not verified your e-mail address" in visible_text(browser.get(ACCOUNTS_PATH))
        assert database_state.state() == before

    def test_links_nothing_to_whoever_signed_in_meanwhile(self, ada, idp):
        browser = signed_in(ada)
        address = browser.authorize(idp, browser.start_login(process="connect"))
        bob = UserFactory(handle="bob")
        store = dict(browser.session)["_oidc_states"]
        log_in(browser, bob)
        session = browser.session
        session["_oidc_states"] = store
        session.save()

        answer = browser.return_to_callback(address)

        assert answer["Location"] == ACCOUNTS_PATH
        assert account_owners() == []
        assert idp.seen("token") == []

    def test_links_the_same_identity_once(self, ada, idp):
        link_account(ada)

        signed_in(ada).sign_in(idp, process="connect")

        assert account_owners() == [("ada", "248289761001")]


@pytest.mark.django_db
class TestUnlinking:
    def test_takes_an_identity_away(self, ada, idp):
        mine = link_account(ada)
        browser = signed_in(ada)

        answer = browser.post(f"{ACCOUNTS_PATH}{mine.pk}/unlink/")

        assert answer["Location"] == ACCOUNTS_PATH
        assert account_owners() == []
        assert Event.objects.filter(name="identity.unlinked").count() == 1

    def test_leaves_alone_what_is_not_ones_own(self, ada, idp):
        theirs = link_account(UserFactory(handle="bob"))

        answer = signed_in(ada).post(f"{ACCOUNTS_PATH}{theirs.pk}/unlink/")

        assert answer.status_code == 404
        assert account_owners() == [("bob", "248289761001")]

    def test_leaves_the_last_way_in(self, idp, oidc_browser):
        oidc_browser.sign_in(idp)
        mine = SocialAccount.objects.get()

        oidc_browser.post(f"{ACCOUNTS_PATH}{mine.pk}/unlink/")

        assert "Set a password first" in visible_text(oidc_browser.get(ACCOUNTS_PATH))
        assert account_owners() == [("ada", "248289761001")]

    def test_asks_who_it_is_once_more(self, ada, idp):
        mine = link_account(ada)
        browser = Browser()
        browser.post("/login/", {"email": ada.email, "password": PASSWORD})

        answer = browser.post(f"{ACCOUNTS_PATH}{mine.pk}/unlink/")

        assert answer["Location"].startswith("/reauthenticate/")
        assert account_owners() == [("ada", "248289761001")]

    def test_begins_by_post_only(self, ada, idp):
        mine = link_account(ada)

        assert signed_in(ada).get(f"{ACCOUNTS_PATH}{mine.pk}/unlink/").status_code == 405


@pytest.mark.django_db
class TestNotifications:
    def test_a_person_hears_of_a_link_by_mail(self, ada, outbox):
        with outbox.delivering():
            oidc.login_with_identity(identity=link_identity())

        assert [(mail.to, mail.kind) for mail in OutgoingEmail.objects.all()] == [
            ("ada@example.com", "security_changed")
        ]

    def test_a_person_hears_of_a_link_that_was_taken_away(self, ada, outbox):
        with outbox.delivering():
            unlink(ada, link_account(ada))

        assert OutgoingEmail.objects.get().kind == "security_changed"

    def test_who_registers_with_a_provider_is_not_told_of_it(self, outbox):
        with outbox.delivering():
            oidc.login_with_identity(identity=link_identity())

        assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_first_sign_ins_make_one_person(self):
        people = run_concurrently([lambda: oidc.login_with_identity(identity=link_identity()).user_id] * 6)

        assert len(set(people)) == 1
        assert User.objects.count() == EmailAddress.objects.count() == SocialAccount.objects.count() == 1

    def test_two_subjects_with_one_address_do_not_get_one_account(self, ada):
        found = run_concurrently(
            [lambda one=one: oidc.login_with_identity(identity=link_identity(subject=one)) for one in "12"]
        )

        assert [error.code for error in errors_of_type(found)] == ["another_identity"]
        assert len(account_owners()) == 1

    def test_one_identity_is_linked_to_one_of_two_people(self, ada):
        people = [ada, UserFactory(handle="bob")]

        found = run_concurrently(
            [lambda one=one: oidc.link_identity(actor=one, identity=link_identity()) for one in people]
        )

        assert [error.code for error in errors_of_type(found)] == ["identity_taken"]
        assert len(account_owners()) == 1

    def test_the_last_two_identities_are_not_both_taken_away(self):
        user = UserFactory(handle="ada", password="!")
        mine = [link_account(user), SocialAccount.objects.create(user=user, provider="other", uid="2", extra_data={})]

        found = run_concurrently([lambda one=one: unlink(user, one) for one in mine])

        assert [error.code for error in errors_of_type(found)] == ["last_login_method"]
        assert len(account_owners()) == 1
