"""Events and mails of invitations, and the inviter's permission."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from accounts.models import Invitation, Team, TeamMember, User
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


def published(name: str, invitation: Invitation) -> Event:
    return Event.objects.get(name=name, payload__invitation_id=str(invitation.pk))


def test_invited_event_names_inviter_and_time(carol):
    invitation = invitations.invite(actor=carol, email=" Nina@Example.com ", now=THEN)

    event = published("user.invited", invitation)
    assert (event.actor_id, event.subject_id, event.occurred_at) == (carol.pk, carol.pk, THEN)
    assert (event.payload["user"]["id"], event.payload["user"]["name"]) == (str(carol.pk), "Carol")
    assert (invitation.email, invitation.created_at, invitation.expires_at) == (
        "nina@example.com", THEN, THEN + timedelta(days=7),
    )  # fmt: skip


def test_accepted_event_names_new_user_and_time(carol):
    invitation = InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    then = timezone.now() - timedelta(hours=3)

    user = invitations.register_with_invitation(token="s3", name="Nina", password="a quiet river bends", now=then)

    event = published("user.invitation_accepted", invitation)
    assert (event.actor_id, event.subject_id, event.occurred_at) == (user.pk, user.pk, then)
    assert (event.payload["user"]["id"], event.payload["user"]["name"]) == (str(user.pk), "Nina")


def test_revoked_event_names_actor_and_time(carol, admin):
    invitation = invitations.invite(actor=carol, email="nina@example.com", now=THEN)

    invitations.revoke_invitation(actor=admin, invitation_id=invitation.pk, now=THEN + timedelta(hours=1))

    event = published("user.invitation_revoked", invitation)
    assert (event.actor_id, event.subject_id, event.occurred_at) == (admin.pk, admin.pk, THEN + timedelta(hours=1))
    assert Invitation.objects.get().revoked_at == THEN + timedelta(hours=1)


def test_invitation_mail_names_team_and_expiry_in_local_time(alice, team, sink):
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Tokyo")
    alice.refresh_from_db()
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    invitations.invite(actor=alice, email="nina@example.com", team_id=team.pk, now=THEN)

    email.send(email_id=OutgoingEmail.objects.get().pk, now=timezone.now())

    text = sink.only().get_body(("plain",)).get_content()
    assert sink.only()["Subject"] == "Alice invited you to Operations on TaskFlow"
    assert "11 May 2026, 18:30" in text
    assert Invitation.objects.get().target == "Operations"


def test_unverified_inviter_mails_none_of_their_words(alice, team, sink):
    User.objects.filter(pk=alice.pk).update(name="Free phones at example.org")
    Team.objects.filter(pk=team.pk).update(name="Click evil.example")
    alice.refresh_from_db()

    def invite(address):
        invitations.invite(actor=alice, email=address, team_id=team.pk, now=THEN)
        email.send(email_id=OutgoingEmail.objects.get(to=address).pk, now=timezone.now())

    invite("nina@example.com")
    # An address that was verified, and is no longer that of the account, does not count.
    EmailAddress.objects.create(user=alice, email="old@example.com", verified=True)
    invite("nino@example.com")
    for message in sink.messages:
        assert message["Subject"] == "You are invited to TaskFlow"
        content = "".join(message.get_body((subtype,)).get_content() for subtype in ("plain", "html"))
        assert "/invitation" in content
        assert not {"Free", "evil"} & set(re.findall(r"\w+", content))

    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    invite("noah@example.com")
    assert sink.messages[-1]["Subject"] == "Free phones at example.org invited you to Click evil.example on TaskFlow"


def test_lead_of_another_team_cannot_invite(alice):
    TeamMemberFactory(team=TeamFactory(name="Mine"), user=alice, role=LEAD)
    other = TeamMemberFactory(team=TeamFactory(name="Theirs"), user=alice).team
    TeamMemberFactory(team=other, role=LEAD)
    before = table_digests()

    with pytest.raises(NotAllowed):
        invitations.invite(actor=alice, email="nina@example.com", team_id=other.pk, now=THEN)

    assert table_digests() == before


@pytest.mark.parametrize("elsewhere", [True, False])
def test_invitation_of_a_former_lead_is_not_valid(elsewhere, alice):
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


def test_invitation_of_a_deactivated_inviter_is_not_valid(carol):
    InvitationFactory(inviter=carol, email="nina@example.com", secret="s3")
    User.objects.filter(pk=carol.pk).update(is_active=False)
    nina = UserFactory(handle="nina")
    before = table_digests()

    with pytest.raises(NotFound):
        invitations.accept_invitation(actor=nina, token="s3", now=timezone.now())

    assert table_digests() == before
