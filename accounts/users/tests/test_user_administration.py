"""Services that change users, and what they refuse."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth.passwords import services as passwords
from accounts.models import User
from accounts.privacy import services as privacy
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


def test_administration_refuses_other_fields(admin, alice):
    before = table_digests()

    with pytest.raises(ValueError, match="is_guest"):
        change(admin, alice.pk, is_guest=True)

    assert table_digests() == before


def test_administration_of_an_unknown_user_is_not_found(admin):
    before = table_digests()

    with pytest.raises(NotFound):
        change(admin, uuid.uuid4(), name="Nobody")

    assert table_digests() == before


def test_deactivation_of_an_inactive_user_changes_nothing(admin):
    closed = UserFactory(handle="closed", is_active=False)
    before = table_digests()

    change(admin, closed.pk, is_active=False)

    assert table_digests() == before


def test_profile_update_refuses_role(alice):
    before = table_digests()

    with pytest.raises(ValueError, match="role"):
        services.update_profile(actor=alice, changes={"role": "admin"})

    assert table_digests() == before


def test_service_account_gets_no_password(admin):
    program = ServiceAccountFactory(handle="importer")
    before = table_digests()

    with pytest.raises(NotAllowed):
        passwords.change_password(user=program, password="a wider river turns", now=timezone.now())
    with pytest.raises(Conflict):
        administration.set_password(actor=admin, user_id=program.pk, password="a wider river turns", now=timezone.now())

    assert table_digests() == before


def test_password_change_is_published_without_the_password(alice, bob, outbox):
    stored, other = SessionFactory(user=alice), SessionFactory(user=alice)
    later = timezone.now() + timedelta(minutes=5)

    passwords.change_password(user=alice, password="a wider river turns", now=later, keep=stored.pk)

    changed, bystander = User.objects.get(pk=alice.pk), User.objects.get(pk=bob.pk)
    assert (changed.check_password("a wider river turns"), changed.version) == (True, alice.version + 1)
    assert (bystander.check_password(PASSWORD), bystander.version) == (True, bob.version)
    assert outbox.only("user.updated")["changes"] == {"password": ["hidden", "hidden"]}
    assert set(Event.objects.values_list("actor_id", "occurred_at")) == {(alice.pk, later)}
    ended = outbox.only("session.revoked")
    assert (ended["session_id"], ended["reason"]) == (str(other.pk), "password changed")


def test_password_change_refuses_a_weak_password(alice):
    SessionFactory(user=alice)
    before = table_digests()

    with pytest.raises(Invalid) as error:
        passwords.change_password(user=alice, password="short", now=timezone.now())

    assert error.value.has_error("password", "password_too_short")
    assert table_digests() == before


def test_deletion_of_a_closed_account_is_refused():
    gone = AccountDeletionFactory().user
    before = table_digests()

    with pytest.raises(NotAuthenticated):
        privacy.request_deletion(actor=gone, confirmation=PASSWORD, now=timezone.now())

    assert table_digests() == before


def test_registration_without_a_free_handle_is_refused(monkeypatch):
    monkeypatch.setattr("accounts.users.services.MAX_HANDLE_ATTEMPTS", 2)
    for handle in ("sam", "sam2"):
        UserFactory(handle=handle)
    before = table_digests()

    with pytest.raises(Invalid) as error:
        services.register(email="sam@other.example", name="Sam", password=PASSWORD)

    assert error.value.has_error("email", "taken")
    assert table_digests() == before


def test_directory_user_is_visible_to_staff_only(carol, alice, bob):
    assert selectors.get_user_for_staff(carol, alice.pk) == alice
    with pytest.raises(NotAllowed):
        selectors.get_user_for_staff(bob, alice.pk)
    with pytest.raises(NotFound):
        selectors.get_user_for_staff(carol, uuid.uuid4())


def test_inactive_user_is_not_found(alice):
    gone = UserFactory(handle="gone", is_active=False)

    assert selectors.get_user(alice.pk) == alice
    with pytest.raises(NotFound):
        selectors.get_user(gone.pk)


def test_guest_mark_is_set_and_published_once(alice, bob, outbox):
    for _ in range(2):
        services.mark_as_guest(actor=alice, user=bob)

    payload = outbox.only("user.updated")
    assert User.objects.get(is_guest=True) == bob
    assert (payload["user"]["id"], payload["changes"]) == (str(bob.pk), {"is_guest": [False, True]})
    assert payload["actor"]["id"] == str(alice.pk)


def test_user_update_with_another_version_is_refused(admin, alice):
    before = table_digests()

    with pytest.raises(VersionConflict) as error:
        change(admin, alice.pk, versions=frozenset({alice.version + 1}), name="Alicia")

    assert error.value.version == alice.version
    assert table_digests() == before
