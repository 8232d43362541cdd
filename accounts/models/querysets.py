from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import models
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from accounts.models.api_keys import ApiKey
    from accounts.models.exports import Export
    from accounts.models.invitations import Invitation
    from accounts.models.sessions import Session
    from accounts.models.teams import Team
    from accounts.models.users import User


def _has_verified_email() -> Exists:
    """Who has opened a link at their address: anybody can register with one of others."""
    return Exists(EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True))


# A recovery code stands in for a factor; alone it is none.
MFA_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_mfa_subquery(user: str) -> Exists:
    """Whether the person that this column of a row names has an authenticator app or a passkey."""
    return Exists(Authenticator.objects.filter(user=OuterRef(user), type__in=MFA_TYPES))


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def matching(self, search: str, *, proved: bool = False) -> Self:
        """`proved`: an address finds somebody only when it is known to be theirs."""
        by_address = Q(email__iexact=search) & Q(_has_verified_email()) if proved else Q(email__iexact=search)
        return self.filter(Q(name__icontains=search) | Q(handle__istartswith=search) | by_address)

    def with_verified_email(self) -> Self:
        return self.filter(_has_verified_email())


class SessionQuerySet(models.QuerySet["Session"]):
    def open(self, now: datetime) -> Self:
        """Neither revoked nor expired; touches no other table, so an UPDATE may rest on it."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def alive(self, now: datetime) -> Self:
        return self.open(now).filter(user__is_active=True)


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> Self:
        if user.is_staff_or_admin:
            return self
        memberships = self.model.members.through.objects.filter(team=OuterRef("pk"), user=user)
        return self.filter(Exists(memberships))


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: datetime) -> Self:
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)

    def visible_to(self, user: User) -> Self:
        return self if user.is_staff_or_admin else self.filter(inviter=user)


class ExportQuerySet(models.QuerySet["Export"]):
    def current(self, now: datetime) -> Self:
        return self.filter(expires_at__gt=now)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def open(self, now: datetime) -> Self:
        """Neither revoked nor expired; touches no other table, so an UPDATE may rest on it."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def ended(self, now: datetime) -> Self:
        return self.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=now))

    def alive(self, now: datetime) -> Self:
        return self.open(now).filter(owner__is_active=True)

    def visible_to(self, user: User) -> Self:
        """One's own; administrators may look at, and end, whatever opens a door."""
        return self if user.is_admin else self.filter(owner=user)
