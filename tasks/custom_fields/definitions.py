"""Writes of custom fields themselves: create, change, archive, delete."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotFound
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers_of
from tasks.custom_fields import selectors
from tasks.custom_fields.slugs import free_slug
from tasks.custom_fields.values import TaskField, parse_value
from tasks.models import CustomField, CustomFieldOption, CustomFieldValue, FieldKind, Project, ProjectField
from tasks.models.custom_field import OPTION_KINDS
from tasks.projects import selectors as projects_selectors
from tasks.trash.storage import collect, discard

# Each field is an input on every task page of its project, and each option a line in it.
MAX_FIELDS, MAX_OPTIONS, MAX_SHARED_FIELDS = 50, 100, 200
# What a field may become without a value being lost.
LOSSLESS_KINDS = {
    (FieldKind.TEXT, FieldKind.URL),
    (FieldKind.URL, FieldKind.TEXT),
    (FieldKind.SELECT, FieldKind.MULTI_SELECT),
}


@transaction.atomic
def create(
    *,
    actor: User,
    ref: str = "",
    name: str,
    kind: str,
    key: str = "",
    description: str = "",
    required: bool = False,
    default: Any = None,
    options: Sequence[Mapping[str, str]] = (),
) -> CustomField:
    """Create a field of a project, as its last one; without a project a shared field.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    project = lock_managed_project(actor, ref) if ref else None
    if project is None:
        policies.require_administrator(actor, "Only administrators manage shared fields.")
    if options and kind not in OPTION_KINDS:
        raise Invalid.field("options", gettext("Only select and multi-select fields have options."))
    if len(options) > MAX_OPTIONS:
        raise Invalid.field(
            "options",
            gettext("A field has at most %(max_options)s options.") % {"max_options": MAX_OPTIONS},
            "too_many",
        )
    require_room(project)
    taken = set(
        (ProjectField.objects.filter(project=project) if project else CustomField.objects.filter(project=None))
        .values_list("key", flat=True)
    )  # fmt: skip
    field = CustomField(
        project=project,
        key=key or free_slug(name, taken, "field"),
        name=name.strip(),
        kind=kind,
        description=description.strip(),
        required=required,
    )
    new_options = _new_options(field, options)
    field.default = _valid_default(field, default, new_options)
    _require_no_needless_rule(field)
    try:
        with transaction.atomic():
            field.save(force_insert=True)
            CustomFieldOption.objects.bulk_create(new_options)
            if project:
                add_to_project(project, field)
    except IntegrityError as error:
        raise Invalid.field("key", gettext("There is a field with this key already."), "taken") from error
    publish_change(field, actor, [], [field.name])
    return field


@transaction.atomic
def update(
    *,
    actor: User,
    field_id: uuid.UUID,
    changes: Mapping[str, Any],
    now: datetime,
    ref: str = "",
    versions: frozenset[int] | None = None,
) -> CustomField:
    """Change a field: its name, description, kind, rules, or whether it is archived. Its key stays.

    A kind changes only where no value is lost. Raises NotFound, NotAllowed, Conflict, Invalid, VersionConflict.
    """
    field = lock_field(actor, field_id, ref=ref)
    current = {name: getattr(field, name, None) for name in changes} | {"archived": field.archived_at is not None}
    check_version(field, versions, changes, current=current)
    options = list(field.options.order_by("position", "pk"))
    if "kind" in changes:
        _change_kind(field, changes["kind"])
    for name in changes.keys() & {"name", "description"}:
        setattr(field, name, changes[name].strip())
    if "required" in changes:
        field.required = changes["required"]
    if "default" in changes:
        field.default = _valid_default(field, changes["default"], options)
    if "archived" in changes:
        field.archived_at = (field.archived_at or now) if changes["archived"] else None
    _require_no_needless_rule(field)
    names = ["name", "description", "kind", "required", "default", "archived_at"]
    before: Any = CustomField.objects.values(*names).get(pk=field.pk)
    changed = [name for name in names if before[name] != getattr(field, name)]
    if changed:
        field.version += 1
        # The kind too, of which the database tells the values (ON UPDATE CASCADE).
        field.save(update_fields=[*changed, "version"])
        publish_change(field, actor, [before["name"]], [field.name])
    return field


def _new_options(field: CustomField, options: Sequence[Mapping[str, str]]) -> list[CustomFieldOption]:
    """Return the options of a new field, not saved yet. Raises Invalid for two of one name."""
    new_options: list[CustomFieldOption] = []
    for position, option in enumerate(options):  # at most MAX_OPTIONS
        slug = free_slug(option["name"], {other.slug for other in new_options}, "option")
        colour = {"colour": option["colour"]} if option.get("colour") else {}
        name = option["name"].strip()
        new_options.append(CustomFieldOption(field=field, slug=slug, name=name, position=position, **colour))
    if len({option.name.lower() for option in new_options}) < len(new_options):
        raise Invalid.field("options", gettext("Two options have the same name."), "taken")
    return new_options


