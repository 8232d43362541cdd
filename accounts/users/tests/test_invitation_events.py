"""What is told of an invitation: by the facts, with their actor and moment, and by the mail; and whose word it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Invitation, TeamMember, User
from accounts.tests.factories import InvitationFactory, TeamFactory, TeamMemberFactory, UserFactory
from accounts.users.invitations import services as invitations
from core.errors import NotAllowed, NotFound
from core.testing.database_state import table_digests
from events.models import Event
from notifications.email import services as email
from notifications.models import OutgoingEmail

pytestmark = pytest.mark.django_db
THEN = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LEAD = TeamMember.Role.LEAD


def told(name: str, invitation: Invitation) -> Event:
    return Event.objects.get(name=name, payload__invitation_id=str(invitation.pk))


def test_that_somebody_was_invited_is_told_of_the_inviter_at_that_moment(carol):
    invitation = invitations.invite(actor=carol, email=" Nina@Example.com ", now=THEN)

    fact = told("user.invited", invitation)
    assert (fact.actor_id, fact.subject_id, fact.occurred_at) == (carol.pk, carol.pk, THEN)
    assert (fact.payload["user"]["id"], fact.payload["user"]["name"]) == (str(carol.pk), "Carol")
    assert (invitation.email, invitation.created_at, invitation.expires_at) == (
        "nina@example.com", THEN, THEN + timedelta(days=7),
    )  # fmt: skip


def test_that_somebody_came_is_told_of_them_at_that_moment(carol):
    invitation = InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    then = timezone.now() - timedelta(hours=3)

    user = invitations.register_with_invitation(token="s3", name="Nina", password="a quiet river bends", now=then)

    fact = told("user.invitation_accepted", invitation)
    assert (fact.actor_id, fact.subject_id, fact.occurred_at) == (user.pk, user.pk, then)
    assert (fact.payload["user"]["id"], fact.payload["user"]["name"]) == (str(user.pk), "Nina")


def test_that_it_was_withdrawn_is_told_of_who_did_it_at_that_moment(carol, admin):
    invitation = invitations.invite(actor=carol, email="nina@example.com", now=THEN)

    invitations.revoke_invitation(actor=admin, invitation_id=invitation.pk, now=THEN + timedelta(hours=1))

    fact = told("user.invitation_revoked", invitation)
    assert (fact.actor_id, fact.subject_id, fact.occurred_at) == (admin.pk, admin.pk, THEN + timedelta(hours=1))
    assert Invitation.objects.get().revoked_at == THEN + timedelta(hours=1)


def test_the_mail_says_who_invites_into_what_and_until_when_in_the_inviters_time(alice, team, sink):
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Tokyo")
    alice.refresh_from_db()
    invitations.invite(actor=alice, email="nina@example.com", team_id=team.pk, now=THEN)

    email.deliver(email_id=OutgoingEmail.objects.get().pk, now=timezone.now())

    text = sink.only().get_body(("plain",)).get_content()
    assert sink.only()["Subject"] == "Alice invited you to Operations on TaskFlow"
    assert "11 May 2026, 18:30" in text
    assert Invitation.objects.get().target == "Operations"


def test_to_lead_another_team_is_no_leave_to_invite_into_this_one(alice):
    TeamMemberFactory(team=TeamFactory(name="Mine"), user=alice, role=LEAD)
    other = TeamMemberFactory(team=TeamFactory(name="Theirs"), user=alice).team
    TeamMemberFactory(team=other, role=LEAD)
    before = table_digests()

    with pytest.raises(NotAllowed):
        invitations.invite(actor=alice, email="nina@example.com", team_id=other.pk, now=THEN)

    assert table_digests() == before


@pytest.mark.parametrize("elsewhere", [True, False])
def test_whoever_leads_the_team_no_more_lets_nobody_in(elsewhere, alice):
    """Neither that they lead another one nor that somebody else leads this one makes their word good."""
    if elsewhere:
        TeamMemberFactory(team=TeamFactory(name="Another"), user=alice, role=LEAD)
    team = TeamFactory(name="Operations")
    TeamMemberFactory(team=team, role=LEAD)
    TeamMemberFactory(team=team, user=alice)
    InvitationFactory(inviter=alice, team=team, target=team.name, email="nina@example.com", secret="s3")
    before = table_digests()

    with pytest.raises(NotFound):
        invitations.register_with_invitation(
            token="s3", name="Nina", password="a quiet river bends", now=timezone.now()
        )

    assert table_digests() == before


def test_whoever_is_deactivated_lets_nobody_in(carol):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    User.objects.filter(pk=carol.pk).update(is_active=False)
    nina = UserFactory(handle="nina")
    before = table_digests()

    with pytest.raises(NotFound):
        invitations.accept_invitation(actor=nina, token="s3", now=timezone.now())

    assert table_digests() == before
