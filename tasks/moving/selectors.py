from __future__ import annotations

from typing import NamedTuple

from accounts.models import User
from tasks.items import selectors as items_selectors
from tasks.models import Project
from tasks.moving.notes import Note, list_changes, list_problems
from tasks.moving.plan import build_plan, moved_tasks, require_movable
from tasks.projects import selectors as projects_selectors


class MovePreview(NamedTuple):
    """Result that a move would have: `changes` do not come along as they are, `problems` prevent it."""

    project: Project
    task_count: int
    changes: list[Note]
    problems: list[Note]


def preview(user: User, ref: str, project: str) -> MovePreview:
    """Return the result that a move would have, without locks. Raises NotFound, NotAllowed, Conflict, Invalid."""
    task = items_selectors.get_task(user, ref)
    target = projects_selectors.get_project(user, project)
    require_movable(task.project, target, projects_selectors.roles_by_project(user, [task.project, target]))
    plan = build_plan(moved_tasks(task), target)
    return MovePreview(target, len(plan.placements), list(list_changes(plan)), list(list_problems(plan)))


def possible_targets(user: User, source: Project) -> list[Project]:
    """Return the other projects in which a user may create tasks."""
    return [project for project in projects_selectors.writable_projects(user) if project.pk != source.pk]
