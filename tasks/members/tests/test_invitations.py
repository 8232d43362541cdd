"""Invitations to a project by email, of registered and unknown addresses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.auth import one_time_tokens
from accounts.models import Invitation, User
from accounts.users.invitations import services as invitations_services
from core.errors import Conflict, NotAllowed, NotFound
from tasks.members import invitations
from tasks.models import ProjectInvitation, ProjectMember, Role

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def invite(actor, email, role=Role.EDITOR):
    """Invite, and give the invitation a link whose secret we know."""
    invitation = invitations.invite(actor=actor, ref="OPS", email=email, role=role, now=NOW)
    link = one_time_tokens.new_token()
    Invitation.objects.filter(pk=invitation.pk).update(token_hash=link.hash)
    return link.token


def role_of(user, project):
    return ProjectMember.objects.filter(project=project, user=user).values_list("role", flat=True).first()


def test_invited_new_user_joins_with_the_role(alice, project, outbox):
    token = invite(alice, "nina@example.com", Role.COMMENTER)

    with outbox.delivering():
        user = invitations_services.register_with_invitation(
            token=token, name="Nina", password="a quiet river bends", now=NOW
        )

    assert role_of(user, project) == "commenter"


def test_registered_invitee_is_member_only_after_accepting(alice, mallory, project, outbox):
    token = invite(alice, mallory.email)
    before = role_of(mallory, project)

    with outbox.delivering():
        invitations_services.accept_invitation(actor=mallory, token=token, now=NOW)

    assert (before, role_of(mallory, project)) == (None, "editor")


def test_existing_member_keeps_role_when_accepting(alice, bob, project, outbox):
    was = role_of(bob, project)
    token = invite(alice, bob.email, Role.VIEWER)

    with outbox.delivering():
        invitations_services.accept_invitation(actor=bob, token=token, now=NOW)

    assert role_of(bob, project) == was


@pytest.mark.parametrize(("who", "error"), [("bob", NotAllowed), ("carol", NotAllowed), ("mallory", NotFound)])
def test_only_an_admin_of_the_project_invites(who, error, request, project, outbox):
    user = request.getfixturevalue(who)

    with pytest.raises(error):
        invitations.invite(actor=user, ref="OPS", email="nina@example.com", role="viewer", now=NOW)

    assert (Invitation.objects.count(), outbox.names()) == (0, [])


def test_invitation_into_inbox_is_rejected(alice, inbox, outbox):
    with pytest.raises(Conflict):
        invitations.invite(actor=alice, ref=inbox.key, email="nina@example.com", role="viewer", now=NOW)

    assert Invitation.objects.count() == 0


def test_invitation_of_demoted_inviter_adds_nobody(alice, project, project_admin, outbox):
    token = invite(project_admin, "nina@example.com")
    ProjectMember.objects.filter(project=project, user=project_admin).update(role=Role.VIEWER)

    with outbox.delivering():
        user = invitations_services.register_with_invitation(
            token=token, name="Nina", password="a quiet river bends", now=NOW
        )

    assert role_of(user, project) is None


def test_delivered_twice_it_lets_in_once(alice, project, outbox):
    token = invite(alice, "nina@example.com")
    with outbox.delivering():
        user = invitations_services.register_with_invitation(
            token=token, name="Nina", password="a quiet river bends", now=NOW
        )
    key = ProjectInvitation.objects.get().pk

    again = invitations.accept_invitation(invitation_id=key)

    assert again is None
    assert ProjectMember.objects.filter(project=project, user=user).count() == 1


def test_unaccepted_invitation_adds_nobody(alice, mallory, project):
    invite(alice, mallory.email)

    assert invitations.accept_invitation(invitation_id=ProjectInvitation.objects.get().pk) is None
    assert role_of(mallory, project) is None


def test_project_that_is_gone_takes_its_invitations_along(alice, project, outbox):
    token = invite(alice, "nina@example.com")
    project.tasks.all().delete()
    project.delete()

    with outbox.delivering():
        user = invitations_services.register_with_invitation(
            token=token, name="Nina", password="a quiet river bends", now=NOW + timedelta(days=1)
        )

    assert User.objects.filter(pk=user.pk).exists()
    assert ProjectInvitation.objects.count() == 0
