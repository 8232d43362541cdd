"""Permissions and versions of invitations among several others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Invitation, TeamMember, User
from accounts.tests.factories import PASSWORD, InvitationFactory, TeamFactory, TeamMemberFactory
from accounts.users.invitations import services as invitations
from core.errors import Conflict, NotAllowed, NotFound, VersionConflict
from core.testing.database_state import table_digests

pytestmark = pytest.mark.django_db
LEAD = TeamMember.Role.LEAD


@pytest.fixture
def other_team(alice, bob):
    """A second team that both lead."""
    team = TeamFactory(name="Another")
    for user in (alice, bob):
        TeamMemberFactory(team=team, user=user, role=LEAD)
    return team


def test_lead_of_an_older_team_cannot_invite(bob, other_team, team):
    before = table_digests()

    with pytest.raises(NotAllowed):
        invitations.invite(actor=bob, email="n@example.com", now=timezone.now(), team_id=team.pk)

    assert table_digests() == before


@pytest.mark.parametrize("change", ["lead of another team only", "deactivated"])
def test_team_invitation_needs_the_leads_current_permission(change, alice, carol, other_team, team):
    InvitationFactory(inviter=alice, team=team, target=team.name, secret="into-the-team", email="n@example.com")
    TeamMemberFactory(team=team, user=carol, role=LEAD)
    if change == "deactivated":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    else:
        TeamMember.objects.filter(team=team, user=alice).update(role=TeamMember.Role.MEMBER)
    before = table_digests()

    with pytest.raises(NotFound):
        invitations.register_with_invitation(token="into-the-team", name="Nora", password=PASSWORD, now=timezone.now())

    assert table_digests() == before


def test_token_accepts_only_its_own_invitation(carol, team):
    other = InvitationFactory(inviter=carol, secret="first", email="first@example.com")
    own = InvitationFactory(inviter=carol, secret="second", email="second@example.com")

    user = invitations.register_with_invitation(token="second", name="Nora", password=PASSWORD, now=timezone.now())

    assert user.email == "second@example.com"
    accepted = Invitation.objects.get(accepted_by=user)
    assert (accepted.pk, accepted.version) == (own.pk, own.version + 1)
    assert Invitation.objects.get(pk=other.pk).version == other.version


def test_invitation_revocation_checks_the_version(carol, outbox):
    other, own = InvitationFactory(inviter=carol), InvitationFactory(inviter=carol)
    now = timezone.now() + timedelta(minutes=1)

    def withdraw(version):
        invitations.revoke_invitation(actor=carol, invitation_id=own.pk, now=now, versions=frozenset({version}))

    with pytest.raises(VersionConflict) as error:
        withdraw(own.version + 1)
    assert (error.value.version, outbox.names()) == (own.version, [])
    withdraw(own.version)
    with pytest.raises(Conflict) as again:
        withdraw(own.version + 1)

    assert again.value.code == "closed"
    invitation = Invitation.objects.get(pk=own.pk)
    assert (invitation.revoked_at, invitation.version) == (now, own.version + 1)
    assert Invitation.objects.get(pk=other.pk).revoked_at is None
    assert outbox.only("user.invitation_revoked")["invitation_id"] == str(own.pk)


def test_purge_returns_the_number_of_invitations(carol):
    InvitationFactory(inviter=carol)

    assert invitations.purge_invitations(now=timezone.now() + timedelta(days=36)) == 0
    assert invitations.purge_invitations(now=timezone.now() + timedelta(days=38)) == 1
