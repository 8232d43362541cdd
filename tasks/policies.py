"""What a role may do, and where a role comes from. Pure: the role is asked for once, where the row is locked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from accounts.models import User
from core.errors import Conflict, NotAllowed
from tasks.models import Project, Role

ROLE_RANK = {None: 0, Role.VIEWER: 1, Role.COMMENTER: 2, Role.EDITOR: 3, Role.ADMIN: 4}


def highest(*roles: str | None) -> Role | None:
    known = [Role(role) for role in roles if role]
    return max(known, key=ROLE_RANK.__getitem__, default=None)


def effective_role(user: User, project: Project, membership: str | None) -> Role | None:
    """A member's role, raised by what the person is everywhere: staff read, administrators manage, inboxes stay private."""
    direct_role = Role(membership) if membership else None
    if project.is_inbox or not user.is_staff_or_admin:
        return direct_role
    if user.is_admin:
        return Role.ADMIN
    return direct_role or Role.VIEWER


def can_comment(role: Role | None) -> bool:
    return ROLE_RANK[role] >= ROLE_RANK[Role.COMMENTER]


def can_edit(role: Role | None) -> bool:
    return ROLE_RANK[role] >= ROLE_RANK[Role.EDITOR]


def can_share(role: Role | None) -> bool:
    """`role` is the one in the project: who was let see one task does not pass it on."""
    return can_edit(role)


def can_manage(role: Role | None) -> bool:
    return ROLE_RANK[role] >= ROLE_RANK[Role.ADMIN]


def can_explain_others(user: User, role: Role | None) -> bool:
    """Who else sees a thing, and why, is told to those who answer for it; `role` is the one in the project."""
    return can_manage(role) or (user.is_staff_or_admin and role is not None)


def require(allowed: bool, message: str) -> None:
    """Raise NotAllowed with this message unless allowed."""
    if not allowed:
        raise NotAllowed(message)


def require_editor(role: Role | None) -> None:
    require(can_edit(role), "You may read this project, not change it.")


def require_manager(role: Role | None) -> None:
    require(can_manage(role), "Only an admin of the project may do this.")


def require_not_archived(project: Project) -> None:
    """Raise Conflict when the project is archived, and so read-only."""
    if project.archived_at is not None:
        raise Conflict("The project is archived; restore it first.", code="archived")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFacts:
    """All that is written down about one person and one project, or one task in it.

    `own` is the role that they were given in the project, `teams` are names and roles of their teams in it, `share` is
    the role that was given with the task.
    """

    user: User
    project: Project
    is_task: bool = False
    direct_role: str | None = None
    teams: tuple[tuple[str, str], ...] = ()
    share: str | None = None
    shared_by: str = ""


class Reason(NamedTuple):
    """One thing that gives a role, or takes something away; then `role` is None."""

    code: str
    role: Role | None
    message: str


class Explanation(NamedTuple):
    role: Role | None
    permissions: dict[str, bool]
    reasons: list[Reason]


def explain(facts: AccessFacts) -> Explanation:
    """Say what a person may do, and why: the same rules as above, in words."""
    user, project = facts.user, facts.project
    member = highest(facts.direct_role, *(role for _, role in facts.teams))
    in_project = effective_role(user, project, member) if user.is_active else None
    role = highest(in_project, facts.share) if user.is_active else None
    reasons = [*_grants(facts), *_limits(facts)]
    if not any(reason.role for reason in reasons):
        reasons.insert(0, Reason("nothing", None, f"Nothing gives {user.name} access."))
    return Explanation(role, _permissions(facts, in_project, role), reasons)


def _permissions(facts: AccessFacts, in_project: Role | None, role: Role | None) -> dict[str, bool]:
    current = facts.project.archived_at is None
    found = {"see": role is not None, "comment": can_comment(role) and current, "edit": can_edit(role) and current}
    if facts.is_task:
        found |= {"delete": can_edit(in_project) and current, "share": can_share(in_project) and current}
    return found | {"manage_project": can_manage(in_project)}


def _grants(facts: AccessFacts) -> Iterator[Reason]:
    user, project = facts.user, facts.project
    name = user.name
    if facts.direct_role:
        role = Role(facts.direct_role)
        yield Reason("member", role, f"{name} is {_with_article(role)} of {project.name}.")
    for team, given in facts.teams:
        role = Role(given)
        yield Reason("team", role, f"{name} is in the team {team}, which is {_with_article(role)} of {project.name}.")
    if facts.share:
        role, by = Role(facts.share), f" by {facts.shared_by}" if facts.shared_by else ""
        yield Reason("share", role, f"This task was shared with {name} as {_with_article(role)}{by}.")
    if user.is_staff_or_admin and not project.is_inbox:
        yield _site_role_reason(user)


def _site_role_reason(user: User) -> Reason:
    if user.is_admin:
        message = f"{user.name} is an administrator: they manage every project that is not somebody's inbox."
        return Reason("administrator", Role.ADMIN, message)
    message = f"{user.name} belongs to staff: they read every project that is not somebody's inbox."
    return Reason("staff", Role.VIEWER, message)


def _limits(facts: AccessFacts) -> Iterator[Reason]:
    user, project = facts.user, facts.project
    if not user.is_active:
        yield Reason("deactivated", None, f"The account of {user.name} is deactivated: they cannot sign in.")
    if project.is_inbox:
        yield Reason("inbox", None, "This is somebody's own inbox, which neither staff nor administrators see.")
    if project.archived_at is not None:
        yield Reason("archived", None, f"{project.name} is archived: nothing in it changes until it is restored.")


def _with_article(role: Role) -> str:
    return f"an {role.label.lower()}" if role in {Role.EDITOR, Role.ADMIN} else f"a {role.label.lower()}"
