"""Plan of a move to another project: what each task becomes there, and what cannot come along."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext

from core.errors import Conflict, Invalid
from tasks import policies
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.custom_fields.values import TaskField, parse_value, read_value, value_rows
from tasks.items import hierarchy
from tasks.models import (
    Category,
    ChecklistItem,
    CustomFieldValue,
    FieldKind,
    Label,
    Project,
    ProjectMember,
    Role,
    Section,
    State,
    Task,
)
from tasks.projects import selectors as projects_selectors
from tasks.sections.selectors import require_sections

# A task with all that is below it.
MAX_TASKS = 500
# Where the other project has no state of a category: the nearest that leaves an open task open, a closed one closed.
NEAREST_CATEGORY = {
    Category.TODO: (Category.TODO,),
    Category.IN_PROGRESS: (Category.IN_PROGRESS, Category.TODO),
    Category.DONE: (Category.DONE,),
    Category.CANCELLED: (Category.CANCELLED, Category.DONE),
}


@dataclass(slots=True)
class Placement:
    """One task as it will be in the other project. `values` are its custom fields there, by key."""

    task: Task
    state: State
    parent_id: uuid.UUID | None
    section_id: uuid.UUID | None
    labels: set[str]
    assignee_ids: set[uuid.UUID]
    former_values: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    position: str = ""


@dataclass(slots=True)
class MovePlan:
    """All tasks of a move, the moved one first.

    `member_ids` are those people with a part in the tasks who are in the other project, `item_assignee_ids` those of
    checklist items. `known_labels` are names of the other project in lower case, `lost_fields` names of fields.
    """

    source: Project
    target: Project
    placements: list[Placement]
    target_fields: list[TaskField]
    known_labels: set[str]
    member_ids: set[uuid.UUID]
    item_assignee_ids: set[uuid.UUID]
    lost_fields: set[str]

    @property
    def task_ids(self) -> list[uuid.UUID]:
        return [placement.task.pk for placement in self.placements]

    def valid_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the values that the fields of the other project can hold."""
        fields = {item.field.key: item for item in self.target_fields}
        valid = {}
        for key, value in values.items():
            with suppress(Invalid, KeyError):
                valid[key] = parse_value(fields[key], value)
        return valid

    def value_rows(self) -> list[CustomFieldValue]:
        """Return the rows that hold the values of all tasks in the other project."""
        fields = {item.field.key: item for item in self.target_fields}
        return [
            row
            for placement in self.placements
            for key, value in placement.values.items()
            for row in value_rows(placement.task.pk, fields[key], value)
        ]


def moved_tasks(task: Task) -> list[Task]:
    """Return a task and all below it with their relations, the task first. Raises Conflict beyond MAX_TASKS."""
    levels = hierarchy.subtree({task.pk})
    if len(levels) > MAX_TASKS:
        raise Conflict(
            gettext("At most %(max_tasks)s tasks are moved at once, subtasks included.") % {"max_tasks": MAX_TASKS},
            code="too_many_tasks",
        )
    tasks = Task.objects.filter(pk__in=levels, project=task.project_id).with_relations()
    return sorted(tasks, key=lambda one: (levels[one.pk], one.pk))


def build_plan(tasks: Sequence[Task], target: Project, section_id: uuid.UUID | None = None) -> MovePlan:
    """Return what becomes of the tasks in another project; the number of queries does not depend on theirs.

    Without a section the tasks go to those of the same names. Raises Invalid for a section of another project.
    """
    root = tasks[0]
    builder = _PlanBuilder(tasks, target)
    plan = MovePlan(
        source=root.project,
        target=target,
        placements=[builder.place(task) for task in tasks],
        target_fields=builder.target_fields,
        known_labels=builder.known_labels,
        member_ids=builder.member_ids,
        item_assignee_ids=builder.item_assignee_ids,
        lost_fields=builder.lost_fields,
    )
    if section_id is not None:
        require_sections(target, {section_id})
        plan.placements[0].section_id = section_id
    return plan


