import uuid
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Lower

from accounts.models import User
from core.errors import Invalid
from core.versions import check_version
from events.outbox import publish
from tasks import events
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.models import Label, Project
from tasks.models.task import MAX_RELATED
from tasks.permissions import require_editor
from tasks.projects import selectors


@transaction.atomic
def create(*, actor: User, ref: str, name: str, colour: str = "#5c6472") -> Label:
    project = selectors.lock_project(actor, ref)
    require_editor(actor, project)
    try:
        with transaction.atomic():
            return Label.objects.create(project=project, name=name.strip(), colour=colour)
    except IntegrityError as error:
        raise Invalid.field("name", "The project has a label of this name already.", "taken") from error


@transaction.atomic
def update(
    *, actor: User, label_id: uuid.UUID, changes: dict[str, Any], versions: frozenset[int] | None = None
) -> Label:
    label = _lock_label(actor, label_id)
    check_version(label, versions, changes)
    changes = {name: value for name, value in changes.items() if getattr(label, name) != value}
    if not changes:
        return label
    try:
        with transaction.atomic():
            Label.objects.filter(pk=label.pk).update(**changes, version=F("version") + 1)
    except IntegrityError as error:
        raise Invalid.field("name", "The project has a label of this name already.", "taken") from error
    before = label.name
    label.refresh_from_db()
    _publish_label_change(label, actor, [before], [label.name])
    return label


@transaction.atomic
def delete(*, actor: User, label_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    label = _lock_label(actor, label_id)
    check_version(label, versions)
    label.delete()
    _publish_label_change(label, actor, [label.name], [])


def _publish_label_change(label: Label, actor: User, before: list[str], after: list[str]) -> None:
    """Its tasks show it, so their readers' answers end: by the hook, or by the relay that finds this fact."""
    changes = {"labels": [before, after]}
    publish(events.ProjectUpdated(project=project_payload(label.project), changes=changes), actor=actor)
    invalidate_viewers(label.project)


def _lock_label(actor: User, label_id: uuid.UUID) -> Label:
    label = selectors.get_label(actor, label_id)
    project = selectors.lock_project(actor, label.project_id)
    require_editor(actor, project)
    return selectors.get_label(actor, label_id)


def get_or_create_labels(project: Project, names: Iterable[str]) -> list[Label]:
    """Return the project's labels of these names, making those that are missing."""
    wanted = {name.strip().lower(): name.strip() for name in names if name.strip()}
    if len(wanted) > MAX_RELATED:
        raise Invalid.field("labels", f"At most {MAX_RELATED} labels.", "too_many")
    if not wanted:
        return []
    known = {label.name.lower(): label for label in Label.objects.filter(project=project)}
    missing = [Label(project=project, name=name) for low, name in wanted.items() if low not in known]
    if missing:
        Label.objects.bulk_create(missing, ignore_conflicts=True)
        known = {label.name.lower(): label for label in Label.objects.filter(project=project)}
    found = [known.get(low) or _get_label_by_lower_name(project, name) for low, name in wanted.items()]
    return list({label.pk: label for label in found}.values())


def _get_label_by_lower_name(project: Project, name: str) -> Label:
    """Return the label that PostgreSQL holds for the same name: its lower case is not always Python's (İ is i to it)."""
    rows = Label.objects.filter(project=project).annotate(low=Lower("name"))
    return rows.get(low=Lower(Value(name)))
