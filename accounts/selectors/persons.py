"""Questions about people, and about what happened to their accounts."""

from __future__ import annotations

import uuid

from django.db.models import OuterRef, QuerySet, Subquery

from accounts import policies
from accounts.happenings import Happening, happening
from accounts.models import Avatar, Session, User
from core.errors import NotFound
from events.models import Event
from gateway.pagination import Slice, Sort, Window, take

LOG_SORTS = {"id": Sort("id")}


def directory(words: str = "") -> QuerySet[User]:
    """Every active person; the directory is open to whoever is signed in."""
    people: QuerySet[User] = User.objects.active()
    return people.matching(words, proved=True) if words else people  # type: ignore[attr-defined]


def active_person(user_id: uuid.UUID) -> User | None:
    found: User | None = User.objects.active().filter(pk=user_id).first()
    return found


def get_user(user_id: uuid.UUID) -> User:
    found = active_person(user_id)
    if found is None:
        raise NotFound("There is no such person.")
    return found


def owner_of(email: str) -> User | None:
    """Whose address this is, whether or not they may come in."""
    found: User | None = User.objects.filter(email=email.strip().lower()).first()
    return found


def find_user(*, email: str) -> User | None:
    found: User | None = User.objects.active().filter(email=email.strip().lower()).first()
    return found


def find_by_proved_address(*, email: str) -> User | None:
    """Whose address this is; nobody's while its owner has not confirmed it, as anybody can register with it."""
    found: User | None = User.objects.active().with_proved_address().filter(email=email.strip().lower()).first()
    return found


def service_accounts(user: User) -> QuerySet[User]:
    """Those of programs, for administrators; others manage none."""
    found: QuerySet[User] = User.objects.filter(kind=User.Kind.SERVICE)
    return found if policies.can_manage_people(user) else found.none()


def get_service_account(user: User, account_id: uuid.UUID) -> User:
    found = service_accounts(user).filter(pk=account_id).first()
    if found is None:
        raise NotFound("There is no such service account.")
    return found


def security_log(reader: User, whose: uuid.UUID | None, window: Window) -> Slice[Happening]:
    """What happened to somebody's account, newest first; None means everybody's. Others' are for administrators."""
    policies.require(whose == reader.pk or reader.is_admin, "Only administrators see what happened to others.")
    facts = Event.objects.filter(subject_type="user", **({"subject_id": whose} if whose else {}))
    piece = take(facts, window)
    happened = [happening(event) for event in piece.rows]
    return Slice(happened, piece.next, piece.previous, piece.count, piece.pages, piece.page)


def get_picture(user_id: uuid.UUID, size: int) -> tuple[str, bytes]:
    """Return the name and the bytes of a person's picture; also of who is not active, for what they did is shown."""
    column = dict(zip(Avatar.SIZES, ("small", "medium", "large"), strict=True)).get(size)
    rows = Avatar.objects.filter(user=user_id)
    found = rows.values_list("digest", column).first() if column else None
    if found is None:
        raise NotFound("There is no such picture.")
    return found[0], bytes(found[1])


STATES = ("active", "inactive", "leaving", "all")


def people(user: User, *, words: str = "", state: str = "active") -> QuerySet[User]:
    """Everybody with what staff may know of them: also who is not active, and when they were last seen."""
    policies.require(policies.can_see_directory(user), "Only staff sees the directory.")
    found: QuerySet[User] = User.objects.filter(erased_at=None, kind=User.Kind.PERSON).select_related("departure")
    wanted = {"active": {"is_active": True}, "inactive": {"is_active": False}, "leaving": {"departure__isnull": False}}
    found = found.filter(**wanted.get(state, {}))
    seen = Session.objects.filter(user=OuterRef("pk")).order_by("-rotated_at").values("rotated_at")[:1]
    found = found.annotate(last_seen_at=Subquery(seen))
    return found.matching(words) if words else found  # type: ignore[attr-defined]


def get_person(user: User, person_id: uuid.UUID) -> User:
    found = people(user, state="all").filter(pk=person_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found
