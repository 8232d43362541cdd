"""Personal data in tasks (GDPR): export and erasure. Work done with others stays, without the user's name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import TeamMember, User
from core.errors import Conflict
from core.privacy import ExportSection, PersonalDataProvider, Row, in_batches
from tasks.attachments import orphans as attachments_orphans
from tasks.cache import invalidate_viewers
from tasks.items import services as items
from tasks.items.assignees import unassign
from tasks.members import services as members
from tasks.members.teams import unassign_former_members
from tasks.models import (
    Attachment,
    BulkJob,
    CalendarFeed,
    ChecklistItem,
    Comment,
    CustomFieldValue,
    FilterSubscription,
    ImportJob,
    LinkShare,
    Project,
    ProjectFavourite,
    ProjectMember,
    Reaction,
    Reminder,
    SavedFilter,
    Task,
    TaskShare,
    TaskWatch,
    TimeEntry,
    TrashEntry,
)
from tasks.projects import selectors as projects_selectors
from tasks.trash import selectors as trash_selectors
from tasks.trash.erasure import erase_user as erase_from_trash


@transaction.atomic
def erase_user(user_id: uuid.UUID, now: datetime) -> None:
    """Delete what is the user's alone, and remove them from projects; work done with others stays."""
    user: User = User.objects.get(pk=user_id)
    inbox = projects_selectors.get_inbox(user)
    if inbox is not None:
        Project.objects.filter(pk=inbox.pk).update(archived_at=None)  # an archived project's tasks cannot be deleted
        # One by one, so that each has its event. Newest first: a subtask, mostly younger, need not be detached.
        for task_id in Task.objects.filter(project=inbox).order_by("-pk").values_list("pk", flat=True):
            items.delete(actor=user, ref=str(task_id), now=now)
        invalidate_viewers(inbox, user.pk)
        # Their files have nothing to wait for.
        attachments_orphans.release_files(project=inbox, now=now)
        TrashEntry.objects.filter(project=inbox).delete()
        inbox.delete()
    # Without events: the user is being erased, and nobody is to be told whom a task was shared with.
    TaskShare.objects.filter(user=user).delete()
    LinkShare.objects.filter(creator=user).delete()
    CalendarFeed.objects.filter(user=user).delete()
    TaskWatch.objects.filter(user=user).delete()
    Reaction.objects.filter(user=user).delete()
    ProjectFavourite.objects.filter(user=user).delete()
    ImportJob.objects.filter(user=user).delete()
    BulkJob.objects.filter(user=user).delete()
    CustomFieldValue.objects.filter(user=user).delete()
    # Work that was logged counts in the totals of its tasks, without the user's name and words.
    TimeEntry.objects.filter(user=user, ended_at=None).delete()
    TimeEntry.objects.filter(user=user).update(note="")
    Reminder.objects.filter(user=user).delete()
    SavedFilter.objects.filter(owner=user).delete()
    FilterSubscription.objects.filter(user=user).delete()
    TeamMember.objects.filter(user=user).delete()
    for membership in ProjectMember.objects.filter(user=user).select_related("project").order_by("pk"):
        project = membership.project
        try:
            members.remove(actor=user, ref=str(project.pk), user_id=user.pk, now=now)
        except Conflict:  # the last admin stays a member, so that the project keeps an owner
            unassign(actor=user, project=project, user_id=user.pk, now=now)
    unassign_former_members(user_ids=[user.pk], now=now)
    erase_from_trash(user.pk)


# Listed one by one: a new column is exported only when somebody has decided so.
PROJECT_COLUMNS = ("id", "key", "name", "description", "is_inbox", "created_at", "archived_at")
TASK_COLUMNS = ("id", "number", *Task.SCALAR_FIELDS, "category", "creator_id", "created_at", "updated_at", "closed_at")
# Of tasks that the user created and may no longer see.
HIDDEN_TASK_COLUMNS = ("id", "number", "created_at")


