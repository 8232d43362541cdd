"""Steps that several verbs take in the same way."""

from __future__ import annotations

from accounts.models import User
from core.errors import Conflict
from tasks import policies
from tasks.models import Project, Role, Task
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors as sharing_selectors


def require_editor(actor: User, project: Project) -> None:
    require_editor_role(projects_selectors.project_role(actor, project))


def require_task_editor(actor: User, task: Task) -> None:
    require_editor_role(sharing_selectors.task_role(actor, task))


def require_editor_role(role: Role | None) -> None:
    policies.require(policies.can_edit(role), "You may read this project, not change it.")


def require_manager(actor: User, project: Project) -> None:
    policies.require(
        policies.can_manage(projects_selectors.project_role(actor, project)),
        "Only an admin of the project may do this.",
    )


def require_not_archived(project: Project) -> None:
    """An archived project is kept as it is."""
    if project.archived_at is not None:
        raise Conflict("The project is archived; restore it first.", code="archived")
