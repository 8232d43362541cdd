"""Reads of custom fields: those of a project, and the values of a task."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, JSONObject, Lower
from django.utils.translation import gettext_noop

from accounts.models import User
from core.db import get_or_404
from core.text import truncate
from events.models import Event
from tasks.custom_fields.values import FIELD_PREFIX, TaskField, TaskValues, read_value
from tasks.items import selectors as items_selectors
from tasks.models import CustomField, CustomFieldOption, CustomFieldValue, FieldKind, Project, ProjectField, Task
from tasks.models.custom_field import OPTION_KINDS

MAX_COLUMN_FIELDS = 100
FIELD_NOT_FOUND = gettext_noop("There is no such field.")
OPTION_COLUMNS = ("id", "slug", "name", "colour", "position", "version")


def _with_options(rows: QuerySet[Any], field_ref: str) -> QuerySet[Any]:
    """Annotate the options as JSON: one query for all fields of a project."""
    options = CustomFieldOption.objects.filter(field=OuterRef(field_ref)).order_by("position", "pk")
    columns: Any = {name: name for name in OPTION_COLUMNS}
    annotated: QuerySet[Any] = rows.annotate(option_rows=ArraySubquery(options.values(data=JSONObject(**columns))))
    return annotated


def _options(field: CustomField, rows: Iterable[Mapping[str, Any]]) -> list[CustomFieldOption]:
    return [CustomFieldOption(field=field, **{**row, "id": uuid.UUID(row["id"])}) for row in rows]


def list_project_fields(project_id: uuid.UUID, *, archived: bool | None = False) -> list[TaskField]:
    """Return the fields of a project in their order, without archived ones unless asked for; one query."""
    rows = ProjectField.objects.filter(project=project_id).select_related("field").order_by("position", "pk")
    if archived is not None:
        rows = rows.filter(field__archived_at__isnull=not archived)
    return [
        TaskField(field=row.field, position=row.position, options=_options(row.field, row.option_rows))
        for row in _with_options(rows, "field")
    ]


def list_task_fields(task: Task) -> list[TaskField]:
    """Return the fields of a task's project with the task's values; one query."""
    values = CustomFieldValue.objects.filter(field=OuterRef("field"), task=task).values(
        # Numbers as text: a float would lose what a decimal holds.
        data=JSONObject(
            text="text",
            number=Cast("number", TextField()),
            date="date",
            option="option_id",
            user="user_id",
            user_name="user__name",
        )
    )
    rows = ProjectField.objects.filter(project=task.project_id, field__archived_at=None).select_related("field")
    rows = rows.order_by("position", "pk").annotate(value_rows=ArraySubquery(values))
    fields = []
    for row in _with_options(rows, "field"):
        options = _options(row.field, row.option_rows)
        value = read_value(row.field, row.value_rows, options)
        user_name = row.value_rows[0]["user_name"] or "" if row.value_rows else ""
        fields.append(
            TaskField(field=row.field, position=row.position, options=options, value=value, user_name=user_name)
        )
    return fields


def get_task_values(user: User, ref: str) -> TaskValues:
    """Return the values of a visible task. Raises NotFound."""
    task = items_selectors.get_task(user, ref)
    return TaskValues(values_by_key(list_task_fields(task)), task.version)


def values_by_key(fields: Iterable[TaskField]) -> dict[str, Any]:
    """Return the values as the API shows them: {key: value}."""
    return {item.field.key: item.value for item in fields}


def list_shared_fields(user: User) -> QuerySet[CustomField]:
    """Return the shared fields, which every user may see: they hold nothing of any project."""
    return _with_options(CustomField.objects.filter(project=None), "pk")


def list_fields_of_project(project: Project, *, archived: bool | None = None) -> QuerySet[CustomField]:
    """Return the fields of a project, own and shared, with their places in it."""
    rows = CustomField.objects.filter(in_projects__project=project)
    if archived is not None:
        rows = rows.filter(archived_at__isnull=not archived)
    place = ProjectField.objects.filter(project=project, field=OuterRef("pk")).values("position")
    return _with_options(rows.annotate(position=Subquery(place)), "pk")


def get_project_field(project: Project, field_id: uuid.UUID) -> CustomField:
    """Return one field of a project. Raises NotFound."""
    return get_or_404(list_fields_of_project(project).filter(pk=field_id), FIELD_NOT_FOUND)


def get_shared_field(user: User, field_id: uuid.UUID) -> CustomField:
    """Return one shared field. Raises NotFound."""
    return get_or_404(list_shared_fields(user).filter(pk=field_id), FIELD_NOT_FOUND)


def get_visible_field(user: User, field_id: uuid.UUID) -> CustomField:
    """Return a shared field, or one of a visible project. Raises NotFound."""
    fields = CustomField.objects.visible_to(user).select_related("project")
    return get_or_404(fields.filter(pk=field_id), FIELD_NOT_FOUND)


def list_options(field: CustomField) -> QuerySet[CustomFieldOption]:
    return CustomFieldOption.objects.filter(field=field)


def get_option(field: CustomField, option_id: uuid.UUID) -> CustomFieldOption:
    """Return one option of a field. Raises NotFound."""
    return get_or_404(list_options(field).filter(pk=option_id), "There is no such option.")


def addable_fields(project: Project) -> QuerySet[CustomField]:
    """Return the shared fields that the project does not have yet."""
    shared = CustomField.objects.filter(project=None, archived_at=None).order_by("name", "pk")
    return shared.exclude(in_projects__project=project)


def count_tasks(field: CustomField, option: CustomFieldOption | None = None) -> int:
    """Return how many tasks have a value in a field, or this option of it."""
    rows = CustomFieldValue.objects.filter(field=field)
    if option is not None:
        rows = rows.filter(option=option)
    return int(rows.aggregate(count=Count("task", distinct=True))["count"])


def count_by_option(field: CustomField) -> dict[uuid.UUID, int]:
    """Return how many tasks have each option of a field."""
    rows = CustomFieldValue.objects.filter(field=field, option__isnull=False).values("option")
    return {row["option"]: row["count"] for row in rows.annotate(count=Count("pk"))}


def fields_in_events(events: Iterable[Event]) -> dict[str, TaskField]:
    """Return the fields that changes in events of tasks name, by project id and key: `<id>:field.<key>`.

    No query where they name none.
    """
    changed = [(event.payload["task"]["project_id"], event.payload.get("changes", {})) for event in events]
    keys = {name.removeprefix("field.") for _, changes in changed for name in changes if name.startswith("field.")}
    if not keys:
        return {}
    project_ids = {project_id for project_id, _ in changed}
    rows = ProjectField.objects.filter(project__in=project_ids, key__in=keys).select_related("field")
    return {
        f"{row.project_id}:field.{row.key}": TaskField(field=row.field, options=_options(row.field, row.option_rows))
        for row in _with_options(rows, "field")
    }


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Names of fields in filters.

    `kinds` are by key, `slugs` those of options by key and slug or name in lower case.
    """

    kinds: Mapping[str, set[str]]
    slugs: Mapping[tuple[str, str], set[str]]