def export_projects(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the projects that the user owns."""
    return in_batches(Project.objects.filter(owner=user_id).values("pk", *PROJECT_COLUMNS))


def export_memberships(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the user's roles in projects."""
    columns = ("pk", "project_id", "project__key", "project__name", "role", "created_at")
    return in_batches(ProjectMember.objects.filter(user=user_id).values(*columns))


def export_shares(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the tasks shared with the user one by one."""
    columns = ("pk", "task_id", "task__project__key", "task__number", "role", "created_at")
    return in_batches(TaskShare.objects.filter(user=user_id).values(*columns))


def export_tasks(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the visible tasks that the user created or is assigned to.

    Of created tasks that are no longer visible only the identity: others have changed their contents since.
    """
    user = User.objects.get(pk=user_id)
    assigned = Q(assignments__user=user_id, project__memberships__user=user_id)
    own = Task.objects.filter(Q(pk__in=Task.objects.filter(assigned).values("pk")) | Q(creator=user_id))
    yield from in_batches(own.visible_to(user).values("pk", "project__key", "state__name", *TASK_COLUMNS))
    created = Task.objects.filter(creator=user_id)
    hidden = created.exclude(pk__in=created.visible_to(user).values("pk"))
    yield from in_batches(hidden.values("pk", "project__key", *HIDDEN_TASK_COLUMNS))


def export_comments(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the comments that the user wrote."""
    columns = ("pk", "id", "task_id", "task__project__key", "task__number", "body", "created_at", "edited_at")
    return in_batches(Comment.objects.filter(author=user_id).values(*columns))


def export_checklist_items(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the checklist items that are assigned to the user."""
    columns = ("pk", "id", "task_id", "task__project__key", "task__number", "text", "is_done", "due_date", "created_at")
    return in_batches(ChecklistItem.objects.filter(assignee=user_id).values(*columns))


def export_attachments(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the files that the user attached to tasks, also those in the trash; the files are the user's own."""
    columns = ("pk", "id", "task_id", "task__project__key", "task__number", "name", "file__size", "created_at")
    yield from in_batches(Attachment.objects.filter(uploader=user_id).values(*columns))
    for attachment in trash_selectors.stored_rows("tasks.Attachment", {"uploader_id": str(user_id)}):
        yield {name: attachment.get(name) for name in ("id", "task_id", "name", "created_at")}


def export_time_entries(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the time that the user logged."""
    columns = ("pk", "id", "task_id", "task__project__key", "task__number", "started_at", "ended_at", "minutes", "note")
    return in_batches(TimeEntry.objects.filter(user=user_id).values(*columns))


def export_user_fields(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the person fields of visible tasks that name the user."""
    user = User.objects.get(pk=user_id)
    columns = ("pk", "task_id", "task__project__key", "task__number", "field__key", "field__name")
    values = CustomFieldValue.objects.filter(user=user_id, task__in=Task.objects.visible_to(user).values("pk"))
    return in_batches(values.values(*columns))


def export_saved_filters(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the filters that the user saved."""
    columns = ("pk", "id", "name", "filter", "project_id", "team_id", "everyone", "is_favourite", "created_at")
    return in_batches(SavedFilter.objects.filter(owner=user_id).values(*columns))


def export_filter_subscriptions(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the saved filters that the user subscribes to."""
    columns = ("pk", "saved_filter_id", "saved_filter__name", "created_at")
    return in_batches(FilterSubscription.objects.filter(user=user_id).values(*columns))


def export_reminders(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the reminders that the user set for tasks."""
    columns = ("pk", "id", "task_id", "at", "minutes_before", "days_before", "time", "sent_at", "created_at")
    return in_batches(Reminder.objects.filter(user=user_id).values(*columns))


def export_watches(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the tasks that the user chose to watch, or not to."""
    columns = ("pk", "task_id", "task__project__key", "task__number", "is_watching", "created_at")
    return in_batches(TaskWatch.objects.filter(user=user_id).values(*columns))


def export_reactions(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the user's reactions to tasks and comments."""
    columns = ("pk", "task_id", "task__project__key", "task__number", "comment_id", "emoji", "created_at")
    return in_batches(Reaction.objects.filter(user=user_id).values(*columns))


def export_favourites(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the user's favourite projects."""
    columns = ("pk", "project_id", "project__key", "position", "created_at")
    return in_batches(ProjectFavourite.objects.filter(user=user_id).values(*columns))


def export_bulk_jobs(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the user's changes of many tasks by a worker."""
    return in_batches(
        BulkJob.objects.filter(user=user_id).values(
            "pk", "id", "kind", "title", "state", "changes", "total", "created_at"
        )
    )


def export_links(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the links to tasks that the user created."""
    columns = ("pk", "task_id", "task__project__key", "task__number", "role", "expires_at", "revoked_at", "created_at")
    return in_batches(LinkShare.objects.filter(creator=user_id).values(*columns))


def export_calendar_feed(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield when the user created the link to their calendar; its token is stored nowhere."""
    return in_batches(CalendarFeed.objects.filter(user=user_id).values("pk", "created_at"))


def export_import_jobs(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the imports of large files of the last day. The files themselves are the user's own."""
    return in_batches(ImportJob.objects.filter(user=user_id).values("pk", "id", "source", "state", "created_at"))


def export_trash(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield what the user deleted and can still restore."""
    columns = ("pk", "id", "kind", "object_id", "title", "project__key", "deleted_at", "purge_at")
    return in_batches(TrashEntry.objects.filter(deleted_by=user_id).values(*columns))


def export_deleted_comments(user_id: uuid.UUID) -> Iterator[Row]:
    """Yield the user's comments that are in the trash, by whoever deleted them."""
    for comment in trash_selectors.stored_rows("tasks.Comment", {"author_id": str(user_id)}):
        yield {name: comment.get(name) for name in ("id", "task_id", "body", "created_at", "edited_at")}


PROVIDER = PersonalDataProvider(
    parts=(
        ExportSection("projects", "The projects you own.", export_projects, ("tasks.Project",)),
        ExportSection("memberships", "Your roles in projects.", export_memberships, ("tasks.ProjectMember",)),
        ExportSection("shares", "Single tasks shared with you.", export_shares, ("tasks.TaskShare",)),
        ExportSection(
            "tasks",
            "Tasks that you created or that are assigned to you.",
            export_tasks,
            ("tasks.Task", "tasks.TaskAssignee"),
        ),
        ExportSection("comments", "Your comments on tasks.", export_comments, ("tasks.Comment",)),
        ExportSection(
            "checklist-items", "Checklist items assigned to you.", export_checklist_items, ("tasks.ChecklistItem",)
        ),
        ExportSection(
            "attachments",
            "Files that you attached to tasks: names and sizes.",
            export_attachments,
            ("tasks.Attachment",),
        ),
        ExportSection("time-entries", "Time that you logged.", export_time_entries, ("tasks.TimeEntry",)),
        ExportSection(
            "person-fields", "Tasks that name you in a custom field.", export_user_fields, ("tasks.CustomFieldValue",)
        ),
        ExportSection("saved-filters", "Your saved filters.", export_saved_filters, ("tasks.SavedFilter",)),
        ExportSection(
            "filter-subscriptions",
            "Your subscriptions to saved filters.",
            export_filter_subscriptions,
            ("tasks.FilterSubscription",),
        ),
        ExportSection("reminders", "Your reminders of tasks.", export_reminders, ("tasks.Reminder",)),
        ExportSection("trash", "What you deleted in the last weeks.", export_trash, ("tasks.TrashEntry",)),
        ExportSection("deleted-comments", "Your comments in the trash.", export_deleted_comments, ()),
        ExportSection("watches", "Tasks you chose to watch, or not to.", export_watches, ("tasks.TaskWatch",)),
        ExportSection("reactions", "Your reactions to tasks and comments.", export_reactions, ("tasks.Reaction",)),
        ExportSection("favourites", "Your favourite projects.", export_favourites, ("tasks.ProjectFavourite",)),
        ExportSection("bulk-changes", "Your changes of many tasks.", export_bulk_jobs, ("tasks.BulkJob",)),
        ExportSection("links", "Links to tasks that you created.", export_links, ("tasks.LinkShare",)),
        ExportSection("calendar-feed", "Your calendar link.", export_calendar_feed, ("tasks.CalendarFeed",)),
        ExportSection("imports", "Your imports of the last day.", export_import_jobs, ("tasks.ImportJob",)),
    ),
    erase=erase_user,
)
