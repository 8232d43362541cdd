from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from accounts.models import ApiKey, Export, Invitation, Session, Team, User


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def matching(self, words: str) -> Self:
        return self.filter(Q(name__icontains=words) | Q(handle__istartswith=words) | Q(email__iexact=words))


class SessionQuerySet(models.QuerySet["Session"]):
    def open(self, now: datetime) -> Self:
        """Neither revoked nor expired; touches no other table, so an UPDATE may rest on it."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def alive(self, now: datetime) -> Self:
        return self.open(now).filter(user__is_active=True)


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> Self:
        if user.is_overseer:
            return self
        memberships = self.model.members.through.objects.filter(team=OuterRef("pk"), user=user)
        return self.filter(Exists(memberships))


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: datetime) -> Self:
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)

    def visible_to(self, user: User) -> Self:
        return self if user.is_overseer else self.filter(inviter=user)


class ExportQuerySet(models.QuerySet["Export"]):
    def current(self, now: datetime) -> Self:
        return self.filter(expires_at__gt=now)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def open(self, now: datetime) -> Self:
        """Neither revoked nor expired; touches no other table, so an UPDATE may rest on it."""
        return self.filter(revoked_at=None, expires_at__gt=now)

    def alive(self, now: datetime) -> Self:
        return self.open(now).filter(owner__is_active=True)

    def visible_to(self, user: User) -> Self:
        """One's own; administrators may look at, and end, whatever opens a door."""
        return self if user.is_admin else self.filter(owner=user)
