"""Concurrent invitations, exports and account deletions: each takes effect once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth import one_time_tokens
from accounts.models import AccountDeletion, Export, Invitation, User
from accounts.privacy import services as privacy
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.users.invitations import services as invitations
from core.errors import Conflict, NotAuthenticated, NotFound
from core.testing.concurrency import run_concurrently
from events.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def create_invitation(inviter: User, email: str) -> str:
    link = one_time_tokens.new_token()
    Invitation.objects.create(email=email, inviter=inviter, token_hash=link.hash, expires_at=NOW + timedelta(days=7))
    return link.token


def outcome_types(outcomes: list[object]) -> list[str]:
    return sorted(type(outcome).__name__ for outcome in outcomes)


def test_invitation_accepted_by_many_creates_one_user(carol):
    token = create_invitation(carol, "nina@example.com")

    outcomes = run_concurrently(
        [
            lambda: invitations.register_with_invitation(
                token=token, name="Nina", password="a quiet river bends", now=NOW
            )
        ]
        * 8
    )

    assert outcome_types(outcomes) == ["NotFound"] * 7 + ["User"]
    assert User.objects.filter(email="nina@example.com").count() == 1
    assert Event.objects.filter(name="user.invitation_accepted").count() == 1


def test_revoke_and_accept_of_invitation_have_one_winner(carol):
    token = create_invitation(carol, "nina@example.com")
    key = Invitation.objects.get().pk

    join, revoke = run_concurrently(
        [
            lambda: invitations.register_with_invitation(
                token=token, name="Nina", password="a quiet river bends", now=NOW
            ),
            lambda: invitations.revoke_invitation(actor=carol, invitation_id=key, now=NOW),
        ]
    )

    has_joined = isinstance(join, User)
    assert isinstance(join, User | NotFound)
    assert isinstance(revoke, Conflict) == has_joined
    assert User.objects.filter(email="nina@example.com").exists() == has_joined


def test_export_requested_by_many_is_created_once(alice):
    outcomes = run_concurrently([lambda: privacy.request_export(actor=alice, now=NOW)] * 8)

    assert outcome_types(outcomes) == ["Conflict"] * 7 + ["Export"]
    assert Export.objects.count() == 1


def test_last_administrator_cannot_delete_account(admin):
    other = UserFactory(handle="other", role=User.Role.ADMIN)

    outcomes = run_concurrently(
        [
            lambda actor=actor: privacy.request_deletion(actor=actor, confirmation=PASSWORD, now=NOW)
            for actor in (admin, other)
        ]
    )

    assert outcome_types(outcomes) == ["AccountDeletion", "Conflict"]
    assert User.objects.active().filter(role=User.Role.ADMIN).count() == 1


def test_deletion_requested_at_once_is_created_once(alice):
    outcomes = run_concurrently([lambda: privacy.request_deletion(actor=alice, confirmation=PASSWORD, now=NOW)] * 4)

    assert outcome_types(outcomes) == ["AccountDeletion"] + [NotAuthenticated.__name__] * 3
    assert AccountDeletion.objects.count() == 1


def test_cancel_and_erase_of_account_have_one_winner(alice):
    link = one_time_tokens.new_token()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    due = NOW + timedelta(days=14)
    AccountDeletion.objects.create(user=alice, token_hash=link.hash, requested_at=NOW, due_at=due)

    cancelled, erased = run_concurrently(
        [
            lambda: privacy.cancel_deletion(token=link.token, now=due - timedelta(seconds=1)),
            lambda: privacy.erase_due_accounts(now=due),
        ]
    )

    user = User.objects.get(pk=alice.pk)
    is_cancelled = isinstance(cancelled, User)
    assert (user.is_active, user.erased_at is None, erased) == (is_cancelled, is_cancelled, 0 if is_cancelled else 1)


def test_account_is_erased_once_by_many_schedulers(alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    AccountDeletion.objects.create(
        user=alice, token_hash="x", requested_at=NOW - timedelta(days=15), due_at=NOW - timedelta(days=1)
    )

    outcomes = run_concurrently([lambda: privacy.erase_due_accounts(now=NOW)] * 4)

    assert sorted(outcomes) == [0, 0, 0, 1]
    assert Event.objects.filter(name="user.erased").count() == 1
