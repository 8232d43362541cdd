"""Writes of a project's labels."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Invalid
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.cache import invalidate_viewers
from tasks.events import project_payload
from tasks.models import Label, Project
from tasks.projects import selectors
from tasks.trash.storage import collect, discard

# Of one task: its labels are part of every event and every row of a list.
MAX_LABELS = 20


@transaction.atomic
def create(*, actor: User, ref: str, name: str, colour: str = "#5c6472") -> Label:
    """Create a label. Raises NotFound, NotAllowed, and Invalid when the name is taken."""
    project = selectors.lock_project(actor, ref)
    policies.require_editor(selectors.project_role(actor, project))
    try:
        # A savepoint: after an IntegrityError PostgreSQL refuses everything else in the transaction.
        with transaction.atomic():
            # No event: no task shows the new label yet.
            return Label.objects.create(project=project, name=name.strip(), colour=colour)
    except IntegrityError as error:
        raise Invalid.field("name", gettext("The project has a label of this name already."), "taken") from error


@transaction.atomic
def update(
    *, actor: User, label_id: uuid.UUID, changes: dict[str, Any], versions: frozenset[int] | None = None
) -> Label:
    """Change the name or colour of a label. Raises NotFound, NotAllowed, Invalid, VersionConflict."""
    label = _lock_label(actor, label_id)
    check_version(label, versions, changes)
    changes = {name: value for name, value in changes.items() if getattr(label, name) != value}
    if not changes:
        return label
    try:
        with transaction.atomic():
            Label.objects.filter(pk=label.pk).update(**changes, version=F("version") + 1)
    except IntegrityError as error:
        raise Invalid.field("name", gettext("The project has a label of this name already."), "taken") from error
    before = label.name
    label.refresh_from_db()
    _publish_label_change(label.project, label_id, actor, [before], [label.name])
    return label


@transaction.atomic
def delete(*, actor: User, label_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Move a label to the trash and take it off its tasks. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    label = _lock_label(actor, label_id)
    check_version(label, versions)
    title, project = f"Label {label.name} of {label.project.key}", label.project
    discard(collect(label), kind="label", obj=label, title=title, project=project, actor=actor, now=now)
    _publish_label_change(project, label_id, actor, [label.name], [])


def _publish_label_change(
    project: Project, label_id: uuid.UUID, actor: User, before: list[str], after: list[str]
) -> None:
    """Publish the change and invalidate cached responses, since the project's tasks show the label."""
    changes = {"labels": [before, after]}
    event = events.ProjectUpdated(project=project_payload(project), changes=changes, part_id=str(label_id))
    publish(event, actor=actor)
    invalidate_viewers(project)


def _lock_label(actor: User, label_id: uuid.UUID) -> Label:
    label = selectors.get_label(actor, label_id)
    project = selectors.lock_project(actor, label.project_id)
    policies.require_editor(selectors.project_role(actor, project))
    # Read again under the lock: it may have been renamed or deleted meanwhile.
    return selectors.get_label(actor, label_id)


def get_or_create_label_sets(project: Project, name_sets: Sequence[Sequence[str]]) -> list[list[Label]]:
    """Return the project's labels of each set of names; the number of queries is the same for any number of sets.

    A label that is missing is created. Raises Invalid for a set with more than MAX_LABELS names.
    """
    # Keyed by lower case, so that "Bug" and "bug" in one request do not become two labels.
    sets = [{name.strip().lower(): name.strip() for name in names if name.strip()} for names in name_sets]
    if any(len(names) > MAX_LABELS for names in sets):
        raise Invalid.field(
            "labels", gettext("At most %(max_labels)s labels.") % {"max_labels": MAX_LABELS}, "too_many"
        )
    by_lower_name = {low: name for names in sets for low, name in names.items()}
    if not by_lower_name:
        return [[] for _ in sets]
    known = {label.name.lower(): label for label in Label.objects.filter(project=project)}
    if missing := [Label(project=project, name=name) for low, name in by_lower_name.items() if low not in known]:
        # Another transaction may create the same label meanwhile; then that one is read below.
        Label.objects.bulk_create(missing, ignore_conflicts=True)
        known = {label.name.lower(): label for label in Label.objects.filter(project=project)}
    if unknown := {low: name for low, name in by_lower_name.items() if low not in known}:
        # A name that is still missing is known by PostgreSQL's lower case, which differs from Python's for İ.
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, lower(name) FROM unnest(%s::text[]) AS name", [list(unknown.values())])
            database_lower = dict(cursor.fetchall())
        by_database = Label.objects.filter(project=project).annotate(low=Lower("name"))
        labels = {label.low: label for label in by_database.filter(low__in=database_lower.values())}
        known |= {low: labels[database_lower[name]] for low, name in unknown.items()}
    return [list({known[low].pk: known[low] for low in names}.values()) for names in sets]
