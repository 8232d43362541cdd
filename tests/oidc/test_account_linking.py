"""Linking of identities to accounts: by subject, by an address both sides have verified, or by hand."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.client import provider_names
from accounts.auth.oidc.services import Identity
from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory, with_email_address
from accounts.tests.fixtures import signed_in
from core.testing.concurrency import errors_of_type, run_concurrently
from core.testing.page_client import log_in, visible_text
from events.models import Event
from notifications.models import OutgoingEmail
from tests.oidc.conftest import Browser, link_account

ACCOUNTS_PATH = "/settings/security/identities/"
IDENTITIES_API = "/api/v1/me/identities/"


def identity(**changes) -> Identity:
    claims = {"provider": "example", "subject": "1", "email": "ada@example.com", "email_verified": True, "name": "Ada"}
    return Identity(**claims | changes)


def reauthenticated_browser(user: User) -> Browser:
    """Return a browser of the user that has just reauthenticated."""
    browser = Browser()
    browser.post("/login/", {"email": user.email, "password": PASSWORD})
    browser.post("/reauthenticate/", {"password": PASSWORD, "next": ACCOUNTS_PATH})
    return browser


def unlink(user: User, social_account: SocialAccount) -> None:
    oidc.unlink_identity(actor=user, identity_id=social_account.pk, now=timezone.now())


def account_owners() -> list[tuple[str, str]]:
    return list(SocialAccount.objects.order_by("pk").values_list("user__handle", "uid"))


@pytest.mark.django_db
class TestEmailLinking:
    def test_same_verified_address_links_the_account(self, ada, idp, oidc_browser):
        oidc_browser.sign_in(idp)

        assert oidc_browser.user == str(ada.pk)
        assert account_owners() == [("ada", "248289761001")]
        assert ada.check_password(PASSWORD)
        assert User.objects.count() == 1

    def test_address_is_normalized_before_comparison(self, ada, idp, oidc_browser):
        idp.script(user={"email": " ADA@Example.COM "})

        oidc_browser.sign_in(idp)

        assert oidc_browser.user == str(ada.pk)

    @pytest.mark.parametrize("email_row", ["unverified", "none", "another address"])
    def test_unverified_account_with_the_address_is_not_linked(self, email_row, idp, oidc_browser, database_state):
        """Account pre-hijacking: Mallory registers Ada's address, keeps the password, and waits for Ada to sign in."""
        hijacked = UserFactory(handle="mallory", email="ada@example.com")
        if email_row == "unverified":
            with_email_address(hijacked, verified=False)
        if email_row == "another address":
            EmailAddress.objects.create(user=hijacked, email="mallory@example.com", verified=True, primary=True)
        before = database_state.state()

        response = oidc_browser.sign_in(idp)

        assert (response.status_code, response.context["code"]) == (403, "address_not_verified_here")
        assert oidc_browser.user is None
        assert database_state.state() == before

    def test_address_unverified_by_provider_is_not_linked(self, ada, idp, oidc_browser, database_state):
        idp.script(user={"email_verified": False})
        before = database_state.state()

        response = oidc_browser.sign_in(idp)

        assert (response.status_code, response.context["code"]) == (403, "email_not_verified_by_provider")
        assert oidc_browser.user is None
        assert database_state.state() == before

    def test_second_identity_with_the_address_is_not_linked(self, ada, idp, oidc_browser, database_state):
        link_account(ada, "the-ada-of-last-year")
        before = database_state.state()

        response = oidc_browser.sign_in(idp)

        assert (response.status_code, response.context["code"]) == (409, "another_identity")
        assert oidc_browser.user is None
        assert database_state.state() == before

    def test_service_account_is_not_linked(self, idp, oidc_browser, database_state):
        service_account = UserFactory(
            handle="robot", email="ada@example.com", kind=User.Kind.SERVICE, password=make_password(None)
        )
        with_email_address(service_account, verified=True)
        before = database_state.state()

        response = oidc_browser.sign_in(idp)

        assert (response.status_code, response.context["code"]) == (401, "account_inactive")
        assert database_state.state() == before

    def test_address_with_cyrillic_letter_is_another_address(self, ada, idp, oidc_browser):
        idp.script(user={"email": "аda@example.com"})  # a Cyrillic letter

        response = oidc_browser.sign_in(idp)

        assert response.status_code == 403
        assert oidc_browser.user is None
        assert account_owners() == []