def field_names(user: User, texts: Mapping[str, Collection[str]]) -> FieldNames:
    """Return the visible fields of these keys by two queries.

    Of their options those of which a text is the slug or name.
    """
    if not texts:
        return FieldNames({}, {})
    kinds: dict[str, set[str]] = defaultdict(set)
    visible = CustomField.objects.visible_to(user).filter(key__in=texts, archived_at=None)
    for key, kind in visible.values_list("key", "kind").distinct():
        kinds[key].add(kind)
    slugs: dict[tuple[str, str], set[str]] = defaultdict(set)
    if any(kind in OPTION_KINDS for of_key in kinds.values() for kind in of_key):
        chosen = {text.lower() for of_key in texts.values() for text in of_key}
        options = CustomFieldOption.objects.filter(field__in=visible.values("pk")).annotate(lower=Lower("name"))
        options = options.filter(Q(slug__in=chosen) | Q(lower__in=chosen))
        for key, slug, name in options.values_list("field__key", "slug", "lower").distinct():
            slugs[key, slug].add(slug)
            slugs[key, name].add(slug)
    return FieldNames(kinds, slugs)


def fields_of_project(key: Any) -> QuerySet[ProjectField]:
    """Return the field of this key for a subquery of tasks."""
    return ProjectField.objects.filter(project=OuterRef("project"), key=key, field__archived_at=None)


def value_rows_of(key: Any) -> QuerySet[CustomFieldValue]:
    """Return the values in the field of this key for a subquery of tasks."""
    # Those of a field that was taken out of the project are stored, and no values any more.
    in_project = ProjectField.objects.filter(project=OuterRef(OuterRef("project")), field=OuterRef("field"))
    values = CustomFieldValue.objects.filter(task=OuterRef("pk"), field__key=key, field__archived_at=None)
    return values.filter(Exists(in_project))


def get_field_of_key(project_id: Any, key: str) -> CustomField | None:
    """Return the field of this key in a project."""
    return CustomField.objects.filter(in_projects__project=project_id, key=key, archived_at=None).first()


def linked_project_ids(field: CustomField) -> list[uuid.UUID]:
    """Return the projects that have the field."""
    return list(ProjectField.objects.filter(field=field).values_list("project_id", flat=True))


def values_that_cannot_move(task: Task, project: Project) -> list[TaskField]:
    """Return the values of a task that another project has no field for; they would be lost in it."""
    ids = set(ProjectField.objects.filter(project=project).values_list("field_id", flat=True))
    return [item for item in list_task_fields(task) if item.value not in (None, False) and item.field.pk not in ids]


def column_fields(user: User, project: Project | None, keys: Collection[str]) -> dict[str, str]:
    """Return names of fields by key: those of a project, and of the visible fields with these keys."""
    if project is None and not keys:
        return {}
    rows = CustomField.objects.visible_to(user).filter(archived_at=None)
    of_keys = Q(key__in=keys)
    of_project = Q(in_projects__project=project) if project else Q()
    rows = rows.filter(of_keys | of_project) if project else rows.filter(of_keys)
    return dict(rows.order_by("-name", "-pk").values_list("key", "name")[:MAX_COLUMN_FIELDS])


def texts_by_task(task_ids: Collection[uuid.UUID], keys: Collection[str]) -> dict[uuid.UUID, dict[str, str]]:
    """Return the values of tasks in fields of these keys as text, by `field.<key>`; one query."""
    # Those of a field that was taken out of the project are stored, and no values any more.
    in_project = ProjectField.objects.filter(project=OuterRef("task__project"), field=OuterRef("field"))
    rows = CustomFieldValue.objects.filter(
        Exists(in_project), task__in=task_ids, field__key__in=keys, field__archived_at=None
    ).select_related("field", "option", "user")
    texts: dict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    for row in rows.order_by("option__position", "pk"):
        name = f"{FIELD_PREFIX}{row.field.key}"
        before = texts[row.task_id].get(name)
        texts[row.task_id][name] = f"{before}, {_text(row)}" if before else _text(row)
    return texts


def _text(row: CustomFieldValue) -> str:
    if row.option:
        return row.option.name
    if row.user:
        return row.user.name
    if row.number is not None:
        return f"{row.number.normalize():f}"
    if row.field.kind == FieldKind.CHECKBOX:
        return "Yes" if row.checked else "No"
    return truncate(row.text, 80) if row.text else str(row.date or "")
