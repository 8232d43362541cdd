"""Questions about people, sessions and teams."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db.models import Count, OuterRef, QuerySet, Subquery

from accounts import policies
from accounts.happenings import Happening, happening
from accounts.links import hash_of
from accounts.models import ApiKey, Avatar, Export, ExportPiece, Invitation, Session, Team, TeamMember, User
from core.errors import NotFound
from core.prepared import Bind, Statement, instance, names_of
from events.models import Event
from gateway.pagination import Slice, Sort, Window, take

LOG_SORTS = {"id": Sort("id")}


def directory(words: str = "") -> QuerySet[User]:
    """Every active person; the directory is open to whoever is signed in."""
    people: QuerySet[User] = User.objects.active()
    return people.matching(words) if words else people  # type: ignore[attr-defined]


def get_user(user_id: uuid.UUID) -> User:
    found: User | None = User.objects.active().filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


def identities_of(user: User) -> QuerySet[SocialAccount]:
    """The identities at providers that the person signs in with."""
    found: QuerySet[SocialAccount] = SocialAccount.objects.filter(user=user).order_by("pk")
    return found


def find_user(*, email: str) -> User | None:
    found: User | None = User.objects.active().filter(email=email.strip().lower()).first()
    return found


def live_session(session_id: uuid.UUID, now: datetime, *, as_of: str = "") -> Session | None:
    """The session behind a token, with its person, while both are good. Asked at every request.

    `as_of` is everybody's generation, for a request whose session the gateway has just found alive: until it is
    raised, which every change to a person does, the row is the same one, and need not be read again.
    """
    row = _known.get(session_id, as_of)
    if row is not None:
        session = _with_person(row)
        return session if session.expires_at > now else None
    for row in _live_session().run({"now": now, "id": session_id}):
        _known.put(session_id, as_of, row)
        return _with_person(row)
    return None


MOST_KNOWN = 10_000


class Known:
    """Rows of sessions and their people, all of one generation; kept in the process.

    Generation and rows are one value, so no thread can put a row of one generation among those of another.
    """

    def __init__(self) -> None:
        self.kept: tuple[str, dict[uuid.UUID, tuple[Any, ...]]] = ("", {})

    def get(self, session_id: uuid.UUID, as_of: str) -> tuple[Any, ...] | None:
        generation, rows = self.kept
        return rows.get(session_id) if as_of and as_of == generation else None

    def put(self, session_id: uuid.UUID, as_of: str, row: tuple[Any, ...]) -> None:
        if not as_of:
            return
        generation, rows = self.kept
        if generation != as_of or len(rows) >= MOST_KNOWN:
            rows = {}
            self.kept = (as_of, rows)
        rows[session_id] = row


_known = Known()


# What a request needs of them.
OF_SESSION = ("id", "user_id", "created_at", "expires_at")
OF_PERSON = [field.attname for field in User._meta.concrete_fields if field.attname != "password"]


@lru_cache(maxsize=1)
def _live_session() -> Statement:
    now: Any = Bind("now")
    rows = Session.objects.alive(now).filter(pk=Bind("id"), kind=Session.Kind.API)
    return Statement.always(rows.values_list(*OF_SESSION, *(f"user__{name}" for name in OF_PERSON)))


def _with_person(row: tuple[Any, ...]) -> Session:
    session = Session.from_db("default", OF_SESSION, row[: len(OF_SESSION)])
    session.user = User.from_db("default", OF_PERSON, row[len(OF_SESSION) :])
    return session


def browser_session(session_id: uuid.UUID, now: datetime) -> Session | None:
    """The session behind a browser's cookie, with its person, while both are good. Asked at every page."""
    for row in _browser_session().run({"now": now, "id": session_id}):
        session = instance(Session, row[: len(names_of(Session))])
        session.user = instance(User, row[len(names_of(Session)) :])
        return session
    return None


@lru_cache(maxsize=1)
def _browser_session() -> Statement:
    now: Any = Bind("now")
    rows = Session.objects.alive(now).filter(kind=Session.Kind.BROWSER, pk=Bind("id"))
    return Statement.always(rows.values_list(*names_of(Session), *(f"user__{name}" for name in names_of(User))))


def refreshable_session(session_id: uuid.UUID, user_id: uuid.UUID, now: datetime) -> Session | None:
    """The session that a refresh token names, with its person, while both are good."""
    named = Session.objects.alive(now).filter(pk=session_id, user=user_id, kind=Session.Kind.API)
    return named.select_related("user").first()


def sessions_of(user: User, now: datetime) -> QuerySet[Session]:
    """The browsers and programs in which somebody is signed in."""
    return Session.objects.alive(now).filter(user=user)


def knows_device(user_id: uuid.UUID, device: str) -> bool:
    """Whether this person has signed in with this device before; `device` is what accounts.devices.digest gives."""
    return Session.objects.filter(user=user_id, device=device).exists()


def api_keys(user: User) -> QuerySet[ApiKey]:
    """The keys that this account, a person's or a service's, has or had."""
    return ApiKey.objects.filter(owner=user).select_related("owner")


def get_api_key(user: User, key_id: uuid.UUID) -> ApiKey:
    found = ApiKey.objects.visible_to(user).select_related("owner").filter(pk=key_id).first()
    if found is None:
        raise NotFound("There is no such key.")
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


def teams(user: User) -> QuerySet[Team]:
    return Team.objects.visible_to(user).annotate(member_count=Count("memberships"))


def get_team(user: User, team_id: uuid.UUID) -> Team:
    found = teams(user).filter(pk=team_id).first()
    if found is None:
        raise NotFound("There is no such team.")
    return found


def team_members(team: Team) -> QuerySet[TeamMember]:
    return TeamMember.objects.filter(team=team).select_related("user").order_by("user__name", "user_id")


def get_team_member(team: Team, user_id: uuid.UUID) -> TeamMember:
    found = team_members(team).filter(user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the team.")
    return found


def get_picture(user_id: uuid.UUID, size: int) -> tuple[str, bytes]:
    """Return the name and the bytes of a person's picture; also of who is not active, for what they did is shown."""
    column = dict(zip(Avatar.SIZES, ("small", "medium", "large"), strict=True)).get(size)
    rows = Avatar.objects.filter(user=user_id)
    found = rows.values_list("digest", column).first() if column else None
    if found is None:
        raise NotFound("There is no such picture.")
    return found[0], bytes(found[1])


def invitations(user: User) -> QuerySet[Invitation]:
    """One's own; staff sees all."""
    return Invitation.objects.visible_to(user).select_related("inviter", "team")


def get_invitation(user: User, invitation_id: uuid.UUID) -> Invitation:
    found = invitations(user).filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def find_invitation(token: str, now: datetime) -> Invitation | None:
    """The open invitation that a link from a mail names."""
    named = Invitation.objects.open(now).filter(secret_hash=hash_of(token))
    return named.select_related("inviter", "team").first()


def exports(user: User, now: datetime) -> QuerySet[Export]:
    """One's own archives, nobody else's, as long as they last."""
    return Export.objects.current(now).filter(user=user)


def get_export(user: User, export_id: uuid.UUID, now: datetime) -> Export:
    found = exports(user, now).filter(pk=export_id).first()
    if found is None:
        raise NotFound("There is no such export.")
    return found


def archive(export: Export) -> Iterator[bytes]:
    """The archive's bytes, a piece at a time."""
    pieces = ExportPiece.objects.filter(export=export).values_list("data", flat=True)
    number = 0
    while data := pieces.filter(number=number).first():
        yield bytes(data)
        number += 1


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