@pytest.mark.django_db
class TestManualLinking:
    def test_identity_with_another_address_can_be_linked(self, idp):
        bob = with_email_address(UserFactory(handle="bob"), verified=True)
        browser = reauthenticated_browser(bob)

        response = browser.sign_in(idp, process="connect")

        assert (response.status_code, response["Location"]) == (302, ACCOUNTS_PATH)
        assert account_owners() == [("bob", "248289761001")]
        assert "Example ID" in visible_text(browser.get(ACCOUNTS_PATH))
        assert Event.objects.filter(name="identity.linked", actor_id=bob.pk).count() == 1
        other = Browser()
        other.sign_in(idp)
        assert other.user == str(bob.pk)

    def test_linking_requires_reauthentication(self, ada, idp):
        browser = Browser()
        browser.post("/login/", {"email": ada.email, "password": PASSWORD})

        response = browser.start_login(process="connect")

        assert response["Location"].startswith("/reauthenticate/?next=")
        assert idp.seen("authorize") == []

    def test_anonymous_user_is_redirected_to_login(self, idp, oidc_browser):
        assert oidc_browser.start_login(process="connect")["Location"].startswith("/login/?next=")
        assert oidc_browser.get(ACCOUNTS_PATH)["Location"].startswith("/login/?next=")
        assert oidc_browser.post(f"{ACCOUNTS_PATH}1/unlink/")["Location"].startswith("/login/?next=")

    def test_identity_of_another_account_is_not_linked(self, ada, idp, database_state):
        link_account(ada)
        browser = reauthenticated_browser(with_email_address(UserFactory(handle="bob"), verified=True))
        before = database_state.state()

        response = browser.sign_in(idp, process="connect")

        assert response["Location"] == ACCOUNTS_PATH
        assert "is linked to another TaskFlow account" in visible_text(browser.get(ACCOUNTS_PATH))
        assert database_state.state() == before

    def test_identity_with_unverified_address_can_be_linked(self, ada, idp):
        for claims in ({"email_verified": False}, {"email": None, "email_verified": None}):
            SocialAccount.objects.all().delete()
            idp.script(user=claims)

            reauthenticated_browser(ada).sign_in(idp, process="connect")

            assert account_owners() == [("ada", "248289761001")]
            # A password reset removes it: the address is perhaps not that of the account's owner.
            assert oidc.unlink_unverified_identities(owner=ada, actor=ada, now=timezone.now()) == 1

    def test_user_who_signed_in_meanwhile_gets_no_link(self, ada, idp):
        browser = reauthenticated_browser(ada)
        callback_url = browser.authorize(idp, browser.start_login(process="connect"))
        bob = UserFactory(handle="bob")
        states = dict(browser.session)["_oidc_states"]
        log_in(browser, bob)
        session = browser.session
        session["_oidc_states"] = states
        session.save()

        response = browser.return_to_callback(callback_url)

        assert response["Location"] == ACCOUNTS_PATH
        assert account_owners() == []
        assert idp.seen("token") == []

    def test_linked_identity_is_not_linked_again(self, ada, idp):
        link_account(ada)

        reauthenticated_browser(ada).sign_in(idp, process="connect")

        assert account_owners() == [("ada", "248289761001")]


@pytest.mark.django_db
class TestUnlinking:
    def test_own_identity_is_unlinked(self, ada, idp):
        social_account = link_account(ada)
        browser = reauthenticated_browser(ada)

        response = browser.post(f"{ACCOUNTS_PATH}{social_account.pk}/unlink/")

        assert response["Location"] == ACCOUNTS_PATH
        assert account_owners() == []
        assert Event.objects.filter(name="identity.unlinked").count() == 1

    def test_identity_of_another_user_is_not_unlinked(self, ada, idp):
        social_account = link_account(UserFactory(handle="bob"))

        response = reauthenticated_browser(ada).post(f"{ACCOUNTS_PATH}{social_account.pk}/unlink/")

        assert response.status_code == 404
        assert account_owners() == [("bob", "248289761001")]

    def test_last_login_method_is_not_unlinked(self, idp, oidc_browser):
        oidc_browser.sign_in(idp)
        social_account = SocialAccount.objects.get()

        oidc_browser.post(f"{ACCOUNTS_PATH}{social_account.pk}/unlink/")

        assert "Set a password first" in visible_text(oidc_browser.get(ACCOUNTS_PATH))
        assert account_owners() == [("ada", "248289761001")]

    def test_unlinking_requires_reauthentication(self, ada, idp):
        social_account = link_account(ada)
        browser = Browser()
        browser.post("/login/", {"email": ada.email, "password": PASSWORD})

        response = browser.post(f"{ACCOUNTS_PATH}{social_account.pk}/unlink/")

        assert response["Location"].startswith("/reauthenticate/")
        assert account_owners() == [("ada", "248289761001")]

    def test_unlinking_by_get_is_rejected(self, ada, idp):
        social_account = link_account(ada)

        response = reauthenticated_browser(ada).get(f"{ACCOUNTS_PATH}{social_account.pk}/unlink/")

        assert response["Location"] == ACCOUNTS_PATH
        assert account_owners() == [("ada", "248289761001")]


