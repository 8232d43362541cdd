"""Which account an identity opens: by its subject, by an address both sides have verified, never by a claim alone."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import services
from accounts.models import User
from accounts.services.identities import Identity
from accounts.tests.factories import PASSWORD, UserFactory, with_address
from core.testing.pages import enter, words
from core.testing.together import refusals, together
from events.models import Event
from notifications.models import OutgoingEmail
from tests.oidc.conftest import Browser, linked

PAGE = "/settings/security/identities/"


def identity(**other) -> Identity:
    known = {"provider": "example", "subject": "1", "email": "ada@example.com", "is_verified": True, "name": "Ada"}
    return Identity(**known | other)


def signed_in(person: User) -> Browser:
    """A browser whose person has just shown once more who they are."""
    browser = Browser()
    browser.post("/login/", {"email": person.email, "password": PASSWORD})
    browser.post("/confirm/", {"password": PASSWORD, "next": PAGE})
    return browser


def unlink(person: User, one: SocialAccount) -> None:
    services.unlink_identity(actor=person, identity_id=one.pk, now=timezone.now())


def owners() -> list[tuple[str, str]]:
    return list(SocialAccount.objects.order_by("pk").values_list("user__handle", "uid"))


@pytest.mark.django_db
class TestByAddress:
    def test_joins_the_account_with_the_same_verified_address(self, ada, idp, browser_here):
        browser_here.walk(idp)

        assert browser_here.person == str(ada.pk)
        assert owners() == [("ada", "248289761001")]
        assert ada.check_password(PASSWORD)
        assert User.objects.count() == 1

    def test_writes_an_address_as_we_do(self, ada, idp, browser_here):
        idp.script(person={"email": " ADA@Example.COM "})

        browser_here.walk(idp)

        assert browser_here.person == str(ada.pk)

    @pytest.mark.parametrize("row", ["unverified", "none", "of another address"])
    def test_shares_no_account_with_whoever_registered_the_address_before_its_owner(
        self, row, idp, browser_here, world
    ):
        """Account pre-hijacking: mallory registers ada's address, keeps the password, and waits for ada."""
        hijacked = UserFactory(handle="mallory", email="ada@example.com")
        if row == "unverified":
            with_address(hijacked, verified=False)
        if row == "of another address":
            EmailAddress.objects.create(user=hijacked, email="mallory@example.com", verified=True, primary=True)
        before = world.state()

        answer = browser_here.walk(idp)

        assert (answer.status_code, answer.context["code"]) == (403, "address_not_verified_here")
        assert browser_here.person is None
        assert world.state() == before

    def test_joins_no_address_the_provider_has_not_verified(self, ada, idp, browser_here, world):
        idp.script(person={"email_verified": False})
        before = world.state()

        answer = browser_here.walk(idp)

        assert (answer.status_code, answer.context["code"]) == (403, "not_verified")
        assert browser_here.person is None
        assert world.state() == before

    def test_does_not_give_an_account_to_who_was_given_its_address_later(self, ada, idp, browser_here, world):
        linked(ada, "the-ada-of-last-year")
        before = world.state()

        answer = browser_here.walk(idp)

        assert (answer.status_code, answer.context["code"]) == (409, "another_identity")
        assert browser_here.person is None
        assert world.state() == before

    def test_signs_in_no_account_of_a_program(self, idp, browser_here, world):
        program = UserFactory(
            handle="robot", email="ada@example.com", kind=User.Kind.SERVICE, password=make_password(None)
        )
        with_address(program, verified=True)
        before = world.state()

        answer = browser_here.walk(idp)

        assert (answer.status_code, answer.context["code"]) == (401, "switched_off")
        assert world.state() == before

    def test_an_address_that_looks_the_same_is_another_one(self, ada, idp, browser_here):
        idp.script(person={"email": "аda@example.com"})  # a Cyrillic letter

        answer = browser_here.walk(idp)

        assert answer.status_code == 403
        assert browser_here.person is None
        assert owners() == []


