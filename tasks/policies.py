"""What a role may do. Pure: the role is asked for once, where the row is locked."""

from __future__ import annotations

from accounts.models import User
from core.errors import NotAllowed
from tasks.models import Project, Role

RANK = {None: 0, Role.VIEWER: 1, Role.COMMENTER: 2, Role.EDITOR: 3, Role.ADMIN: 4}


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


def can_manage(role: Role | None) -> bool:
    return RANK[role] >= RANK[Role.ADMIN]


def require(allowed: bool, refusal: str) -> None:
    if not allowed:
        raise NotAllowed(refusal)
