"""Writes of saved filters: create, update, delete."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from accounts.models import Team, User
from core.errors import Conflict, FieldError, Invalid, NotFound, require
from core.etags import check_version
from events.outbox import publish
from tasks import events
from tasks.filters import grammar
from tasks.filters.columns import validate_columns
from tasks.filters.query_params import filters_from_params
from tasks.filters.syntax_tree import to_text
from tasks.models import FilterSubscription, Project, ProjectMember, SavedFilter
from tasks.projects import selectors as projects_selectors
from tasks.saved_filters.selectors import NOT_FOUND
from tasks.trash.storage import collect, discard

MAX_SAVED_FILTERS = 200
# Of the task list's page.
ORDERINGS = (
    *(f"{sign}{name}" for name in ("updated_at", "created_at", "due_date", "priority", "title") for sign in ("-", "")),
    "-closed_at",
)
GROUPINGS = ("section", "state", "assignee")
TAKEN = gettext_noop("You have a saved filter of this name already.")


@transaction.atomic
def create(*, actor: User, name: str, filter: str, now: datetime, **options: Any) -> SavedFilter:  # noqa: A002 -- the field's name
    """Save a filter. `options` are its audience, its place, and how the list shows the tasks.

    Raises Invalid, and Conflict for more than MAX_SAVED_FILTERS.
    """
    require_room(actor)
    saved_filter = SavedFilter(owner=actor, created_at=now)
    changes = _valid_changes(saved_filter, {"name": name, "filter": filter, **options}, now)
    for field, value in changes.items():
        setattr(saved_filter, field, value)
    try:
        # A savepoint: after an IntegrityError PostgreSQL refuses everything else in the transaction.
        with transaction.atomic():
            saved_filter.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid.field("name", TAKEN, "taken") from error
    publish(events.SavedFilterCreated(saved_filter=_payload(saved_filter)), actor=actor, at=now)
    return saved_filter


def require_room(owner: User) -> None:
    """Lock a user, whose requests at once must not pass the limit together. Raises Conflict without room."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if SavedFilter.objects.filter(owner=owner).count() >= MAX_SAVED_FILTERS:
        raise Conflict(
            gettext("You can save %(max_saved_filters)s filters; delete one first.")
            % {"max_saved_filters": MAX_SAVED_FILTERS},
            code="too_many",
        )


@transaction.atomic
def update(
    *,
    actor: User,
    filter_id: uuid.UUID,
    changes: dict[str, Any],
    now: datetime,
    versions: frozenset[int] | None = None,
) -> SavedFilter:
    """Change a filter of the actor's own. Raises NotFound, NotAllowed, Invalid, VersionConflict."""
    saved_filter = _lock(actor, filter_id)
    check_version(saved_filter, versions, changes)
    changes = _valid_changes(saved_filter, changes, now)
    changes = {name: value for name, value in changes.items() if getattr(saved_filter, name) != value}
    if not changes:
        return saved_filter
    try:
        with transaction.atomic():
            rows = SavedFilter.objects.filter(pk=saved_filter.pk)
            rows.update(**changes, updated_at=now, version=F("version") + 1)
    except IntegrityError as error:
        raise Invalid.field("name", TAKEN, "taken") from error
    subscriptions = FilterSubscription.objects.filter(saved_filter=saved_filter)
    if "filter" in changes:
        subscriptions.update(is_current=False)
    # Who cannot see the filter any more is no subscriber of it.
    subscriptions.exclude(pk__in=subscriptions.active().values("pk")).delete()
    event = events.SavedFilterUpdated(
        saved_filter=_payload(saved_filter), fields=sorted(name.removesuffix("_id") for name in changes)
    )
    publish(event, actor=actor, at=now)
    saved_filter.refresh_from_db()
    return saved_filter


@transaction.atomic
def delete(*, actor: User, filter_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Move a filter of the actor's own to the trash. Raises NotFound, NotAllowed, Conflict, VersionConflict."""
    saved_filter = _lock(actor, filter_id)
    check_version(saved_filter, versions)
    event = events.SavedFilterDeleted(saved_filter=_payload(saved_filter))
    title = f"Filter {saved_filter.name}"
    discard(
        collect(saved_filter), kind="saved_filter", obj=saved_filter, title=title, project=None, actor=actor, now=now
    )
    publish(event, actor=actor, at=now)


def _lock(actor: User, filter_id: uuid.UUID) -> SavedFilter:
    visible = SavedFilter.objects.visible_to(actor).filter(pk=filter_id)
    saved_filter = SavedFilter.objects.select_for_update().filter(pk__in=visible.values("pk")).first()
    if saved_filter is None:
        raise NotFound(NOT_FOUND)
    require(saved_filter.owner_id == actor.pk, "Only its owner may change a saved filter.")
    return saved_filter


def _valid_changes(saved_filter: SavedFilter, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the changes by column: the filter in canonical form, its audience by ids. Raises Invalid."""
    changes = dict(changes)
    if "filter" in changes:
        tree = grammar.parse(changes["filter"])
        # Compiled for its owner, since fields and values are those that the owner sees.
        filters_from_params({"filter": changes["filter"]}, saved_filter.owner, now)
        changes["filter"] = to_text(tree)
        if not changes["filter"]:
            raise Invalid.field("filter", gettext("Write a filter."), "blank")
    if "columns" in changes:
        changes["columns"] = validate_columns(changes["columns"])
    for name, choices in (("ordering", ORDERINGS), ("grouping", GROUPINGS)):
        if changes.get(name) and changes[name] not in choices:
            raise Invalid.field(
                name, gettext("Choose one of: %(choices)s.") % {"choices": ", ".join(choices)}, "invalid_choice"
            )
    if "project" in changes:
        changes["project_id"] = _own_project_id(saved_filter.owner, changes.pop("project"))
    if "team" in changes:
        changes["team_id"] = _own_team_id(saved_filter.owner, changes.pop("team"))
    names = {"project": "project_id", "team": "team_id", "everyone": "everyone"}
    audience = [name for name, column in names.items() if changes.get(column, getattr(saved_filter, column))]
    if len(audience) > 1:
        message = gettext("Share with a project, a team or everyone, not with several.")
        raise Invalid(message, fields=[FieldError(name, "shared_in_one_way", message) for name in audience])
    return changes


def _own_project_id(owner: User, ref: str | None) -> uuid.UUID | None:
    if not ref:
        return None
    projects = Project.objects.filter(pk__in=ProjectMember.objects.filter(user=owner).values("project"))
    column, value = projects_selectors.lookup_for_ref(ref)
    project = projects.filter(**{column: value}).first()
    if project is None:
        raise Invalid.field("project", gettext("You are not in this project."), "does_not_exist")
    return project.pk


def _own_team_id(owner: User, team_id: uuid.UUID | None) -> uuid.UUID | None:
    if team_id and not Team.objects.filter(pk=team_id, memberships__user=owner).exists():
        raise Invalid.field("team", gettext("You are not in this team."), "does_not_exist")
    return team_id


def _payload(saved_filter: SavedFilter) -> dict[str, Any]:
    return {"id": str(saved_filter.pk), "owner_id": str(saved_filter.owner_id)}
