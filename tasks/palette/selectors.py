"""Reads of the command palette; the number of queries and of results is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from core.errors import NotFound
from core.time_zones import sql_time_zone
from tasks import policies
from tasks.filters.selectors import TaskFilters, filter_visible
from tasks.items import selectors as items_selectors
from tasks.models import Category, Project, Task
from tasks.projects import selectors as projects_selectors
from tasks.sharing import selectors as sharing_selectors
from tasks.time_tracking.selectors import get_current_timer
from tasks.watching.selectors import watchers

MAX_TASKS = 8
MAX_PROJECTS = 5


def find_tasks(user: User, text: str, *, now: datetime) -> list[Task]:
    """Return some visible tasks of a key, or with the words of a text; the last changed first."""
    filters = TaskFilters(now=now, today=timezone.localdate(now), zone=sql_time_zone(user.time_zone), search=text)
    rows = filter_visible(user, filters).select_related("project", "state")
    return list(rows.defer("description", "description_html", "search").order_by("-updated_at", "-pk")[:MAX_TASKS])


def find_projects(user: User, text: str) -> list[Project]:
    """Return some current projects by words of the name or the beginning of the key."""
    names = Q()
    for word in text.split():
        names &= Q(name__icontains=word)
    rows = Project.objects.visible_to(user).current().filter(names | Q(key__istartswith=text.strip()))
    return list(rows.order_by("is_inbox", "name", "pk")[:MAX_PROJECTS])


@dataclass(frozen=True, slots=True)
class CurrentTask:
    """A task, and what decides which actions its reader is offered."""

    task: Task
    can_edit: bool
    is_member: bool
    is_watching: bool
    is_timer_running: bool
    done_status: str


def get_current_task(user: User, ref: str) -> CurrentTask | None:
    """Return a visible task with what its actions depend on; None for any other reference."""
    try:
        task = items_selectors.get_task(user, ref)
    except NotFound:
        return None
    project_role, role = sharing_selectors.project_and_task_role(user, task)
    timer = get_current_timer(user).timer
    states = projects_selectors.load_states(task.project)
    return CurrentTask(
        task,
        can_edit=task.project.archived_at is None and policies.can_edit(role),
        is_member=project_role is not None,
        is_watching=watchers(task.pk).filter(pk=user.pk).exists(),
        is_timer_running=timer is not None and timer.task_id == task.pk,
        done_status=next((state.slug for state in states if state.category == Category.DONE), ""),
    )