def _change_kind(field: CustomField, kind: str) -> None:
    if kind == field.kind:
        return
    if (FieldKind(field.kind), FieldKind(kind)) not in LOSSLESS_KINDS:
        can_become = [FieldKind(new).label for old, new in LOSSLESS_KINDS if old == field.kind]
        hint = f"it can become {can_become[0]}" if can_become else "add a new field instead"
        message = gettext("%(label)s cannot become %(label2)s without losing values; %(hint)s.") % {
            "label": FieldKind(field.kind).label,
            "label2": FieldKind(kind).label,
            "hint": hint,
        }
        raise Invalid.field("kind", message, "not_lossless")
    if kind == FieldKind.URL:
        values = CustomFieldValue.objects.filter(field=field)
        count = values.exclude(text__regex=r"^https?://[^/?#\s]+\S*$").count()
        if count:
            raise Invalid.field(
                "kind",
                gettext("The values of %(count)s tasks are no web addresses.") % {"count": count},
                "not_lossless",
            )
    if kind == FieldKind.MULTI_SELECT and field.default is not None:
        field.default = [field.default]
    field.kind = kind


@transaction.atomic
def delete(
    *, actor: User, field_id: uuid.UUID, now: datetime, ref: str = "", versions: frozenset[int] | None = None
) -> None:
    """Move a field with its values to the trash; one that tasks have values in must be archived first.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    field = lock_field(actor, field_id, ref=ref)
    check_version(field, versions)
    if field.archived_at is None and (count := selectors.count_tasks(field)):
        tasks = (
            gettext("%(count)s task has a value") % {"count": count}
            if count == 1
            else gettext("%(count)s tasks have a value") % {"count": count}
        )
        raise Conflict(
            gettext("%(tasks)s in this field. Archive it first; deleting it then deletes them.") % {"tasks": tasks},
            code="in_use",
        )
    publish_change(field, actor, [field.name], [])
    project = field.project
    title = f"Field {field.name} of {project.key}" if project else f"Field {field.name}"
    discard(collect(field), kind="custom_field", obj=field, title=title, project=project, actor=actor, now=now)


def lock_managed_project(actor: User, ref: str | uuid.UUID) -> Project:
    """Lock a project that the actor manages. Raises NotFound, NotAllowed, Conflict."""
    project = projects_selectors.lock_project(actor, ref)
    policies.require_manager(projects_selectors.project_role(actor, project))
    policies.require_not_archived(project)
    return project


def lock_field(actor: User, field_id: uuid.UUID, *, ref: str = "") -> CustomField:
    """Lock a field that the actor manages, with its project. Raises NotFound, NotAllowed, Conflict."""
    field = selectors.get_visible_field(actor, field_id)
    if ref:  # of this project, or shared and in it
        selectors.get_project_field(projects_selectors.get_project(actor, ref), field_id)
    if field.project_id:
        lock_managed_project(actor, field.project_id)
    else:
        policies.require_administrator(actor, "Only administrators manage shared fields.")
    locked = CustomField.objects.select_for_update(no_key=True, of=("self",)).filter(pk=field_id).first()
    if locked is None:  # deleted while this waited for the lock
        raise NotFound(selectors.FIELD_NOT_FOUND)
    locked.project = field.project
    return locked


def publish_change(field: CustomField, actor: User, before: list[str], after: list[str]) -> None:
    """Publish a change of a field, and invalidate its readers' cached responses."""
    if field.project:
        publish_project_change(field.project, actor, before, after)
    else:
        payload = {"id": str(field.pk), "key": field.key, "name": field.name, "kind": field.kind}
        publish(events.SharedFieldChanged(field=payload, changes={"name": [before, after]}), actor=actor)
        invalidate_viewers_of(selectors.linked_project_ids(field))


def publish_project_change(project: Project, actor: User, before: list[str], after: list[str]) -> None:
    """Publish a change of a project's fields, and invalidate its readers' cached responses."""
    payload = events.project_payload(project)
    publish(events.ProjectUpdated(project=payload, changes={"fields": [before, after]}), actor=actor)
    invalidate_viewers_of([project.pk])


def require_room(project: Project | None) -> None:
    """Raise Conflict without room for another field in a project, or for a shared one."""
    if project and ProjectField.objects.filter(project=project).count() >= MAX_FIELDS:
        raise Conflict(
            gettext("A project has at most %(max_fields)s fields.") % {"max_fields": MAX_FIELDS}, code="too_many"
        )
    if project is None and CustomField.objects.filter(project=None).count() >= MAX_SHARED_FIELDS:
        raise Conflict(
            gettext("There are at most %(max_shared_fields)s shared fields.")
            % {"max_shared_fields": MAX_SHARED_FIELDS},
            code="too_many",
        )


def add_to_project(project: Project, field: CustomField) -> None:
    """Add a field to a project, as its last one."""
    last = ProjectField.objects.filter(project=project).aggregate(last=Max("position"))["last"]
    ProjectField.objects.create(project=project, field=field, key=field.key, position=0 if last is None else last + 1)


def reorder(rows: Iterable[Any]) -> None:
    """Number rows of one parent by their order; only rows whose place changes are written."""
    changed = []
    for position, row in enumerate(rows):
        if row.position != position:
            row.position = position
            changed.append(row)
    if changed:
        type(changed[0]).objects.bulk_update(changed, ["position"])


def _valid_default(field: CustomField, default: Any, options: Sequence[CustomFieldOption]) -> Any:
    if default is None:
        return None
    if field.kind == FieldKind.USER:
        # A person may leave the project, and the field would fail each new task.
        raise Invalid.field("default", gettext("A person field has no default."))
    try:
        return parse_value(TaskField(field=field, options=options), default)
    except Invalid as error:
        raise Invalid.field("default", error.fields[0].message) from error


def _require_no_needless_rule(field: CustomField) -> None:
    if field.kind == FieldKind.CHECKBOX and field.required:
        raise Invalid.field("required", gettext("A checkbox always has a value, so it cannot be required."))
