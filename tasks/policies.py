"""Permissions of a role, and where a role comes from. Pure functions: callers read the role under the row's lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, NotAllowed
from tasks.models import Project, Role

# Ranks instead of sets of permissions: each role permits all that the one below it does.
ROLE_RANK = {None: 0, Role.VIEWER: 1, Role.COMMENTER: 2, Role.EDITOR: 3, Role.ADMIN: 4}


def highest(*roles: str | None) -> Role | None:
    """Return the role that permits most; None counts as no role."""
    known = [Role(role) for role in roles if role]
    return max(known, key=ROLE_RANK.__getitem__, default=None)


def effective_role(user: User, project: Project, membership: str | None) -> Role | None:
    """Return a member's role, raised by the user's role on the site.

    Staff read every project and administrators manage it; inboxes stay private.
    """
    direct_role = Role(membership) if membership else None
    if project.is_inbox or not user.is_staff_or_admin:
        return direct_role
    if user.is_admin:
        return Role.ADMIN
    # Staff who are members keep what their membership permits.
    return direct_role or Role.VIEWER


def can_comment(role: Role | None) -> bool:
    """Return whether a role permits comments, in a project or on a shared task."""
    return ROLE_RANK[role] >= ROLE_RANK[Role.COMMENTER]


def can_edit(role: Role | None) -> bool:
    """Return whether a role permits changes to tasks, or to the shared task."""
    return ROLE_RANK[role] >= ROLE_RANK[Role.EDITOR]


def can_share(role: Role | None) -> bool:
    """Return whether this role in the project (not on the task) may share it."""
    return can_edit(role)


def can_manage(role: Role | None) -> bool:
    """Return whether a project role permits changes to the project, its members and teams."""
    return ROLE_RANK[role] >= ROLE_RANK[Role.ADMIN]


def can_explain_others(user: User, role: Role | None) -> bool:
    """Return whether a user with this project role may see the access of others."""
    return can_manage(role) or (user.is_staff_or_admin and role is not None)


def require_editor(role: Role | None) -> None:
    """Raise NotAllowed unless the role permits changes."""
    if not can_edit(role):
        raise NotAllowed(gettext("You may read this project, not change it."))


def require_manager(role: Role | None) -> None:
    """Raise NotAllowed unless the role is that of an admin of the project."""
    if not can_manage(role):
        raise NotAllowed(gettext("Only project admins can do this."))


def require_administrator(user: User, message: str) -> None:
    """Raise NotAllowed with this message unless the user is an administrator of the site."""
    if not user.is_admin:
        raise NotAllowed(message)


def require_not_archived(project: Project) -> None:
    """Raise Conflict when the project is archived, and so read-only."""
    if project.archived_at is not None:
        raise Conflict(gettext("The project is archived; restore it first."), code="archived")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """All that is stored about one user and one project, or one task in it.

    `direct_role` is the role in the project, `teams` are names and roles of the user's teams in it, `share` is the role
    on the task.
    """

    user: User
    project: Project
    is_task: bool = False
    direct_role: str | None = None
    teams: tuple[tuple[str, str], ...] = ()
    share: str | None = None
    shared_by: str = ""


class Reason(NamedTuple):
    """One source of a role, or a restriction; then `role` is None."""

    code: str
    role: Role | None
    message: str


class Explanation(NamedTuple):
    """Highest role of a user, permissions by name, and where they come from."""

    role: Role | None
    permissions: dict[str, bool]
    reasons: list[Reason]


def explain(record: AccessRecord) -> Explanation:
    """Return what a user may do and why, by the same rules as above."""
    user, project = record.user, record.project
    member = highest(record.direct_role, *(role for _, role in record.teams))
    # What is stored for a deactivated user gives no access; the reasons list it all the same.
    in_project = effective_role(user, project, member) if user.is_active else None
    role = highest(in_project, record.share) if user.is_active else None

    active = project.archived_at is None
    permissions = {"see": role is not None, "comment": can_comment(role) and active, "edit": can_edit(role) and active}
    if record.is_task:  # by the role in the project: a share permits neither
        permissions |= {"delete": can_edit(in_project) and active, "share": can_share(in_project) and active}
    permissions["manage_project"] = can_manage(in_project)

    reasons = list(_grants(record)) or [
        Reason("nothing", None, gettext("Nothing gives %(name)s access.") % {"name": user.name})
    ]
    if not user.is_active:
        message = gettext("The account of %(name)s is deactivated: they cannot sign in.") % {"name": user.name}
        reasons.append(Reason("deactivated", None, message))
    if project.is_inbox:
        message = gettext("This is the personal project of another user, which neither staff nor administrators see.")
        reasons.append(Reason("inbox", None, message))
    if not active:
        message = gettext("%(name)s is archived: nothing in it changes until it is restored.") % {"name": project.name}
        reasons.append(Reason("archived", None, message))
    return Explanation(role, permissions, reasons)


def _grants(record: AccessRecord) -> Iterator[Reason]:
    """Yield every source of a role, also those that a higher one hides."""
    user, project = record.user, record.project
    name = user.name
    if record.direct_role:
        role = Role(record.direct_role)
        yield Reason(
            "member",
            role,
            gettext("%(name)s is %(role)s of %(name2)s.")
            % {"name": name, "role": _with_article(role), "name2": project.name},
        )
    for team, team_role in record.teams:
        role = Role(team_role)
        yield Reason(
            "team",
            role,
            gettext("%(name)s is in the team %(team)s, which is %(role)s of %(name2)s.")
            % {"name": name, "team": team, "role": _with_article(role), "name2": project.name},
        )
    if record.share:
        role, by = Role(record.share), f" by {record.shared_by}" if record.shared_by else ""
        yield Reason(
            "share",
            role,
            gettext("This task was shared with %(name)s as %(role)s%(by)s.")
            % {"name": name, "role": _with_article(role), "by": by},
        )
    if user.is_admin and not project.is_inbox:
        message = gettext("%(name)s is an administrator: they manage every project except personal ones.") % {
            "name": name
        }
        yield Reason("administrator", Role.ADMIN, message)
    elif user.is_staff_or_admin and not project.is_inbox:
        message = gettext("%(name)s belongs to staff: they read every project except personal ones.") % {"name": name}
        yield Reason("staff", Role.VIEWER, message)


def _with_article(role: Role) -> str:
    return f"an {role.label.lower()}" if role in {Role.EDITOR, Role.ADMIN} else f"a {role.label.lower()}"
