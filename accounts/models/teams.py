"""Teams, their members, and invitations by email."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.users import User
from core.db import uuid7
from core.validators import validate_single_line


class TeamQuerySet(models.QuerySet["Team"]):
    """Querysets of teams."""

    def visible_to(self, user: User) -> Self:
        """Return the teams the user is in; all of them for staff."""
        if user.is_staff_or_admin:
            return self
        return self.filter(Exists(TeamMember.objects.filter(team=OuterRef("pk"), user=user)))


class Team(models.Model):
    """A group of users that projects can be shared with as a whole."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120, validators=[validate_single_line])
    members: models.ManyToManyField[User, TeamMember] = models.ManyToManyField(
        User, through="TeamMember", related_name="teams"
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="team_name_unique")]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """A user's membership of a team; leads manage it."""

    class Role(models.TextChoices):
        MEMBER = "member"
        LEAD = "lead"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="team_member_unique")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Querysets of invitations."""

    def open(self, now: datetime) -> Self:
        """Return invitations that can still be accepted."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)

    def visible_to(self, user: User) -> Self:
        """Return the user's own invitations; all of them for staff."""
        return self if user.is_staff_or_admin else self.filter(inviter=user)


class Invitation(models.Model):
    """A single-use invitation to one email address. Only the hash of the link's token is stored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254)
    # PROTECT: users are never deleted, and erasing an account deletes its invitations first.
    inviter = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations")
    target = models.CharField(
        max_length=120, blank=True, default="", help_text="Name of the team, project or task the invitation leads to."
    )
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="invitation_email_lowercase", condition=Q(email=Lower(F("email")))),
            models.CheckConstraint(
                name="invitation_accepted_by_matches_accepted_at",
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["inviter", "-id"], name="invitation_by_inviter"),
            models.Index(fields=["email"], name="invitation_email"),
            models.Index(fields=["expires_at"], name="invitation_expiry"),
        ]

    def __str__(self) -> str:
        return f"{self.email} by {self.inviter_id}"
