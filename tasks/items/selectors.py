from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_noop

from accounts.models import User
from core.api.fields import UUID_PATTERN
from core.errors import Conflict, NotFound
from core.sql_templates import Param, Statement, from_row, select_columns
from events import selectors as events_selectors
from events.models import Event
from tasks import policies
from tasks.events import TaskPayload, task_payload
from tasks.items.progress import guest_id, progress_columns, visible_subtask_counts
from tasks.items.task_columns import LIST_EXTRAS, TaskColumns, select_task_columns
from tasks.models import Label, Project, ProjectMember, Role, State, Task, TaskAssignee, TaskShare
from tasks.models.task import TASK_KEY_PATTERN, TaskQuerySet
from tasks.projects import selectors as projects_selectors

# task.shared and the like name people that not every reader may know of.
ACTIVITY_EVENTS = (
    "task.created",
    "task.updated",
    "task.moved_to_project",
    "task.moved_with_parent",
    "task.commented",
    "task.relation_added",
    "task.relation_removed",
    "task.attachment_added",
    "task.attachment_deleted",
    "task.attachment_restored",
    "task.attachment_infected",
    "task.checklist_item_added",
    "task.checklist_item_changed",
    "task.checklist_item_removed",
    "task.converted_to_item",
    "task.recurrence_changed",
    "task.time_logged",
    "task.time_entry_changed",
    "task.time_entry_deleted",
    "task.repeated",
    "task.deleted",
    "task.restored",
)
TASK_NOT_FOUND = gettext_noop("There is no such task.")
MOVED_MEANWHILE = gettext_noop("The task was deleted or moved to another project meanwhile. Reload and try again.")


def parse_ref(ref: str) -> uuid.UUID | tuple[str, int]:
    """Return the task id, or the project key and number of a human key (`OPS-42`). Raises NotFound for other text."""
    if UUID_PATTERN.match(ref):
        return uuid.UUID(ref)
    if key := TASK_KEY_PATTERN.match(ref):
        return key[1].upper(), int(key[2])
    raise NotFound(TASK_NOT_FOUND)


def get_task(user: User, ref: str | uuid.UUID) -> Task:
    """Return one visible task with its relations, as pages show it. Raises NotFound."""
    parsed, tasks = parse_ref(str(ref)), Task.objects.visible_to(user).with_relations()
    task = tasks.by_ref(parsed).first()
    if task is None and isinstance(parsed, tuple):
        task = tasks.by_former_key(parsed).first()
    if task is None:
        raise NotFound(TASK_NOT_FOUND)
    # A guest may see a task by a share without seeing its parent.
    if task.parent_id and user.is_guest and task.parent_id not in visible_ids(user, {task.parent_id}):
        task.parent = None
    return task


def get_task_columns(user: User, ref: str) -> TaskColumns:
    """Return one visible task as GET and every write of the API answer it. Raises NotFound."""
    parsed = parse_ref(ref)
    by_key = isinstance(parsed, tuple)
    values = {"key": parsed[0], "number": parsed[1]} if isinstance(parsed, tuple) else {"id": parsed}
    statement = _columns_statement(user.is_staff_or_admin, user.is_guest, by_key)
    rows = statement.run({"reader": user.pk, **values}) if statement else []
    if not rows:
        return get_task_columns(user, str(find_moved(parsed)))
    task = TaskColumns(*rows[0])
    return hide_parents(user, [task])[0] if user.is_guest else task


def find_moved(ref: uuid.UUID | tuple[str, int]) -> uuid.UUID:
    """Return the id of the task that had this key in another project. Raises NotFound, for an id too."""
    task_id = None
    if isinstance(ref, tuple):
        task_id = Task.objects.by_former_key(ref).values_list("pk", flat=True).first()
    if task_id is None:
        raise NotFound(TASK_NOT_FOUND)
    return task_id


