"""Leaving, archives, keys and second factors, where there is little or nothing left to do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import keys, services
from accounts.models import ApiKey, Departure, Export, Team, TeamMember, User
from accounts.services.identities import Identity, sign_in_with
from accounts.services.teams import change_team_member
from accounts.tests.factories import DepartureFactory, ExportFactory, UserFactory
from accounts.tests.second_factors import with_app
from core.errors import Conflict, Invalid, NotFound
from core.testing.state import fingerprint
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db


def test_who_was_let_in_again_keeps_the_account_by_the_link_too(outbox):
    departure = DepartureFactory(user=UserFactory(is_active=True), secret="way-back")

    services.stay(token="way-back", now=timezone.now())

    assert (Departure.objects.count(), User.objects.get().is_active) == (0, True)
    assert outbox.names() == ["user.stayed"]
    assert User.objects.get().version == departure.user.version


def test_who_is_active_when_the_time_is_over_is_not_erased():
    person = DepartureFactory(user=UserFactory(is_active=True, name="Nora")).user

    erased = services.erase_the_departed(now=timezone.now() + timedelta(days=30))

    assert (erased, Departure.objects.count()) == (0, 0)
    assert User.objects.get() == person
    assert User.objects.get().name == "Nora"


def test_an_archive_of_who_has_left_meanwhile_is_not_mailed_about(outbox):
    gone = UserFactory(is_active=False)
    export = ExportFactory(user=gone, state=Export.State.REQUESTED, ready_at=None, size=0)
    export.pieces.all().delete()

    services.build_export(export_id=export.pk, now=timezone.now())

    assert Export.objects.get().state == Export.State.READY
    assert outbox.names() == ["user.export_ready"]
    assert OutgoingEmail.objects.count() == 0


def test_an_archive_that_cannot_be_asked_for_is_not_said_to_be_under_way(alice):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_export ADD CONSTRAINT no_exports_today CHECK (size < 0) NOT VALID")

    with pytest.raises(IntegrityError, match="no_exports_today"), transaction.atomic():
        services.request_export(actor=alice, now=timezone.now())

    assert Export.objects.count() == 0


def test_who_has_no_second_factor_is_not_told_that_it_was_taken_away(admin, alice, bob, outbox):
    with_app(alice)

    count = services.reset_second_factors(actor=admin, people=[alice, bob], now=timezone.now())

    assert count == 1
    assert Authenticator.objects.count() == 0
    assert [told["user"]["id"] for told in outbox.payloads("user.security_changed")] == [str(alice.pk)]
    assert OutgoingEmail.objects.get().kind == "security_changed"


@pytest.mark.parametrize("role", [None, "member"])
def test_the_role_somebody_has_already_is_not_given_again(role, alice, bob, team, outbox):
    before = TeamMember.objects.get(user=bob)

    found = change_team_member(actor=alice, team_id=team.pk, user_id=bob.pk, role=role)

    assert (found.role, found.version) == ("member", before.version)
    assert outbox.names() == []


def test_a_team_that_is_gone_is_led_by_nobody(admin, alice, bob, team):
    Team.objects.all().delete()

    with pytest.raises(NotFound):
        change_team_member(actor=admin, team_id=team.pk, user_id=bob.pk, role="lead")


@pytest.mark.parametrize(("scopes", "code"), [(["tasks:read", "tasks:all"], "invalid_choice"), ([], "required")])
def test_a_key_has_scopes_and_only_known_ones(scopes, code, alice):
    before = fingerprint()

    with pytest.raises(Invalid) as refusal:
        services.create_key(actor=alice, draft=services.KeyDraft(name="x", scopes=scopes), now=timezone.now())

    assert refusal.value.names("scopes", code)
    assert fingerprint() == before
    assert ApiKey.objects.count() == 0


def test_a_name_that_finds_no_handle_signs_nobody_in(monkeypatch):
    monkeypatch.setattr("accounts.services.users.HANDLE_TRIES", 1)
    UserFactory(handle="ada")
    identity = Identity(provider="example", subject="1", email="ada@new.example", is_verified=True, name="Ada")
    before = fingerprint()

    with pytest.raises(Conflict):
        sign_in_with(identity=identity)

    assert SocialAccount.objects.count() == 0
    assert fingerprint() == before


def test_what_is_noted_of_keys_fills_no_memory(monkeypatch):
    monkeypatch.setattr(keys, "_noted", {})
    monkeypatch.setattr(keys, "MOST_NOTED", 3)

    first = [keys.is_due(str(number)) for number in range(20)]

    assert first == [True] * 20
    assert len(keys._noted) <= 4
    assert keys.is_due("19") is False