class _PlanBuilder:
    """Reads of both projects, once for all tasks."""

    def __init__(self, tasks: Sequence[Task], target: Project) -> None:
        self.tasks, self.target, self.source = tasks, target, tasks[0].project
        ids = [task.pk for task in tasks]
        self.states = projects_selectors.load_states(target)
        self.sections = {section.name.lower(): section for section in Section.objects.filter(project=target)}
        self.known_labels = {
            name.lower() for name in Label.objects.filter(project=target).values_list("name", flat=True)
        }
        self.source_fields = custom_fields_selectors.list_project_fields(self.source.pk, archived=None)
        self.target_fields = custom_fields_selectors.list_project_fields(target.pk)
        rows: dict[tuple[uuid.UUID, uuid.UUID], list[dict[str, Any]]] = defaultdict(list)
        for row in CustomFieldValue.objects.filter(task__in=ids):
            number = None if row.number is None else str(row.number)
            day, option = row.date and row.date.isoformat(), row.option_id and str(row.option_id)
            user = row.user_id and str(row.user_id)
            rows[row.task_id, row.field_id].append(
                {"text": row.text, "number": number, "date": day, "option": option, "user": user}
            )
        self.rows = rows
        self.item_assignee_ids = set(
            ChecklistItem.objects.filter(task__in=ids, assignee__isnull=False).values_list("assignee_id", flat=True)
        )
        people = {user.pk for task in tasks for user in task.assignees.all()} | self.item_assignee_ids
        people |= {uuid.UUID(row["user"]) for of_task in rows.values() for row in of_task if row["user"]}
        members = ProjectMember.objects.filter(project=target, user__in=people, user__is_active=True)
        self.member_ids = set(members.values_list("user_id", flat=True))
        self.moved_ids = set(ids)
        self.lost_fields: set[str] = set()

    def place(self, task: Task) -> Placement:
        section = self.sections.get(task.section.name.lower()) if task.section else None
        placement = Placement(
            task=task,
            state=self._state(task),
            parent_id=task.parent_id if task.parent_id in self.moved_ids else None,
            section_id=section.pk if section else None,
            labels={label.name for label in task.labels.all()},
            assignee_ids={user.pk for user in task.assignees.all()} & self.member_ids,
        )
        by_key = {item.field.key: item for item in self.target_fields}
        for item in self.source_fields:
            rows = self.rows.get((task.pk, item.field.pk))
            if not rows:
                continue
            value = placement.former_values[item.field.key] = read_value(item.field, rows, item.options)
            same = by_key.get(item.field.key)
            try:
                placement.values[item.field.key] = self._value(item, same, value)
            except ValueError:
                self.lost_fields.add(item.field.name)
        return placement

    def _state(self, task: Task) -> State:
        for matches in (
            lambda state: state.category == task.category and state.slug == task.state.slug,
            lambda state: state.category == task.category and state.name.lower() == task.state.name.lower(),
        ):
            if state := next(filter(matches, self.states), None):
                return state
        categories = NEAREST_CATEGORY[Category(task.category)]
        return next(state for category in categories for state in self.states if state.category == category)

    def _value(self, former: TaskField, field_there: TaskField | None, value: Any) -> Any:
        """Return a value as the other project's field of the same key holds it. Raises ValueError where it cannot."""
        if field_there is None or field_there.field.kind != former.field.kind:
            raise ValueError(former.field.key)
        if former.field.kind == FieldKind.USER and uuid.UUID(value) not in self.member_ids:
            raise ValueError(value)
        try:
            return parse_value(field_there, value)
        except Invalid as error:
            raise ValueError(value) from error


def require_movable(source: Project, target: Project, roles: Mapping[uuid.UUID, Role | None]) -> None:
    """Raise unless the roles in both projects permit a move between them. Raises Invalid, NotAllowed, Conflict."""
    if source.pk == target.pk:
        raise Invalid.field("project", gettext("The task is in this project already."), "same_project")
    for project in (source, target):
        policies.require_editor(roles[project.pk])
        policies.require_not_archived(project)
