"""What is written about people: what may be written, by whom, and what is left alone."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.passwords import services as passwords
from accounts.models import User
from accounts.privacy.account_deletion import services as account_deletion
from accounts.tests.factories import (
    PASSWORD,
    AccountDeletionFactory,
    ServiceAccountFactory,
    SessionFactory,
    UserFactory,
)
from accounts.users import administration, selectors, services
from core.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound, VersionConflict
from core.testing.database_state import table_digests
from events.models import Event

pytestmark = pytest.mark.django_db


def change(admin, user_id, versions=None, **changes):
    administration.update_user(actor=admin, user_id=user_id, changes=changes, now=timezone.now(), versions=versions)


def test_an_administrator_changes_no_field_that_is_not_named(admin, alice):
    before = table_digests()

    with pytest.raises(ValueError, match="is_guest"):
        change(admin, alice.pk, is_guest=True)

    assert table_digests() == before


def test_nobody_who_is_not_there_is_changed(admin):
    before = table_digests()

    with pytest.raises(NotFound):
        change(admin, uuid.uuid4(), name="Nobody")

    assert table_digests() == before


def test_to_deactivate_again_who_has_no_way_back_changes_nothing(admin):
    closed = UserFactory(handle="closed", is_active=False)
    before = table_digests()

    change(admin, closed.pk, is_active=False)

    assert table_digests() == before


def test_a_profile_has_no_field_that_gives_power(alice):
    before = table_digests()

    with pytest.raises(ValueError, match="role"):
        services.update_profile(actor=alice, changes={"role": "admin"})

    assert table_digests() == before


def test_an_account_of_a_program_gets_no_password(admin):
    program = ServiceAccountFactory(handle="importer")
    before = table_digests()

    with pytest.raises(NotAllowed):
        passwords.change_password(user=program, password="a wider river turns", now=timezone.now())
    with pytest.raises(Conflict):
        administration.set_password(actor=admin, user_id=program.pk, password="a wider river turns", now=timezone.now())

    assert table_digests() == before


def test_a_new_password_is_ones_own_alone_and_told_without_its_words(alice, bob, outbox):
    kept, other = SessionFactory(user=alice), SessionFactory(user=alice)
    later = timezone.now() + timedelta(minutes=5)

    passwords.change_password(user=alice, password="a wider river turns", now=later, keep=kept.pk)

    changed, bystander = User.objects.get(pk=alice.pk), User.objects.get(pk=bob.pk)
    assert (changed.check_password("a wider river turns"), changed.version) == (True, alice.version + 1)
    assert (bystander.check_password(PASSWORD), bystander.version) == (True, bob.version)
    assert outbox.only("user.updated")["changes"] == {"password": ["hidden", "hidden"]}
    assert set(Event.objects.values_list("actor_id", "occurred_at")) == {(alice.pk, later)}
    ended = outbox.only("session.revoked")
    assert (ended["session_id"], ended["reason"]) == (str(other.pk), "password changed")


def test_a_weak_password_takes_no_other_ones_place(alice):
    SessionFactory(user=alice)
    before = table_digests()

    with pytest.raises(Invalid) as error:
        passwords.change_password(user=alice, password="short", now=timezone.now())

    assert error.value.has_error("password", "password_too_short")
    assert table_digests() == before


def test_who_has_left_does_not_leave_again():
    gone = AccountDeletionFactory().user
    before = table_digests()

    with pytest.raises(NotAuthenticated):
        account_deletion.request_deletion(actor=gone, confirmation=PASSWORD, now=timezone.now())

    assert table_digests() == before


def test_when_no_handle_is_free_nobody_is_registered(monkeypatch):
    monkeypatch.setattr("accounts.users.services.MAX_HANDLE_ATTEMPTS", 2)
    for handle in ("sam", "sam2"):
        UserFactory(handle=handle)
    before = table_digests()

    with pytest.raises(Invalid) as error:
        services.register(email="sam@other.example", name="Sam", password=PASSWORD)

    assert error.value.has_error("email", "taken")
    assert table_digests() == before


def test_one_person_is_shown_to_those_who_may_see_the_directory(carol, alice, bob):
    assert selectors.get_user_for_staff(carol, alice.pk) == alice
    with pytest.raises(NotAllowed):
        selectors.get_user_for_staff(bob, alice.pk)
    with pytest.raises(NotFound):
        selectors.get_user_for_staff(carol, uuid.uuid4())


def test_only_who_is_active_is_found(alice):
    gone = UserFactory(handle="gone", is_active=False)

    assert selectors.get_user(alice.pk) == alice
    with pytest.raises(NotFound):
        selectors.get_user(gone.pk)


def test_a_guest_is_noted_and_told_once(alice, bob, outbox):
    for _ in range(2):
        services.mark_as_guest(actor=alice, user=bob)

    told = outbox.only("user.updated")
    assert User.objects.get(is_guest=True) == bob
    assert (told["user"]["id"], told["changes"]) == (str(bob.pk), {"is_guest": [False, True]})
    assert told["actor"]["id"] == str(alice.pk)


def test_a_version_that_is_gone_is_not_written_upon(admin, alice):
    before = table_digests()

    with pytest.raises(VersionConflict) as error:
        change(admin, alice.pk, versions=frozenset({alice.version + 1}), name="Alicia")

    assert error.value.version == alice.version
    assert table_digests() == before
