"""Inviting people by email, and accepting, revoking and purging invitations."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from accounts import events, policies
from accounts.auth import account_emails, one_time_tokens
from accounts.auth.passwords.validators import check_not_breached, check_password_strength
from accounts.events import user_payload
from accounts.models import Invitation, Team, TeamMember, User
from accounts.teams import selectors as teams_selectors
from accounts.teams import services as teams
from accounts.users import selectors
from accounts.users.locales import DEFAULT_LOCALE, Locale
from accounts.users.services import create_user_with_password
from core.db import get_or_404
from core.errors import Conflict, NotAllowed, NotFound, require
from core.etags import check_version
from core.text import normalize_email
from events.outbox import publish

INVITATION_TTL = timedelta(days=7)
RETENTION = timedelta(days=30)
INVALID_INVITATION = gettext_noop(
    "This invitation is no longer valid. It was used or withdrawn, or is older than a week. Ask for a new one."
)


@transaction.atomic
def invite(*, actor: User, email: str, now: datetime, team_id: uuid.UUID | None = None) -> Invitation:
    """Invite an email address to the instance (staff) or to a team (its leads). Raises NotFound, NotAllowed.

    The result does not tell whether there is an account with this address.
    """
    if team_id is None:
        require(policies.can_invite(actor), "Only staff can invite people.")
        return create_invitation(actor=actor, email=email, now=now)
    team = teams_selectors.get_team(actor, team_id)
    # A team that the actor cannot see is not found; one they see but do not lead is forbidden.
    membership = TeamMember.objects.filter(team=team, user=actor).first()
    require(policies.can_lead_team(actor, membership), "Only leads of the team can do this.")
    return create_invitation(actor=actor, email=email, now=now, team=team, target=team.name)


@transaction.atomic
def create_invitation(
    *, actor: User, email: str, now: datetime, team: Team | None = None, target: str = ""
) -> Invitation:
    """Create and mail an invitation; the caller has checked the actor's permission.

    `target` is the name of the team, project or task that the invitation leads to.
    """
    link = one_time_tokens.new_token()
    # Names are words too: "Free phones at example.com" invited you to "Click here".
    may_send_own_words = selectors.may_send_own_words(actor)
    invitation = Invitation.objects.create(
        email=normalize_email(email),
        inviter=actor,
        team=team,
        target=target,
        token_hash=link.hash,
        created_at=now,
        expires_at=now + INVITATION_TTL,
    )
    context = {
        "actor_name": actor.name if may_send_own_words else "",
        "target": target if may_send_own_words else "",
        "accept_path": link.path("invitation"),
        "expires_at": invitation.expires_at.isoformat(),
        "time_zone": actor.time_zone,
        "language": actor.language,
    }
    account_emails.enqueue(kind="invitation", to=invitation.email, context=context, dedup_key=str(invitation.pk))
    publish(events.UserInvited(user=user_payload(actor), invitation_id=str(invitation.pk)), actor=actor, at=now)
    return invitation


def register_with_invitation(
    *, token: str, name: str, password: str, now: datetime, locale: Locale = DEFAULT_LOCALE
) -> User:
    """Register with an invitation, which verifies the email address. Raises NotFound, Invalid, Conflict."""
    check_not_breached(password)
    with transaction.atomic():
        invitation = _lock_open_invitation(token, now)
        # The owner of the address holds the link, so this reveals nothing to others.
        if User.objects.filter(email=invitation.email).exists():
            raise Conflict(
                gettext("An account with this email address already exists. Sign in to accept."),
                code="already_registered",
            )
        check_password_strength(password, User(email=invitation.email, name=name))
        user = create_user_with_password(
            email=invitation.email, name=name, password=password, is_verified=True, locale=locale
        )
        return _accept(invitation, user, now)


@transaction.atomic
def accept_invitation(*, actor: User, token: str, now: datetime) -> User:
    """Accept an invitation with an existing account. Raises NotFound, NotAllowed."""
    invitation = _lock_open_invitation(token, now)
    if invitation.email != actor.email:
        raise NotAllowed(gettext("This invitation is for another email address."), code="another_address")
    return _accept(invitation, actor, now)


@transaction.atomic
def revoke_invitation(
    *, actor: User, invitation_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Withdraw an open invitation. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    invitation = get_or_404(
        Invitation.objects.visible_to(actor).select_for_update().filter(pk=invitation_id),
        "There is no such invitation.",
    )
    may_revoke = policies.can_revoke_invitation(actor, invitation)
    require(may_revoke, "Only the inviter and administrators can do this.")
    check_version(invitation, versions)
    # The UPDATE decides: an invitation accepted since it was read is not revoked.
    is_pending = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not is_pending.update(revoked_at=now, version=F("version") + 1):
        raise Conflict(gettext("This invitation was already accepted or withdrawn."), code="closed")
    publish(events.InvitationRevoked(user=user_payload(actor), invitation_id=str(invitation.pk)), actor=actor, at=now)


def purge_invitations(*, now: datetime) -> int:
    """Delete invitations that expired more than RETENTION ago; return the number of deleted rows."""
    removed, _ = Invitation.objects.filter(expires_at__lt=now - RETENTION).delete()
    return removed


def _lock_open_invitation(token: str, now: datetime) -> Invitation:
    """Lock the open invitation of this token; a second request waits here and raises NotFound."""
    matching = Invitation.objects.open(now).filter(token_hash=one_time_tokens.hash_token(token))
    # of=self: team and inviter are joined but not locked.
    invitation = matching.select_for_update(of=("self",)).select_related("team", "inviter").first()
    if invitation is None or not _inviter_may_still_invite(invitation):
        raise NotFound(INVALID_INVITATION)
    return invitation


def _inviter_may_still_invite(invitation: Invitation) -> bool:
    """Return whether the inviter still has the permission. For projects and tasks, the app `tasks` checks it."""
    inviter = invitation.inviter
    if invitation.team is not None:
        membership = TeamMember.objects.filter(team=invitation.team, user=inviter).first()
        return inviter.is_active and policies.can_lead_team(inviter, membership)
    # Without a team, a target means that the invitation belongs to a project or task.
    return inviter.is_active and (policies.can_invite(inviter) or invitation.target != "")


def _accept(invitation: Invitation, user: User, now: datetime) -> User:
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=now, accepted_by=user, version=F("version") + 1)
    if invitation.team is not None:
        # The inviter is the actor: they hold the permission to add members.
        teams.join(actor=invitation.inviter, team=invitation.team, user=user)
    publish(events.InvitationAccepted(user=user_payload(user), invitation_id=str(invitation.pk)), actor=user, at=now)
    return user
