"""Questions about people, and about what happened to their accounts."""

from __future__ import annotations

import uuid

from django.db.models import OuterRef, QuerySet, Subquery

from accounts import policies
from accounts.models import Avatar, Session, User
from core.errors import NotFound


def list_active_users(search: str = "") -> QuerySet[User]:
    """Every active person; the directory is open to whoever is signed in."""
    people: QuerySet[User] = User.objects.active()
    return people.matching(search, proved=True) if search else people  # type: ignore[attr-defined]


def find_active_user(user_id: uuid.UUID) -> User | None:
    found: User | None = User.objects.active().filter(pk=user_id).first()
    return found


def get_user(user_id: uuid.UUID) -> User:
    found = find_active_user(user_id)
    if found is None:
        raise NotFound("There is no such person.")
    return found


def get_by_email(email: str) -> User | None:
    """Whose address this is, whether or not they may come in."""
    found: User | None = User.objects.filter(email=email.strip().lower()).first()
    return found


def find_active_by_email(*, email: str) -> User | None:
    found: User | None = User.objects.active().filter(email=email.strip().lower()).first()
    return found


def find_by_verified_email(*, email: str) -> User | None:
    """Whose address this is; nobody's while its owner has not confirmed it, as anybody can register with it."""
    found: User | None = User.objects.active().with_verified_email().filter(email=email.strip().lower()).first()
    return found


def get_avatar(user_id: uuid.UUID, size: int) -> tuple[str, bytes]:
    """Return the name and the bytes of a person's picture; also of who is not active, for what they did is shown."""
    column = dict(zip(Avatar.SIZES, ("small", "medium", "large"), strict=True)).get(size)
    rows = Avatar.objects.filter(user=user_id)
    found = rows.values_list("digest", column).first() if column else None
    if found is None:
        raise NotFound("There is no such picture.")
    return found[0], bytes(found[1])


USER_STATES = ("active", "inactive", "pending_deletion", "all")


def list_users(user: User, *, search: str = "", state: str = "active") -> QuerySet[User]:
    """Everybody with what staff may know of them: also who is not active, and when they were last seen."""
    policies.require(policies.can_see_directory(user), "Only staff sees the directory.")
    found: QuerySet[User] = User.objects.filter(erased_at=None, kind=User.Kind.PERSON).select_related("deletion")
    wanted = {
        "active": {"is_active": True},
        "inactive": {"is_active": False},
        "pending_deletion": {"deletion__isnull": False},
    }
    found = found.filter(**wanted.get(state, {}))
    seen = Session.objects.filter(user=OuterRef("pk")).order_by("-rotated_at").values("rotated_at")[:1]
    found = found.annotate(last_seen_at=Subquery(seen))
    return found.matching(search) if search else found  # type: ignore[attr-defined]


def get_user_for_staff(user: User, user_id: uuid.UUID) -> User:
    found = list_users(user, state="all").filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found