def visible_project_id(user: User, ref: uuid.UUID | tuple[str, int]) -> tuple[uuid.UUID, uuid.UUID] | None:
    """Return the ids of a visible task and its project; None without one."""
    tasks = Task.objects.visible_to(user)
    ids = tasks.by_ref(ref).values_list("pk", "project_id").first()
    if ids is None and isinstance(ref, tuple):
        ids = tasks.by_former_key(ref).values_list("pk", "project_id").first()
    return ids


# Eight statements, here and below: for staff or not, for guests or not, by key or id.
@lru_cache(maxsize=8)
def _columns_statement(as_staff: bool, guest: bool, by_key: bool) -> Statement | None:
    return select_task_columns(_visible_by_ref(as_staff, guest, by_key), include=frozenset(LIST_EXTRAS))


def _visible_by_ref(as_staff: bool, guest: bool, by_key: bool) -> TaskQuerySet:
    """Return the task of the parameters `key` and `number`, or `id`, if `reader` sees it."""
    tasks = Task.objects.visible_to_id(Param("reader"), as_staff=as_staff, guest=guest)
    return tasks.filter(project__key=Param("key"), number=Param("number")) if by_key else tasks.filter(pk=Param("id"))


def hide_parents(user: User, tasks: list[TaskColumns]) -> list[TaskColumns]:
    """Remove the parents that a guest may not see, and hidden subtasks from the counts."""
    parents = {task.parent_id for task in tasks if task.parent_id}
    # One query for the whole list, and none if no task has a parent.
    hidden = parents - visible_ids(user, parents) if parents else set()
    if with_subtasks := [task.id for task in tasks if task.subtask_counts]:
        counts = visible_subtask_counts(user, with_subtasks)
        tasks = [task._replace(subtask_counts=counts.get(task.id)) if task.subtask_counts else task for task in tasks]
    return [task._replace(parent_id=None) if task.parent_id in hidden else task for task in tasks]


