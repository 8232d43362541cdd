"""States of a project: the columns of its workflow."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, RestrictedError
from django.utils.text import slugify
from django.utils.translation import gettext

from accounts.models import User
from core.errors import Conflict, Invalid
from core.etags import check_version
from events.outbox import publish
from tasks import events, policies
from tasks.events import project_payload
from tasks.models import Category, Project, State
from tasks.projects import selectors
from tasks.trash.storage import collect, discard

DEFAULT_STATES = (
    ("todo", "To do", Category.TODO),
    ("in_progress", "In progress", Category.IN_PROGRESS),
    ("done", "Done", Category.DONE),
    ("cancelled", "Cancelled", Category.CANCELLED),
)
# Each is a column of the board, and a line in every choice of a status.
MAX_STATES = 50


@transaction.atomic
def add(*, actor: User, ref: str, name: str, category: str, wip_limit: int | None = None) -> State:
    """Add a state as the last one of the workflow. Raises NotFound, NotAllowed, Conflict, Invalid."""
    project = _lock_managed_project(actor, ref)
    require_room(project)
    # With underscores, as the slugs of the default states.
    slug = slugify(name).replace("-", "_")[:40]
    # A name of symbols, or of a script that slugify drops.
    if not slug:
        raise Invalid.field("name", gettext("Use some letters or digits."), "invalid")
    # The project is locked, so no other new state takes this position.
    position = State.objects.filter(project=project).count()
    try:
        with transaction.atomic():
            state = State.objects.create(
                project=project,
                slug=slug,
                name=name.strip(),
                category=category,
                position=position,
                wip_limit=wip_limit,
            )
    except IntegrityError as error:
        raise Invalid.field("name", gettext("The project has a status of this name already."), "taken") from error
    _publish_change(project, actor, [], [state.name])
    return state


def require_room(project: Project) -> None:
    """Raise Conflict if a project has no room for another state."""
    if State.objects.filter(project=project).count() >= MAX_STATES:
        raise Conflict(
            gettext("A project has at most %(max_states)s statuses.") % {"max_states": MAX_STATES}, code="too_many"
        )


@transaction.atomic
def update(
    *, actor: User, ref: str, state_id: uuid.UUID, changes: dict[str, Any], versions: frozenset[int] | None = None
) -> State:
    """Change the name or WIP limit of a state; its slug stays, so that clients' filters go on working.

    Raises NotFound, NotAllowed, VersionConflict.
    """
    project = _lock_managed_project(actor, ref)
    state = selectors.get_state(project, state_id)
    if "name" in changes:
        changes = changes | {"name": changes["name"].strip()}
    check_version(state, versions, changes)
    changes = {name: value for name, value in changes.items() if getattr(state, name) != value}
    if changes:
        before = state.name
        State.objects.filter(pk=state.pk).update(**changes, version=F("version") + 1)
        state.refresh_from_db()
        _publish_change(project, actor, [before], [state.name])
    return state


@transaction.atomic
def delete(
    *, actor: User, ref: str, state_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None
) -> None:
    """Move a state without tasks to the trash; a project keeps one of the categories to do and done.

    Raises NotFound, NotAllowed, Conflict, VersionConflict.
    """
    project = _lock_managed_project(actor, ref)
    state = selectors.get_state(project, state_id)
    check_version(state, versions)
    same_category = State.objects.filter(project=state.project_id, category=state.category)
    if state.category in {Category.TODO, Category.DONE} and same_category.count() == 1:
        raise Conflict(gettext("A project keeps one status to do and one done."), code="last_of_category")
    try:
        # Django looks for its tasks; for one that is moved here at the same moment the foreign key decides.
        deletion = collect(state)
        title = f"Status {state.name} of {project.key}"
        discard(deletion, kind="state", obj=state, title=title, project=project, actor=actor, now=now)
    except RestrictedError as error:
        raise Conflict(gettext("Tasks have this status; move them first."), code="in_use") from error
    _publish_change(project, actor, [state.name], [])


def _publish_change(project: Project, actor: User, before: list[str], after: list[str]) -> None:
    changes = {"states": [before, after]}
    publish(events.ProjectUpdated(project=project_payload(project), changes=changes), actor=actor)


def _lock_managed_project(actor: User, ref: str) -> Project:
    project = selectors.lock_project(actor, ref)
    policies.require_manager(selectors.project_role(actor, project))
    return project


def find_state(states: Sequence[State], slug: str) -> State:
    """Return the state of this slug, or else the first of this category. Raises Invalid."""
    # The slug first: a project may have a status whose slug is the name of another category.
    candidates = [state for state in states if state.slug == slug]
    if slug in Category.values:
        candidates += [state for state in states if state.category == slug]
    if not candidates:
        known = ", ".join(state.slug for state in states)
        raise Invalid.field(
            "status",
            gettext("This project has no such status. It has: %(known)s.") % {"known": known},
            "invalid_choice",
        )
    return candidates[0]
