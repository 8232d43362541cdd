"""User accounts and profile pictures."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, Self

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone

from core.db import uuid7
from core.text import normalize_email
from core.validators import validate_single_line

ERASED_USER_NAME = "Former member"
MAX_LIST_COLUMNS = 12
_COLUMN_PATTERN = re.compile(r"[a-z][a-z_]{0,39}|field\.[a-z][a-z0-9_]{0,39}")


def validate_list_columns(names: list[str]) -> None:
    """Raise ValidationError unless these are names of columns, each once, at most MAX_LIST_COLUMNS."""
    if len(names) > MAX_LIST_COLUMNS or len(set(names)) < len(names) or not all(map(_COLUMN_PATTERN.fullmatch, names)):
        raise ValidationError(
            f"Name at most {MAX_LIST_COLUMNS} columns, each once, such as due or field.cost.", "invalid"
        )


class UserQuerySet(models.QuerySet["User"]):
    """Querysets of users."""

    def active(self) -> Self:
        return self.filter(is_active=True)

    def search(self, text: str, *, verified_only: bool = False) -> Self:
        """Filter by part of the name, beginning of the handle, or exact email address.

        With `verified_only`, the address counts only once it is verified: any visitor can register with an address that
        belongs to another person.
        """
        by_email = Q(email__iexact=text) & Q(_has_verified_email()) if verified_only else Q(email__iexact=text)
        return self.filter(Q(name__icontains=text) | Q(handle__istartswith=text) | by_email)

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this email address, in any case; Django's authentication backend calls it."""
        return self.get(email=normalize_email(username or ""))

    def with_verified_email(self) -> Self:
        return self.filter(_has_verified_email())


def _has_verified_email() -> Exists:
    return Exists(EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True))


class User(AbstractBaseUser):
    """A user account. `role` decides about permissions everywhere, `tier` about rate limits.

    A user of the kind `service` is a service account: it has no password and signs in with API keys only.
    """

    class Role(models.TextChoices):
        USER = "user"
        STAFF = "staff"
        ADMIN = "admin"

    class Tier(models.TextChoices):
        FREE = "free"
        PREMIUM = "premium"
        LOAD = "load"
        SERVICE = "service"

    class Kind(models.TextChoices):
        HUMAN = "human"
        SERVICE = "service"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    handle = models.CharField(
        max_length=40, unique=True, validators=[RegexValidator(r"\A[a-z0-9][a-z0-9._-]*\Z")], help_text="For @mentions."
    )
    name = models.CharField(max_length=120, validators=[validate_single_line])
    role = models.CharField(max_length=10, choices=Role, default=Role.USER)
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.FREE)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.HUMAN, db_default=Kind.HUMAN, editable=False)
    time_zone = models.CharField(max_length=60, default="UTC")
    language = models.CharField(max_length=10, default="en")
    theme = models.CharField(
        max_length=10, default="system", choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")]
    )
    density = models.CharField(
        max_length=12,
        default="comfortable",
        db_default="comfortable",
        choices=[("comfortable", "Comfortable"), ("compact", "Compact")],
    )
    week_start = models.CharField(
        max_length=10,
        default="monday",
        db_default="monday",
        choices=[("monday", "Monday"), ("sunday", "Sunday"), ("saturday", "Saturday")],
    )
    reminder_time = models.TimeField(
        default=time(9), db_default=time(9), help_text="When reminders of tasks that are due today are sent."
    )
    shortcuts = models.BooleanField(
        default=True, db_default=True, help_text="Single-key shortcuts on pages (WCAG 2.1.4)."
    )
    home = models.CharField(
        max_length=50,
        default="overview",
        db_default="overview",
        validators=[
            RegexValidator(
                r"\A(overview|my_tasks|tasks|calendar|inbox|board:[A-Z][A-Z0-9]{1,9}|filter:[0-9a-f-]{36})\Z",
                "Choose overview, my_tasks, tasks, calendar, inbox, board:KEY or filter:ID.",
            )
        ],
        help_text="The page that opens first.",
    )
    list_columns = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        validators=[validate_list_columns],
        help_text="Columns of task lists, in order; empty for the usual ones.",
    )
    # Repeated here so that lists of users can show pictures without a join.
    avatar = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Digest of the current accounts.Avatar; empty without one.",
    )
    # Queries look for single shared tasks only if this is set.
    is_guest = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Single tasks were shared with this user, outside of their projects.",
    )
    is_active = models.BooleanField(default=True)
    erased_at = models.DateTimeField(
        null=True, editable=False, help_text="When personal data was erased; only the contributions are left."
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserQuerySet.as_manager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name", "handle"]

    class Meta:
        constraints = [
            models.CheckConstraint(name="user_email_lowercase", condition=Q(email=Lower(F("email")))),
            models.CheckConstraint(name="user_role_valid", condition=Q(role__in=["user", "staff", "admin"])),
            models.CheckConstraint(
                name="service_account_no_password", condition=Q(kind="human") | Q(("password__startswith", "!"))
            ),
            models.CheckConstraint(name="service_account_not_admin", condition=Q(kind="human") | ~Q(role="admin")),
            models.CheckConstraint(name="user_erased_not_active", condition=Q(erased_at=None) | Q(is_active=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_admin(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def is_service(self) -> bool:
        return self.kind == self.Kind.SERVICE

    @property
    def is_staff_or_admin(self) -> bool:
        """Staff and administrators see every project except personal inboxes."""
        return self.role in {self.Role.STAFF, self.Role.ADMIN}

    # The names that Django's admin requires. Careful: `is_staff` means "administrator" here, not the role staff. Use
    # `is_admin` or `is_staff_or_admin` everywhere else.
    @property
    def is_staff(self) -> bool:
        return self.is_active and self.is_admin

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff

    def get_short_name(self) -> str:
        return self.name.split(" ")[0]


class EmailChange(models.Model):
    """A verified address that a user had before. For a while it can be restored, and no other account can take it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_changes")
    email = models.EmailField(max_length=254, db_index=True)
    changed_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.user_id} {self.changed_at:%Y-%m-%d %H:%M}"


class Avatar(models.Model):
    """A user's picture as WebP thumbnails; `digest` identifies this version in URLs and ETags."""

    # Edges in pixels for a list row, a page header and the settings page, each for screens of two dots per pixel.
    SIZES = (48, 96, 256)

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="avatar_image")
    digest = models.CharField(max_length=32)
    small = models.BinaryField()
    medium = models.BinaryField()
    large = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(name="avatar_digest_not_empty", condition=~models.Q(digest=""))]

    def __str__(self) -> str:
        return f"{self.user_id} {self.digest}"
