"""An invitation is one among several: whose it is, into which team, and which version of it."""

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
    """Older than the first team; both lead it."""
    team = TeamFactory(name="Another")
    for user in (alice, bob):
        TeamMemberFactory(team=team, user=user, role=LEAD)
    return team


def test_a_lead_of_another_team_does_not_invite_into_this_one(bob, other_team, team):
    before = table_digests()

    with pytest.raises(NotAllowed):
        invitations.invite(actor=bob, email="n@example.com", now=timezone.now(), team_id=team.pk)

    assert table_digests() == before


@pytest.mark.parametrize("change", ["lead of another team only", "deactivated"])
def test_an_invitation_into_a_team_is_worth_what_its_lead_may_there_now(change, alice, carol, other_team, team):
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


def test_a_link_takes_its_own_invitation_and_no_other(carol, team):
    other = InvitationFactory(inviter=carol, secret="first", email="first@example.com")
    mine = InvitationFactory(inviter=carol, secret="second", email="second@example.com")

    user = invitations.register_with_invitation(token="second", name="Nora", password=PASSWORD, now=timezone.now())

    assert user.email == "second@example.com"
    accepted = Invitation.objects.get(accepted_by=user)
    assert (accepted.pk, accepted.version) == (mine.pk, mine.version + 1)
    assert Invitation.objects.get(pk=other.pk).version == other.version


def test_one_invitation_is_withdrawn_upon_its_version(carol, outbox):
    other, mine = InvitationFactory(inviter=carol), InvitationFactory(inviter=carol)
    now = timezone.now() + timedelta(minutes=1)

    def withdraw(version):
        invitations.revoke_invitation(actor=carol, invitation_id=mine.pk, now=now, versions=frozenset({version}))

    with pytest.raises(VersionConflict) as error:
        withdraw(mine.version + 1)
    assert (error.value.version, outbox.names()) == (mine.version, [])
    withdraw(mine.version)
    with pytest.raises(Conflict) as again:
        withdraw(mine.version + 1)

    assert again.value.code == "closed"
    found = Invitation.objects.get(pk=mine.pk)
    assert (found.revoked_at, found.version) == (now, mine.version + 1)
    assert Invitation.objects.get(pk=other.pk).revoked_at is None
    assert outbox.only("user.invitation_revoked")["invitation_id"] == str(mine.pk)


def test_who_tidies_up_is_told_how_many_went(carol):
    InvitationFactory(inviter=carol)

    assert invitations.purge_invitations(now=timezone.now() + timedelta(days=36)) == 0
    assert invitations.purge_invitations(now=timezone.now() + timedelta(days=38)) == 1
