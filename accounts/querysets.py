from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from accounts.models import Session, Team, User


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
