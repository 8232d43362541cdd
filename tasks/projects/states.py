import uuid
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import F, RestrictedError
from django.utils.text import slugify

from accounts.models import User
from core.errors import Conflict, Invalid
from core.versions import check_version
from tasks.models import Category, Project, State
from tasks.permissions import require_manager
from tasks.projects import selectors
from tasks.projects import selectors as projects_selectors

DEFAULT_STATES = (
    ("todo", "To do", Category.TODO),
    ("in_progress", "In progress", Category.IN_PROGRESS),
    ("done", "Done", Category.DONE),
    ("cancelled", "Cancelled", Category.CANCELLED),
)


@transaction.atomic
def add(*, actor: User, ref: str, name: str, category: str) -> State:
    """Add a column to the workflow, as the last one."""
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    slug = slugify(name).replace("-", "_")[:40]
    if not slug:
        raise Invalid.field("name", "Use some letters or digits.", "invalid")
    count = State.objects.filter(project=project).count()
    try:
        with transaction.atomic():
            return State.objects.create(
                project=project, slug=slug, name=name.strip(), category=category, position=count
            )
    except IntegrityError as error:
        raise Invalid.field("name", "The project has a status of this name already.", "taken") from error


@transaction.atomic
def update(
    *, actor: User, ref: str, state_id: uuid.UUID, name: str | None, versions: frozenset[int] | None = None
) -> State:
    """Rename a column; its slug stays, so that clients' filters go on working."""
    state = _lock_state(actor, ref, state_id)
    wanted = state.name if name is None else name.strip()
    check_version(state, versions, {} if name is None else {"name": wanted})
    if wanted != state.name:
        State.objects.filter(pk=state.pk).update(name=wanted, version=F("version") + 1)
        state.refresh_from_db()
    return state


@transaction.atomic
def delete(*, actor: User, ref: str, state_id: uuid.UUID, versions: frozenset[int] | None = None) -> None:
    """Remove a column that no task is in; each project keeps one to begin in and one to finish in."""
    state = _lock_state(actor, ref, state_id)
    check_version(state, versions)
    same = State.objects.filter(project=state.project_id, category=state.category)
    if state.category in {Category.TODO, Category.DONE} and same.count() == 1:
        raise Conflict("A project keeps one status to do and one done.", code="last_of_category")
    try:
        state.delete()
    except RestrictedError as error:
        raise Conflict("Tasks have this status; move them first.", code="in_use") from error


def _lock_state(actor: User, ref: str, state_id: uuid.UUID) -> State:
    project = selectors.lock_project(actor, ref)
    require_manager(actor, project)
    return selectors.get_state(project, state_id)


def resolve_state(project: Project, slug: str) -> State:
    """The project's state of this slug, or of this category's first state (`done` always means something)."""
    return find_state(projects_selectors.load_states(project), slug)


def find_state(found: Sequence[State], slug: str) -> State:
    named = [state for state in found if state.slug == slug]
    by_category = [state for state in found if state.category == slug and slug in Category.values]
    if not (named or by_category):
        known = ", ".join(state.slug for state in found)
        raise Invalid.field("status", f"This project has no such status. It has: {known}.", "invalid_choice")
    return (named or by_category)[0]
