"""Notes on a move: what does not come along, who loses access, and what prevents it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext

from accounts.models import User
from core.text import truncate
from tasks.models import Attachment, LinkShare, ProjectMember, Role, Task, TaskShare, WipPolicy
from tasks.moving.plan import MovePlan

MAX_NAMES = 10


class Note(NamedTuple):
    """One thing that changes or is lost, or that prevents the move."""

    code: str
    detail: str


def list_changes(plan: MovePlan) -> Iterator[Note]:
    """Yield what does not come along as it is, in the order of the page."""
    target, tasks = plan.target, [placement.task for placement in plan.placements]
    if parent := tasks[0].parent:
        yield Note("parent", gettext("It is no longer a subtask of %(key)s.") % {"key": parent.key})
    statuses = Counter(
        (placement.task.state.name, placement.state.name)
        for placement in plan.placements
        if (placement.task.state.slug, placement.task.category) != (placement.state.slug, placement.state.category)
    )
    for (old, new), count in statuses.items():
        yield Note(
            "status",
            gettext("The status “%(old)s” becomes “%(new)s”%(plan)s.")
            % {"old": old, "new": new, "plan": _of_tasks(count, plan)},
        )
    lost = {
        placement.task.section.name
        for placement in plan.placements
        if placement.task.section and placement.section_id is None
    }
    if lost:
        yield Note("section", gettext("%(key)s has no section %(lost)s.") % {"key": target.key, "lost": _quoted(lost)})
    new_labels = {name for one in plan.placements for name in one.labels if name.lower() not in plan.known_labels}
    if new_labels:
        yield Note(
            "labels",
            gettext("%(key)s gets the labels %(new_labels)s.") % {"key": target.key, "new_labels": _quoted(new_labels)},
        )
    names = {user.pk: user.name for task in tasks for user in task.assignees.all()}
    if former := [name for user_id, name in names.items() if user_id not in plan.member_ids]:
        yield Note(
            "assignees",
            gettext("Unassigned, since not in %(key)s: %(former)s.") % {"key": target.key, "former": _listed(former)},
        )
    if unassigned := plan.item_assignee_ids - plan.member_ids:
        people = User.objects.filter(pk__in=unassigned).values_list("name", flat=True)
        yield Note(
            "checklist",
            gettext("Unassigned from checklist items, since not in %(key)s: %(people)s.")
            % {"key": target.key, "people": _listed(people)},
        )
    for name in sorted(plan.lost_fields):
        yield Note(
            "fields",
            gettext("The value of “%(name)s” is removed: %(key)s has no such field or option.")
            % {"name": name, "key": target.key},
        )
    yield from _access_notes(plan)
    required = {
        item.field.name
        for item in plan.target_fields
        for placement in plan.placements
        if item.field.required and placement.values.get(item.field.key) is None
    }
    if required:
        yield Note(
            "required_fields",
            gettext("%(key)s requires %(required)s; the value is missing.")
            % {"key": target.key, "required": _quoted(required)},
        )


def people_without_access(plan: MovePlan) -> QuerySet[User]:
    """Return the people of the former project who will not see the tasks.

    Guests with whom one is shared are among them.
    """
    target = plan.target
    users = User.objects.filter(pk__in=ProjectMember.objects.filter(project=plan.source).values("user"))
    users = users.exclude(pk__in=ProjectMember.objects.filter(project=target).values("user"))
    return users if target.is_inbox else users.exclude(role__in=[User.Role.STAFF, User.Role.ADMIN])


def links_without_editor(plan: MovePlan) -> QuerySet[LinkShare]:
    """Return the usable links whose creators may not share tasks of the other project."""
    editors = ProjectMember.objects.filter(project=plan.target, effective_role__in=[Role.EDITOR, Role.ADMIN])
    allowed = Q(creator__in=editors.values("user"))
    if not plan.target.is_inbox:
        allowed |= Q(creator__role=User.Role.ADMIN)
    return LinkShare.objects.usable().filter(task__in=plan.task_ids).exclude(allowed)


def _access_notes(plan: MovePlan) -> Iterator[Note]:
    target, ids = plan.target, plan.task_ids
    if count := people_without_access(plan).count():
        who = "1 person of" if count == 1 else gettext("%(count)s people of") % {"count": count}
        yield Note(
            "readers",
            gettext("%(who)s %(key)s will no longer see it, nor be reminded of it or watch it.")
            % {"who": who, "key": plan.source.key},
        )
    if count := TaskShare.objects.filter(task__in=ids).count():
        yield Note("shares", f"Shared with {count} {'guest' if count == 1 else 'guests'}, who will still see it.")
    if count := links_without_editor(plan).count():
        yield Note(
            "links",
            f"{count} {'link stops' if count == 1 else 'links stop'} working: its creator is no editor of {target.key}.",
        )


def list_problems(plan: MovePlan) -> Iterator[Note]:
    """Yield what prevents the move; the write checks it again, under its locks."""
    target = plan.target
    if target.wip_policy == WipPolicy.REFUSE:
        for state, count in Counter(placement.state for placement in plan.placements).items():
            if state.wip_limit is not None and Task.objects.filter(state=state).count() + count > state.wip_limit:
                limit = f"its limit is {state.wip_limit} task{'' if state.wip_limit == 1 else 's'}"
                yield Note(
                    "wip_limit",
                    gettext("%(name)s of %(key)s is full: %(limit)s.")
                    % {"name": state.name, "key": target.key, "limit": limit},
                )
    moved = Attachment.objects.filter(task__in=plan.task_ids).aggregate(total=Sum("file__size"))["total"] or 0
    if moved:
        used = Attachment.objects.filter(task__project=target).aggregate(total=Sum("file__size"))["total"] or 0
        if used + moved > settings.ATTACHMENT_PROJECT_QUOTA_BYTES:
            quota = settings.ATTACHMENT_PROJECT_QUOTA_BYTES // 1024**2
            yield Note("quota_exceeded", f"The attachments of {target.key} would take more than {quota:,} MB.")


def _of_tasks(count: int, plan: MovePlan) -> str:
    return "" if len(plan.placements) == 1 else f" ({count} task{'' if count == 1 else 's'})"


def _quoted(names: Collection[str]) -> str:
    return _listed(f"“{truncate(name, 60)}”" for name in names)


def _listed(names: Iterable[str]) -> str:
    """Return the first MAX_NAMES names as a text, and how many more there are."""
    ordered = sorted(names)
    more = len(ordered) - MAX_NAMES
    return ", ".join(ordered[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
