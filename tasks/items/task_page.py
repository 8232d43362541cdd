"""Context of a task's page, for the views of every feature on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from core.clock import current_time
from core.forms import parse_uuid
from events import selectors as events_selectors
from events.archive import MIN_ARCHIVE_AGE
from tasks import policies
from tasks.attachments import selectors as attachments_selectors
from tasks.checklists.selectors import checklist_panel
from tasks.comments import selectors as comments_selectors
from tasks.comments.forms import CommentForm
from tasks.custom_fields import selectors as custom_fields_selectors
from tasks.custom_fields.forms import ValuesForm
from tasks.items import page_queries, selectors
from tasks.items.activity import activity_entries, mentioned_user_ids
from tasks.items.forms import SharedTaskForm, TaskForm, initial_data
from tasks.items.neighbours import find_neighbours
from tasks.members import selectors as members_selectors
from tasks.models import Role, Task
from tasks.projects import selectors as projects_selectors
from tasks.reactions.selectors import reactions_panel
from tasks.recurrence.panel import recurrence_panel
from tasks.references.selectors import find_references
from tasks.relations.selectors import relations_panel
from tasks.reminders.panel import reminders_panel
from tasks.sections.selectors import list_sections
from tasks.sharing import selectors as sharing_selectors
from tasks.time_tracking.selectors import time_panel
from tasks.watching.selectors import watchers_panel

# What a feature adds to the page: a selector under the name that its template uses, with one query each.
PANELS: dict[str, Callable[[User, Task], Any]] = {
    "watchers": watchers_panel,
    "attachments": attachments_selectors.list_newest,
    "checklist": checklist_panel,
    "recurrence": recurrence_panel,
    "relations": relations_panel,
    "time": time_panel,
    "task_fields": lambda _, task: custom_fields_selectors.list_task_fields(task),
    "reminders": reminders_panel,
}
FRAGMENTS = {
    "attachments": "tasks/_attachments.html",
    "comments": "tasks/_comments.html",
    "older-comments": "tasks/_comment_list.html",
    "recurrence": "tasks/_recurrence.html",
    "reminders": "tasks/_reminders.html",
    "subtasks": "tasks/_subtasks.html",
}
COMMENTS_PER_PAGE = 100
SUBTASKS_PER_PAGE = 100
MAX_ACTIVITY_ENTRIES = 30


def task_context(
    reader: User,
    task: Task,
    *,
    form: TaskForm | None = None,
    comment_form: CommentForm | None = None,
    values_form: ValuesForm | None = None,
    params: Mapping[str, str] = {},
) -> dict[str, Any]:
    """Return the context of a task's page; `before` and `subtasks` of the query string show more than the first page."""
    project_role, role = sharing_selectors.project_and_task_role(reader, task)
    now, today = current_time(), timezone.localdate(current_time())
    is_current = task.project.archived_at is None
    text = params.get("subtasks", "")
    subtask_pages = int(text) // SUBTASKS_PER_PAGE if text.isascii() and text.isdecimal() and len(text) < 6 else 1
    limit = max(subtask_pages, 1) * SUBTASKS_PER_PAGE
    subtasks = page_queries.build_rows(reader, selectors.list_subtasks(reader, task)[:limit], now=now, today=today)
    # Without a second page, the rows themselves give the counts.
    subtask_count, subtasks_done = len(subtasks), sum(row.task.is_closed for row in subtasks)
    if subtask_count == limit:
        subtask_count, subtasks_done = selectors.count_subtasks(reader, task)
    before = parse_uuid(params.get("before", ""))
    newest = comments_selectors.list_newest_comments(task, before=before, limit=COMMENTS_PER_PAGE)
    form = form or task_form(reader, task, is_member=project_role is not None)
    events = list(selectors.list_activity(task).order_by("-pk")[:MAX_ACTIVITY_ENTRIES])
    activity = activity_entries(
        events,
        names=page_queries.user_names(mentioned_user_ids(events)),
        states=dict(form.fields["status"].choices),
        fields=custom_fields_selectors.fields_in_events(events),
        names_tasks=project_role is not None,
    )
    # Nothing younger is ever archived.
    is_old = now - task.created_at > MIN_ARCHIVE_AGE
    archived_until = events_selectors.archived_until() if is_old else None
    panels = {name: panel(reader, task) for name, panel in PANELS.items()}
    return {
        "task": task,
        "project": task.project,
        "form": form,
        "values_form": values_form or ValuesForm(task_fields=panels["task_fields"], people=form.people),
        "comment_form": comment_form or CommentForm(),
        "comments": newest.comments,
        # Guests don't learn who else is in the project.
        "mentionable": {user.handle.lower(): user.name for user in (reader, *form.people)},
        "references": find_references(reader, [task.html, *(comment.html for comment in newest.comments)]),
        "reactions": reactions_panel(reader, task, newest.comments),
        "has_older_comments": newest.has_older,
        "has_newer_comments": before is not None,
        "comment_count": newest.total,
        "activity": activity,
        "archived_until": archived_until if archived_until and task.created_at < archived_until else None,
        "subtasks": subtasks,
        "subtask_count": subtask_count,
        "neighbours": find_neighbours(reader, task, params, now=now),
        "subtasks_done": subtasks_done,
        "more_subtasks": limit + SUBTASKS_PER_PAGE if subtask_count > len(subtasks) else 0,
        "is_overdue": task.is_overdue(now, today),
        "is_member": project_role is not None,
        "can_edit": is_current and policies.can_edit(role),
        "can_comment": is_current and policies.can_comment(role),
        "can_manage": project_role == Role.ADMIN,
        **panels,
    }


def task_form(
    reader: User, task: Task, request: HttpRequest | None = None, *, is_member: bool | None = None
) -> TaskForm:
    """Return the form of a task's fields; guests get fewer of them."""
    if is_member is None:
        is_member = not reader.is_guest or projects_selectors.project_role(reader, task.project) is not None
    states = list(projects_selectors.list_states(task.project))
    data = request.POST if request else None
    if not is_member:
        return SharedTaskForm(data, people=(), states=states, initial=initial_data(task))
    return TaskForm(
        data,
        people=members_selectors.assignable_users(task.project),
        states=states,
        parents=page_queries.parent_choices(task),
        sections=list(list_sections(task.project)),
        initial=initial_data(task),
    )
