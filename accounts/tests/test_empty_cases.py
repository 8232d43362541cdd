"""Edge cases of account services with little or nothing to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.api_keys import lookup
from accounts.api_keys import services as api_keys
from accounts.auth.mfa import enrollment
from accounts.auth.oidc import services as oidc
from accounts.auth.oidc.services import Identity
from accounts.models import AccountDeletion, ApiKey, Export, Team, TeamMember, User
from accounts.privacy import services as privacy
from accounts.teams import services as teams
from accounts.tests.factories import AccountDeletionFactory, ExportFactory, UserFactory
from accounts.tests.mfa import with_totp
from core.errors import Conflict, Invalid, NotFound
from core.testing.database_state import table_digests
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db


def test_cancellation_of_a_reactivated_account_succeeds(outbox):
    deletion = AccountDeletionFactory(user=UserFactory(is_active=True), secret="way-back")

    privacy.cancel_deletion(token="way-back", now=timezone.now())

    assert (AccountDeletion.objects.count(), User.objects.get().is_active) == (0, True)
    assert outbox.names() == ["user.deletion_cancelled"]
    assert User.objects.get().version == deletion.user.version


def test_active_account_is_not_erased_when_due():
    user = AccountDeletionFactory(user=UserFactory(is_active=True, name="Nora")).user

    erased = privacy.erase_due_accounts(now=timezone.now() + timedelta(days=30))

    assert (erased, AccountDeletion.objects.count()) == (0, 0)
    assert User.objects.get() == user
    assert User.objects.get().name == "Nora"


def test_export_of_an_inactive_user_is_not_mailed(outbox):
    gone = UserFactory(is_active=False)
    export = ExportFactory(user=gone, state=Export.State.REQUESTED, ready_at=None, size=0)
    export.chunks.all().delete()

    privacy.build_export(export_id=export.pk, now=timezone.now())

    assert Export.objects.get().state == Export.State.READY
    assert outbox.names() == ["user.export_ready"]
    assert OutgoingEmail.objects.count() == 0


def test_export_request_raises_other_constraint_errors(alice):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_export ADD CONSTRAINT no_exports_today CHECK (size < 0) NOT VALID")

    with pytest.raises(IntegrityError, match="no_exports_today"), transaction.atomic():
        privacy.request_export(actor=alice, now=timezone.now())

    assert Export.objects.count() == 0


def test_mfa_reset_notifies_only_users_with_mfa(admin, alice, bob, outbox):
    with_totp(alice)

    count = enrollment.reset_mfa(actor=admin, users=[alice, bob], now=timezone.now())

    assert count == 1
    assert Authenticator.objects.count() == 0
    assert [payload["user"]["id"] for payload in outbox.payloads("user.security_changed")] == [str(alice.pk)]
    assert OutgoingEmail.objects.get().kind == "security_changed"


@pytest.mark.parametrize("role", [None, "member"])
def test_unchanged_team_role_publishes_nothing(role, alice, bob, team, outbox):
    before = TeamMember.objects.get(user=bob)

    member = teams.update_member(actor=alice, team_id=team.pk, user_id=bob.pk, role=role)

    assert (member.role, member.version) == ("member", before.version)
    assert outbox.names() == []


def test_member_update_in_a_deleted_team_is_not_found(admin, alice, bob, team):
    Team.objects.all().delete()

    with pytest.raises(NotFound):
        teams.update_member(actor=admin, team_id=team.pk, user_id=bob.pk, role="lead")


@pytest.mark.parametrize(("scopes", "code"), [(["tasks:read", "tasks:all"], "invalid_choice"), ([], "required")])
def test_key_scopes_are_required_and_known(scopes, code, alice):
    before = table_digests()

    with pytest.raises(Invalid) as error:
        api_keys.create_key(actor=alice, spec=api_keys.KeySpec(name="x", scopes=scopes), now=timezone.now())

    assert error.value.has_error("scopes", code)
    assert table_digests() == before
    assert ApiKey.objects.count() == 0


def test_identity_login_without_a_free_handle_is_refused(monkeypatch):
    monkeypatch.setattr("accounts.users.services.MAX_HANDLE_ATTEMPTS", 1)
    UserFactory(handle="ada")
    identity = Identity(provider="example", subject="1", email="ada@new.example", email_verified=True, name="Ada")
    before = table_digests()

    with pytest.raises(Conflict):
        oidc.login_with_identity(identity=identity)

    assert SocialAccount.objects.count() == 0
    assert table_digests() == before


def test_key_use_records_are_bounded_in_memory(monkeypatch):
    monkeypatch.setattr(lookup, "_last_recorded", {})
    monkeypatch.setattr(lookup, "MAX_RECORDED", 3)

    first = [lookup.should_record_use(str(number)) for number in range(20)]

    assert first == [True] * 20
    assert len(lookup._last_recorded) <= 4
    assert lookup.should_record_use("19") is False