@pytest.mark.django_db
class TestByHand:
    def test_links_an_identity_with_another_address(self, idp):
        bob = with_address(UserFactory(handle="bob"), verified=True)
        browser = signed_in(bob)

        answer = browser.walk(idp, process="connect")

        assert (answer.status_code, answer["Location"]) == (302, PAGE)
        assert owners() == [("bob", "248289761001")]
        assert "Example ID" in words(browser.get(PAGE))
        assert Event.objects.filter(name="identity.linked", actor_id=bob.pk).count() == 1
        other = Browser()
        other.walk(idp)
        assert other.person == str(bob.pk)

    def test_asks_who_it_is_once_more(self, ada, idp):
        browser = Browser()
        browser.post("/login/", {"email": ada.email, "password": PASSWORD})

        answer = browser.leave(process="connect")

        assert answer["Location"].startswith("/confirm/?next=")
        assert idp.seen("authorize") == []

    def test_a_stranger_is_asked_to_sign_in(self, idp, browser_here):
        assert browser_here.leave(process="connect")["Location"].startswith("/login/?next=")
        assert browser_here.get(PAGE)["Location"].startswith("/login/?next=")
        assert browser_here.post(f"{PAGE}1/unlink/")["Location"].startswith("/login/?next=")

    def test_takes_no_identity_from_another_account(self, ada, idp, world):
        linked(ada)
        browser = signed_in(with_address(UserFactory(handle="bob"), verified=True))
        before = world.state()

        answer = browser.walk(idp, process="connect")

        assert answer["Location"] == PAGE
        assert "belongs to another account" in words(browser.get(PAGE))
        assert world.state() == before

    def test_links_none_with_an_unverified_address(self, ada, idp, world):
        browser = signed_in(ada)
        idp.script(person={"email_verified": False})
        before = world.state()

        browser.walk(idp, process="connect")

        assert "has not verified your e-mail address" in words(browser.get(PAGE))
        assert world.state() == before

    def test_links_nothing_to_whoever_signed_in_meanwhile(self, ada, idp):
        browser = signed_in(ada)
        address = browser.visit(idp, browser.leave(process="connect"))
        bob = UserFactory(handle="bob")
        store = dict(browser.session)["socialaccount_states"]
        enter(browser, bob)
        session = browser.session
        session["socialaccount_states"] = store
        session.save()

        answer = browser.come_back(address)

        assert answer["Location"] == PAGE
        assert owners() == []
        assert idp.seen("token") == []

    def test_links_the_same_identity_once(self, ada, idp):
        linked(ada)

        signed_in(ada).walk(idp, process="connect")

        assert owners() == [("ada", "248289761001")]


@pytest.mark.django_db
class TestUnlinking:
    def test_takes_an_identity_away(self, ada, idp):
        mine = linked(ada)
        browser = signed_in(ada)

        answer = browser.post(f"{PAGE}{mine.pk}/unlink/")

        assert answer["Location"] == PAGE
        assert owners() == []
        assert Event.objects.filter(name="identity.unlinked").count() == 1

    def test_leaves_alone_what_is_not_ones_own(self, ada, idp):
        theirs = linked(UserFactory(handle="bob"))

        answer = signed_in(ada).post(f"{PAGE}{theirs.pk}/unlink/")

        assert answer.status_code == 404
        assert owners() == [("bob", "248289761001")]

    def test_leaves_the_last_way_in(self, idp, browser_here):
        browser_here.walk(idp)
        mine = SocialAccount.objects.get()

        browser_here.post(f"{PAGE}{mine.pk}/unlink/")

        assert "Set a password first" in words(browser_here.get(PAGE))
        assert owners() == [("ada", "248289761001")]

    def test_asks_who_it_is_once_more(self, ada, idp):
        mine = linked(ada)
        browser = Browser()
        browser.post("/login/", {"email": ada.email, "password": PASSWORD})

        answer = browser.post(f"{PAGE}{mine.pk}/unlink/")

        assert answer["Location"].startswith("/confirm/")
        assert owners() == [("ada", "248289761001")]

    def test_begins_by_post_only(self, ada, idp):
        mine = linked(ada)

        assert signed_in(ada).get(f"{PAGE}{mine.pk}/unlink/").status_code == 405


@pytest.mark.django_db
class TestTold:
    def test_a_person_hears_of_a_link_by_mail(self, ada, outbox):
        with outbox.delivering():
            services.sign_in_with(identity=identity())

        assert [(mail.to, mail.kind) for mail in OutgoingEmail.objects.all()] == [
            ("ada@example.com", "security_changed")
        ]

    def test_a_person_hears_of_a_link_that_was_taken_away(self, ada, outbox):
        with outbox.delivering():
            unlink(ada, linked(ada))

        assert OutgoingEmail.objects.get().kind == "security_changed"

    def test_who_registers_with_a_provider_is_not_told_of_it(self, outbox):
        with outbox.delivering():
            services.sign_in_with(identity=identity())

        assert OutgoingEmail.objects.count() == 0


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_first_sign_ins_make_one_person(self):
        people = together([lambda: services.sign_in_with(identity=identity()).user_id] * 6)

        assert len(set(people)) == 1
        assert User.objects.count() == EmailAddress.objects.count() == SocialAccount.objects.count() == 1

    def test_two_subjects_with_one_address_do_not_get_one_account(self, ada):
        found = together([lambda one=one: services.sign_in_with(identity=identity(subject=one)) for one in "12"])

        assert [error.code for error in refusals(found)] == ["another_identity"]
        assert len(owners()) == 1

    def test_one_identity_is_linked_to_one_of_two_people(self, ada):
        people = [ada, UserFactory(handle="bob")]

        found = together([lambda one=one: services.link_identity(actor=one, identity=identity()) for one in people])

        assert [error.code for error in refusals(found)] == ["identity_taken"]
        assert len(owners()) == 1

    def test_the_last_two_identities_are_not_both_taken_away(self):
        person = UserFactory(handle="ada", password="!")
        mine = [linked(person), SocialAccount.objects.create(user=person, provider="other", uid="2", extra_data={})]

        found = together([lambda one=one: unlink(person, one) for one in mine])

        assert [error.code for error in refusals(found)] == ["last_way_in"]
        assert len(owners()) == 1
