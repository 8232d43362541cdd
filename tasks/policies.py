"""What a role may do, and where a role comes from. Pure: the role is asked for once, where the row is locked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from accounts.models import User
from core.errors import NotAllowed
from tasks.models import Project, Role

RANK = {None: 0, Role.VIEWER: 1, Role.COMMENTER: 2, Role.EDITOR: 3, Role.ADMIN: 4}


def highest(*roles: str | None) -> Role | None:
    known = [Role(role) for role in roles if role]
    return max(known, key=RANK.__getitem__, default=None)


def effective_role(user: User, project: Project, membership: str | None) -> Role | None:
    """A member's role, raised by what the person is everywhere: staff read, administrators manage, inboxes stay private."""
    own = Role(membership) if membership else None
    if project.is_inbox or not user.is_overseer:
        return own
    if user.is_admin:
        return Role.ADMIN
    return own or Role.VIEWER


def can_comment(role: Role | None) -> bool:
    return RANK[role] >= RANK[Role.COMMENTER]


def can_edit(role: Role | None) -> bool:
    return RANK[role] >= RANK[Role.EDITOR]


def can_share(role: Role | None) -> bool:
    """`role` is the one in the project: who was let see one task does not pass it on."""
    return can_edit(role)


def can_manage(role: Role | None) -> bool:
    return RANK[role] >= RANK[Role.ADMIN]


def can_ask_about_others(user: User, role: Role | None) -> bool:
    """Who else sees a thing, and why, is told to those who answer for it; `role` is the one in the project."""
    return can_manage(role) or (user.is_overseer and role is not None)


def require(allowed: bool, refusal: str) -> None:
    if not allowed:
        raise NotAllowed(refusal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that is written down about one person and one project, or one task in it.

    `own` is the role that they were given in the project, `teams` are names and roles of their teams in it, `share` is
    the role that was given with the task.
    """

    person: User
    project: Project
    is_task: bool = False
    own: str | None = None
    teams: tuple[tuple[str, str], ...] = ()
    share: str | None = None
    shared_by: str = ""


class Reason(NamedTuple):
    """One thing that gives a role, or takes something away; then `role` is None."""

    code: str
    role: Role | None
    words: str


class Explanation(NamedTuple):
    role: Role | None
    may: dict[str, bool]
    reasons: list[Reason]


def explain(standing: Standing) -> Explanation:
    """Say what a person may do, and why: the same rules as above, in words."""
    person, project = standing.person, standing.project
    member = highest(standing.own, *(role for _, role in standing.teams))
    in_project = effective_role(person, project, member) if person.is_active else None
    role = highest(in_project, standing.share) if person.is_active else None
    reasons = [*_grants(standing), *_limits(standing)]
    if not any(reason.role for reason in reasons):
        reasons.insert(0, Reason("nothing", None, f"Nothing gives {person.name} access."))
    return Explanation(role, _may(standing, in_project, role), reasons)


def _may(standing: Standing, in_project: Role | None, role: Role | None) -> dict[str, bool]:
    current = standing.project.archived_at is None
    found = {"see": role is not None, "comment": can_comment(role) and current, "edit": can_edit(role) and current}
    if standing.is_task:
        found |= {"delete": can_edit(in_project) and current, "share": can_share(in_project) and current}
    return found | {"manage_project": can_manage(in_project)}


def _grants(standing: Standing) -> Iterator[Reason]:
    person, project = standing.person, standing.project
    name = person.name
    if standing.own:
        role = Role(standing.own)
        yield Reason("member", role, f"{name} is {_a(role)} of {project.name}.")
    for team, given in standing.teams:
        role = Role(given)
        yield Reason("team", role, f"{name} is in the team {team}, which is {_a(role)} of {project.name}.")
    if standing.share:
        role, by = Role(standing.share), f" by {standing.shared_by}" if standing.shared_by else ""
        yield Reason("share", role, f"This task was shared with {name} as {_a(role)}{by}.")
    if person.is_overseer and not project.is_inbox:
        yield _by_standing(person)


def _by_standing(person: User) -> Reason:
    if person.is_admin:
        words = f"{person.name} is an administrator: they manage every project that is not somebody's inbox."
        return Reason("administrator", Role.ADMIN, words)
    words = f"{person.name} belongs to staff: they read every project that is not somebody's inbox."
    return Reason("staff", Role.VIEWER, words)


def _limits(standing: Standing) -> Iterator[Reason]:
    person, project = standing.person, standing.project
    if not person.is_active:
        yield Reason("deactivated", None, f"The account of {person.name} is deactivated: they cannot sign in.")
    if project.is_inbox:
        yield Reason("inbox", None, "This is somebody's own inbox, which neither staff nor administrators see.")
    if project.archived_at is not None:
        yield Reason("archived", None, f"{project.name} is archived: nothing in it changes until it is restored.")


def _a(role: Role) -> str:
    return f"an {role.label.lower()}" if role in {Role.EDITOR, Role.ADMIN} else f"a {role.label.lower()}"
