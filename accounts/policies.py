"""Who may do what to people and teams."""

from __future__ import annotations

from django.conf import settings

from accounts.auth.mfa import enforcement
from accounts.models import Invitation, TeamMember, User
from core.errors import NotAllowed


def can_lead_team(user: User, membership: TeamMember | None) -> bool:
    return user.is_admin or (membership is not None and membership.role == TeamMember.Role.LEAD)


def can_invite(user: User) -> bool:
    """Into the instance; leads and project admins invite into what is theirs."""
    return user.is_staff_or_admin


def can_revoke_invitation(user: User, invitation: Invitation) -> bool:
    return user.is_admin or invitation.inviter_id == user.pk


def can_see_directory(user: User) -> bool:
    return user.is_staff_or_admin


def can_manage_users(user: User) -> bool:
    """And the accounts of programs."""
    return user.is_admin and user.is_active


def can_manage_keys(user: User, owner: User) -> bool:
    """To make a key is to act in its owner's name, which nobody may do for another person."""
    return user.pk == owner.pk or (user.is_admin and owner.is_service)


def mfa_setup_required(user: User, *, has_mfa: bool) -> bool:
    """Whether they have still to set up a second factor, of which the row that was read knows if they have one."""
    return enforcement.mfa_setup_required(kind=user.kind, role=user.role, has_mfa=has_mfa)


def mfa_setup_required_error() -> NotAllowed:
    """What a program is told that asks in the name of somebody who owes a factor."""
    page = f"{settings.SITE_URL}/settings/security/"
    words = f"This account needs a second factor first. Set one up at {page}, or by /_allauth/app/v1/account/authenticators/."
    return NotAllowed(words, code="mfa_setup_required")


def require_manager(user: User) -> None:
    require(can_manage_users(user), "Only administrators may do this.")


def require(allowed: bool, error: str) -> None:
    if not allowed:
        raise NotAllowed(error)