def visible_ids(user: User, task_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the task ids that the user may see."""
    return set(Task.objects.visible_to(user).filter(pk__in=task_ids).values_list("pk", flat=True))


def has_share_only_access(user: User, task: Task) -> bool:
    """Return whether the user sees the task by a share alone, not its project."""
    return user.is_guest and projects_selectors.project_role(user, task.project) is None


def list_subtasks(user: User, task: Task) -> QuerySet[Task]:
    """Return the subtasks that a user sees, in their manual order."""
    subtasks = Task.objects.visible_to(user).filter(parent=task).with_relations().order_by("position")
    return subtasks.annotate(**progress_columns(guest=guest_id(user)))


def count_subtasks(user: User, task: Task) -> tuple[int, int]:
    """Return how many subtasks a user sees, and how many of them are closed."""
    rows = Task.objects.visible_to(user).filter(parent=task)
    counts = rows.aggregate(count=Count("pk"), closed=Count("pk", filter=Q(closed_at__isnull=False)))
    return counts["count"], counts["closed"]


def list_activity(task: Task) -> QuerySet[Event]:
    """Return the task's events that its readers may see; order by -id for the newest first."""
    return events_selectors.events_about(task.pk, names=ACTIVITY_EVENTS)


def lock_project_of_task(user: User, ref: str | uuid.UUID) -> Project:
    """Lock the project of a visible task until the end of the transaction; call it before `lock_task`."""
    ids = visible_project_id(user, parse_ref(str(ref)))
    if ids is None:
        raise NotFound(TASK_NOT_FOUND)
    project = Project.objects.select_for_update(no_key=True).get(pk=ids[1])
    if not Task.objects.filter(pk=ids[0], project=project).exists():
        raise Conflict(MOVED_MEANWHILE, code="changed_meanwhile")
    return project


def task_payloads(tasks: QuerySet[Task]) -> list[TaskPayload]:
    """Return the states of many tasks for their events, by three queries."""
    ids = tasks.order_by().values("pk")
    assignee_ids: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for task_id, user_id in TaskAssignee.objects.filter(task__in=ids).values_list("task", "user"):
        assignee_ids[task_id].add(user_id)
    labels: dict[uuid.UUID, list[str]] = defaultdict(list)
    for task_id, name in Label.objects.filter(tasks__in=ids).values_list("tasks", "name"):
        labels[task_id].append(name)
    # An event has no description, and thousands of them would fill the memory.
    rows = tasks.select_related("project", "state").defer("description", "description_html", "search").order_by("pk")
    return [task_payload(task, assignee_ids=assignee_ids[task.pk], labels=labels[task.pk]) for task in rows]


@dataclass(frozen=True, slots=True)
class LockedTask:
    """A task under its lock, with what a write decides by.

    `project_role` is the actor's role in the project, `role` the one on the task: the same, or more by a share.
    `labels` are names by id. The task has its state and project loaded.
    """

    task: Task
    project_role: Role | None
    role: Role | None
    assignee_ids: set[uuid.UUID]
    labels: dict[uuid.UUID, str]

    def payload(self) -> TaskPayload:
        """Return the state of the task for an event."""
        return task_payload(self.task, assignee_ids=self.assignee_ids, labels=self.labels.values())


def lock_task(actor: User, ref: str | uuid.UUID) -> LockedTask:
    """Lock a visible task until the end of the transaction. Raises NotFound."""
    parsed = parse_ref(str(ref))
    by_key = isinstance(parsed, tuple)
    values = {"key": parsed[0], "number": parsed[1]} if isinstance(parsed, tuple) else {"id": parsed}
    rows = _lock_statement(actor.is_staff_or_admin, actor.is_guest, by_key).run({"reader": actor.pk, **values})
    if not rows:
        return lock_task(actor, find_moved(parsed))
    task = from_row(Task, rows[0])
    # Not joined to the locked row: a transaction that waited for the lock would look for the state of the new row
    # among the rows of its old snapshot, and find no task.
    [row] = _context_statement().run({"task": task.pk, "state": task.state_id, "actor": actor.pk})
    *columns, member_role, shared_role, assignee_ids, label_ids, label_names = row
    width = len(select_columns(State))
    task.state, task.project = from_row(State, columns[:width]), from_row(Project, columns[width:])
    task.state.project = task.project
    role = policies.effective_role(actor, task.project, member_role)
    return LockedTask(
        task=task,
        project_role=role,
        role=policies.highest(role, shared_role) if actor.is_guest else role,
        assignee_ids=set(assignee_ids),
        labels=dict(zip(label_ids, label_names, strict=True)),
    )


@lru_cache(maxsize=8)
def _lock_statement(as_staff: bool, guest: bool, by_key: bool) -> Statement:
    # FOR NO KEY UPDATE of the task alone: it blocks other writes of it, not inserts of rows that refer to it.
    locked = _visible_by_ref(as_staff, guest, by_key).select_for_update(of=("self",), no_key=True)
    return Statement.always(locked.values_list(*select_columns(Task)))


@lru_cache(maxsize=1)
def _context_statement() -> Statement:
    """Return the statement that reads a task's state, project and relations, and the actor's roles."""
    task: Any = Param("task")
    actor: Any = Param("actor")
    members = ProjectMember.objects.filter(project=OuterRef("project"), user=actor).values("effective_role")
    shares = TaskShare.objects.filter(task=task, user=actor).values("role")
    labels = Label.objects.filter(tasks=task).order_by("pk")
    states = State.objects.filter(pk=Param("state"))
    return Statement.always(
        states.values_list(
            *select_columns(State),
            *(f"project__{name}" for name in select_columns(Project)),
            Subquery(members),
            Subquery(shares),
            ArraySubquery(TaskAssignee.objects.filter(task=task).values("user_id")),
            ArraySubquery(labels.values("pk")),
            ArraySubquery(labels.values("name")),
        )
    )
