"""What the tasks know about a person. What they made with others stays with the others, without their name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.db.models import Q

from accounts.models import User
from core.personal import Keeper, Part, Row, in_batches
from tasks.models import Comment, Project, ProjectMember, Task, TaskShare
from tasks.services import forget_person

PROJECT = ("id", "key", "name", "description", "is_inbox", "created_at", "archived_at")
TASK = (
    "id", "number", "title", "description", "category", "priority", "start_date", "due_date", "due_at", "estimate",
    "creator_id", "created_at", "updated_at", "closed_at",
)  # fmt: skip
# What is left of a task to who wrote it down, once it is among others only: that it was, and which.
OUT_OF_SIGHT = ("id", "number", "created_at")


def projects_of(person_id: uuid.UUID) -> Iterator[Row]:
    return in_batches(Project.objects.filter(owner=person_id).values("pk", *PROJECT))


def memberships_of(person_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "project_id", "project__key", "project__name", "role", "created_at")
    return in_batches(ProjectMember.objects.filter(user=person_id).values(*columns))


def shares_of(person_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "task_id", "task__project__key", "task__number", "role", "created_at")
    return in_batches(TaskShare.objects.filter(user=person_id).values(*columns))


def tasks_of(person_id: uuid.UUID) -> Iterator[Row]:
    """What they wrote down and what was theirs to do, as it is now, as long as they can see it.

    Of what they wrote down where they may no longer look, only which tasks these are: others have worded them since.
    """
    person = User.objects.get(pk=person_id)
    assigned = Q(assignments__user=person_id, project__memberships__user=person_id)
    mine = Task.objects.filter(Q(pk__in=Task.objects.filter(assigned).values("pk")) | Q(creator=person_id))
    yield from in_batches(mine.visible_to(person).values("pk", "project__key", "state__name", *TASK))
    written = Task.objects.filter(creator=person_id)
    hidden = written.exclude(pk__in=written.visible_to(person).values("pk"))
    yield from in_batches(hidden.values("pk", "project__key", *OUT_OF_SIGHT))


def comments_of(person_id: uuid.UUID) -> Iterator[Row]:
    columns = ("pk", "id", "task_id", "task__project__key", "task__number", "body", "created_at", "edited_at")
    return in_batches(Comment.objects.filter(author=person_id).values(*columns))


KEEPER = Keeper(
    parts=(
        Part("projects", "The projects you own.", projects_of, ("tasks.Project",)),
        Part("memberships", "Your roles in projects.", memberships_of, ("tasks.ProjectMember",)),
        Part("shares", "Single tasks that were shared with you.", shares_of, ("tasks.TaskShare",)),
        Part("tasks", "Tasks you wrote down or that are yours.", tasks_of, ("tasks.Task", "tasks.TaskAssignee")),
        Part("comments", "What you wrote on tasks.", comments_of, ("tasks.Comment",)),
    ),
    forget=forget_person,
)
