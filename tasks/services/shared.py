"""Steps that several verbs take in the same way."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Value
from django.db.models.functions import Lower

from accounts.models import User
from accounts.selectors import find_by_proved_address
from core.errors import Conflict, Invalid, NotFound, Stale
from tasks import cache, policies, selectors
from tasks.events import TaskState, plain, state_of
from tasks.models import Category, Label, Project, ProjectMember, Role, State, Task

MAX_LINKS = 20
NOBODY = "There is no such person."
NOBODY_THERE = "Nobody here has confirmed this address. Invite them by mail instead."


def task_state(task: Task) -> TaskState:
    """A task as facts tell of it, with who is assigned and labelled by now."""
    links = selectors.links_of(task)
    return state_of(task, assignee_ids=links.people, labels=links.labels.values())


def require_editor(actor: User, project: Project) -> None:
    require_edit(selectors.role_in(actor, project))


def require_task_editor(actor: User, task: Task) -> None:
    require_edit(selectors.role_on(actor, task))


def require_edit(role: Role | None) -> None:
    policies.require(policies.can_edit(role), "You may read this project, not change it.")


def require_manager(actor: User, project: Project) -> None:
    policies.require(
        policies.can_manage(selectors.role_in(actor, project)), "Only an admin of the project may do this."
    )


def require_current(project: Project) -> None:
    """An archived project is kept as it is."""
    if project.archived_at is not None:
        raise Conflict("The project is archived; restore it first.", code="archived")


def check_version(thing: Any, versions: frozenset[int] | None, wanted: dict[str, Any]) -> None:
    """Refuse a write that rests on another version than the locked row's; `wanted` is for the caller's comparison."""
    if versions is not None and thing.version not in versions:
        current = {name: _comparable(getattr(thing, name, None)) for name in wanted}
        raise Stale(version=thing.version, current=current, wanted={n: _comparable(v) for n, v in wanted.items()})


def _comparable(value: Any) -> Any:
    """A value as JSON has it; the lists of a task are sets, whose order says nothing."""
    return sorted(str(one) for one in value) if isinstance(value, list | tuple | set) else plain(value)


def forget_answers(project: Project, *left: uuid.UUID) -> None:
    """End what is remembered for everybody who can see this project, and for who could, once the change is committed.

    They are asked for only then: who joins before the commit has perhaps read, and remembers, what was true until it.
    """
    key = project.pk
    cache.forget_for(lambda: {*left, *selectors.watchers_of([key])})


def state_for(project: Project, slug: str) -> State:
    """The project's state of this slug, or of this category's first state (`done` always means something)."""
    return state_among(selectors.workflow(project), slug)


def state_among(found: Sequence[State], slug: str) -> State:
    named = [state for state in found if state.slug == slug]
    by_category = [state for state in found if state.category == slug and slug in Category.values]
    if not (named or by_category):
        known = ", ".join(state.slug for state in found)
        raise Invalid.field("status", f"This project has no such status. It has: {known}.", "invalid_choice")
    return (named or by_category)[0]


def members_among(project: Project, user_ids: Collection[Any]) -> list[uuid.UUID]:
    """Return the ids if all are active members of the project; name the field otherwise.

    The memberships are locked, so that nobody is assigned while they are being taken out of the project.
    """
    wanted = {uuid.UUID(str(key)) for key in user_ids}
    if len(wanted) > MAX_LINKS:
        raise Invalid.field("assignees", f"At most {MAX_LINKS} people.", "too_many")
    active = ProjectMember.objects.filter(project=project, user__in=wanted, user__is_active=True)
    locked = active.select_for_update(of=("self",), no_key=True).order_by("user_id")
    found = set(locked.values_list("user_id", flat=True))
    if wanted - found:
        raise Invalid.field("assignees", "Only members of the project can be assigned.", "not_a_member")
    return sorted(found)


def labels_named(project: Project, names: Iterable[str]) -> list[Label]:
    """Return the project's labels of these names, making those that are missing."""
    wanted = {name.strip().lower(): name.strip() for name in names if name.strip()}
    if len(wanted) > MAX_LINKS:
        raise Invalid.field("labels", f"At most {MAX_LINKS} labels.", "too_many")
    if not wanted:
        return []
    known = {label.name.lower(): label for label in Label.objects.filter(project=project)}
    missing = [Label(project=project, name=name) for low, name in wanted.items() if low not in known]
    if missing:
        Label.objects.bulk_create(missing, ignore_conflicts=True)
        known = {label.name.lower(): label for label in Label.objects.filter(project=project)}
    found = [known.get(low) or _label_as_stored(project, name) for low, name in wanted.items()]
    return list({label.pk: label for label in found}.values())


def _label_as_stored(project: Project, name: str) -> Label:
    """Return the label that PostgreSQL holds for the same name: its lower case is not always Python's (İ is i to it)."""
    rows = Label.objects.filter(project=project).annotate(low=Lower("name"))
    return rows.get(low=Lower(Value(name)))


def parent_in(project: Project, parent_id: Any, *, of: Task | None = None) -> Task | None:
    """Return the parent task, refusing another project's, the task itself, and a circle."""
    if parent_id is None:
        return None
    parent = Task.objects.filter(project=project, pk=parent_id).select_related("project").first()
    if parent is None:
        raise Invalid.field("parent", "There is no such task in this project.", "does_not_exist")
    above: Task | None = parent
    while above is not None and of is not None:
        if above.pk == of.pk:
            raise Invalid.field("parent", "A task cannot be below itself.", "circle")
        above = above.parent
    return parent


def person_named(user_id: uuid.UUID | None, email: str) -> User:
    """The active person of this id or confirmed address; names the field where there is none."""
    person = User.objects.active().filter(pk=user_id).first() if user_id else find_by_proved_address(email=email)
    if person is None:
        field, words = ("user", NOBODY) if user_id else ("email", NOBODY_THERE)
        raise Invalid.field(field, words, "does_not_exist")
    found: User = person
    return found


def own_member(project: Project, user_id: uuid.UUID) -> ProjectMember:
    found = ProjectMember.objects.select_for_update().filter(project=project, user=user_id).first()
    if found is None:
        raise NotFound("This person is not in the project.")
    return found
