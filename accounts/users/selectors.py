"""Queries for users, the staff directory, avatars and invitations."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext

from accounts import policies
from accounts.auth.one_time_tokens import hash_token
from accounts.models import Avatar, Invitation, Session, User
from core.db import get_or_404
from core.errors import NotFound, require
from core.text import normalize_email

USER_STATES = ("active", "inactive", "pending_deletion", "all")


def list_active_users(search: str = "") -> QuerySet[User]:
    """Return active users, optionally filtered by name, handle or verified email address."""
    users = User.objects.active()
    return users.search(search, verified_only=True) if search else users


def may_send_own_words(user: User) -> bool:
    """Return whether mails to strangers may contain what the user typed: not without a verified address."""
    return user.is_staff_or_admin or User.objects.with_verified_email().filter(pk=user.pk).exists()


def find_active_user(user_id: uuid.UUID) -> User | None:
    """Return an active user, or None."""
    return User.objects.active().filter(pk=user_id).first()


def get_user(user_id: uuid.UUID) -> User:
    """Return an active user. Raises NotFound."""
    return get_or_404(User.objects.active().filter(pk=user_id), "There is no such user.")


def get_by_email(email: str) -> User | None:
    """Return the user with this email address, active or not, or None."""
    return User.objects.filter(email=normalize_email(email)).first()


def find_active_by_email(*, email: str) -> User | None:
    """Return the active user with this email address, or None."""
    return User.objects.active().filter(email=normalize_email(email)).first()


def find_by_verified_email(*, email: str) -> User | None:
    """Return the active user who has verified this email address, or None.

    An unverified address proves nothing: any visitor can register with it.
    """
    return User.objects.active().with_verified_email().filter(email=normalize_email(email)).first()


def get_avatar(user_id: uuid.UUID, size: int) -> tuple[str, bytes]:
    """Return digest and WebP bytes of a user's picture, active or not. Raises NotFound."""
    column = dict(zip(Avatar.SIZES, ("small", "medium", "large"), strict=True)).get(size)
    row = Avatar.objects.filter(user=user_id).values_list("digest", column).first() if column else None
    if row is None:
        raise NotFound(gettext("There is no such picture."))
    return row[0], bytes(row[1])


def list_users(user: User, *, search: str = "", state: str = "active") -> QuerySet[User]:
    """Return the staff directory: all people in this one of USER_STATES, with `last_seen_at`. Raises NotAllowed."""
    require(policies.can_see_directory(user), "Only staff can see the directory.")
    filters = {
        "active": {"is_active": True},
        "inactive": {"is_active": False},
        "pending_deletion": {"deletion__isnull": False},
        "all": {},
    }[state]
    # A subquery rather than a join with GROUP BY: the list is paginated by name, and few rows are evaluated.
    last_seen = Session.objects.filter(user=OuterRef("pk")).order_by("-last_seen_at").values("last_seen_at")[:1]
    users = User.objects.filter(erased_at=None, kind=User.Kind.HUMAN, **filters)
    users = users.select_related("deletion").annotate(last_seen_at=Subquery(last_seen))
    return users.search(search) if search else users


def get_user_for_staff(user: User, user_id: uuid.UUID) -> User:
    """Return a user in the directory. Raises NotFound, NotAllowed."""
    return get_or_404(list_users(user, state="all").filter(pk=user_id), "There is no such user.")


def list_invitations(user: User) -> QuerySet[Invitation]:
    """Return the user's own invitations; all of them for staff."""
    return Invitation.objects.visible_to(user).select_related("inviter", "team")


def get_invitation(user: User, invitation_id: uuid.UUID) -> Invitation:
    """Return an invitation visible to the user. Raises NotFound."""
    return get_or_404(list_invitations(user).filter(pk=invitation_id), "There is no such invitation.")


def find_invitation(token: str, now: datetime) -> Invitation | None:
    """Return the open invitation with this token from an email link, or None."""
    matching = Invitation.objects.open(now).filter(token_hash=hash_token(token))
    return matching.select_related("inviter", "team").first()
