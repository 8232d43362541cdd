"""What can be done with projects and tasks, one verb each."""

from tasks.services.comments import add_comment, delete_comment, edit_comment
from tasks.services.creating import Draft, create_task, create_tasks, ensure_inbox
from tasks.services.deleting import delete_task
from tasks.services.imports import ImportReport, import_tasks
from tasks.services.moving import move_task
from tasks.services.projects import (
    add_member,
    add_state,
    archive_project,
    change_member,
    create_label,
    create_project,
    delete_label,
    delete_project,
    delete_state,
    remove_member,
    update_label,
    update_project,
    update_state,
)
from tasks.services.reminders import announce_due_soon
from tasks.services.updating import update_task

__all__ = [
    "Draft",
    "ImportReport",
    "add_comment",
    "add_member",
    "add_state",
    "announce_due_soon",
    "archive_project",
    "change_member",
    "create_label",
    "create_project",
    "create_task",
    "create_tasks",
    "delete_comment",
    "delete_label",
    "delete_project",
    "delete_state",
    "delete_task",
    "edit_comment",
    "ensure_inbox",
    "import_tasks",
    "move_task",
    "remove_member",
    "update_label",
    "update_project",
    "update_state",
    "update_task",
]