@pytest.mark.django_db
class TestIdentitiesApi:
    def test_own_identities_are_listed(self, ada, idp):
        social_account = link_account(ada)
        SocialAccount.objects.create(user=UserFactory(), provider="example", uid="2")

        results = signed_in(ada).get(IDENTITIES_API).json()["results"]

        email = social_account.extra_data.get("email", "")
        assert [(row["id"], row["provider"], row["email"]) for row in results] == [
            (social_account.pk, "example", email)
        ]
        assert results[0]["name"] == provider_names()["example"]

    def test_identity_without_email_or_provider_is_listed(self, ada):
        SocialAccount.objects.create(user=ada, provider="removed", uid="1")

        results = signed_in(ada).get(IDENTITIES_API).json()["results"]

        assert [(row["name"], row["email"]) for row in results] == [("removed", "")]

    def test_own_identity_is_unlinked(self, ada, idp):
        social_account = link_account(ada)

        response = signed_in(ada).delete(f"{IDENTITIES_API}{social_account.pk}/")

        assert (response.status_code, account_owners()) == (204, [])
        assert Event.objects.filter(name="identity.unlinked").count() == 1

    @pytest.mark.parametrize("identity_id", [None, 2**63, 10**40])
    def test_unknown_identity_is_not_found(self, identity_id, ada, idp, database_state):
        foreign = link_account(UserFactory(handle="bob"))
        client = signed_in(ada)
        before = database_state.state()

        response = client.delete(f"{IDENTITIES_API}{identity_id or foreign.pk}/")

        assert response.status_code == 404
        assert database_state.state() == before

    def test_last_login_method_is_not_unlinked(self, ada, idp, database_state):
        social_account = link_account(ada)
        ada.set_unusable_password()
        ada.save()
        client = signed_in(ada)
        before = database_state.state()

        response = client.delete(f"{IDENTITIES_API}{social_account.pk}/")

        assert (response.status_code, response.json()["code"]) == (409, "last_login_method")
        assert database_state.state() == before


@pytest.mark.django_db
class TestNotifications:
    def test_new_link_is_announced_by_email(self, ada, outbox):
        with outbox.delivering():
            oidc.login_with_identity(identity=identity())

        assert [(mail.to, mail.kind) for mail in OutgoingEmail.objects.all()] == [
            ("ada@example.com", "security_changed")
        ]

    def test_removed_link_is_announced_by_email(self, ada, outbox):
        with outbox.delivering():
            unlink(ada, link_account(ada))

        assert OutgoingEmail.objects.get().kind == "security_changed"

    def test_registration_with_a_provider_sends_no_email(self, outbox):
        with outbox.delivering():
            oidc.login_with_identity(identity=identity())

        assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_concurrent_first_sign_ins_create_one_user(self):
        user_ids = run_concurrently([lambda: oidc.login_with_identity(identity=identity()).user_id] * 6)

        assert len(set(user_ids)) == 1
        assert User.objects.count() == EmailAddress.objects.count() == SocialAccount.objects.count() == 1

    def test_concurrent_subjects_with_one_address_link_once(self, ada):
        results = run_concurrently(
            [lambda subject=subject: oidc.login_with_identity(identity=identity(subject=subject)) for subject in "12"]
        )

        assert [error.code for error in errors_of_type(results)] == ["another_identity"]
        assert len(account_owners()) == 1

    def test_identity_is_linked_to_one_of_two_users(self, ada):
        users = [ada, UserFactory(handle="bob")]

        results = run_concurrently(
            [lambda user=user: oidc.link_identity(actor=user, identity=identity()) for user in users]
        )

        assert [error.code for error in errors_of_type(results)] == ["identity_taken"]
        assert len(account_owners()) == 1

    def test_concurrent_unlinking_keeps_one_identity(self):
        user = UserFactory(handle="ada", password="!")
        other = SocialAccount.objects.create(user=user, provider="other", uid="2", extra_data={})

        results = run_concurrently(
            [lambda account=account: unlink(user, account) for account in (link_account(user), other)]
        )

        assert [error.code for error in errors_of_type(results)] == ["last_login_method"]
        assert len(account_owners()) == 1
