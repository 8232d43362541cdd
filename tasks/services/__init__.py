"""What can be done with projects and tasks, one verb each."""

from tasks.services.comments import add_comment, delete_comment, edit_comment
from tasks.services.creating import Draft, create_task, create_tasks, ensure_inbox
from tasks.services.deleting import delete_task
from tasks.services.forgetting import forget_person
from tasks.services.imports import ImportReport, import_tasks
from tasks.services.inviting import invite_to_project, let_in
from tasks.services.members import add_member, change_member, remove_member
from tasks.services.moving import move_task
from tasks.services.projects import (
    add_state,
    archive_project,
    create_label,
    create_project,
    delete_label,
    delete_project,
    delete_state,
    update_label,
    update_project,
    update_state,
)
from tasks.services.reminders import announce_due_soon
from tasks.services.sharing import change_share, share_task, unshare_task
from tasks.services.teams import add_project_team, change_project_team, release_departed, remove_project_team
from tasks.services.updating import update_task

__all__ = [
    "Draft",
    "ImportReport",
    "add_comment",
    "add_member",
    "add_project_team",
    "add_state",
    "announce_due_soon",
    "archive_project",
    "change_member",
    "change_project_team",
    "change_share",
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
    "forget_person",
    "import_tasks",
    "invite_to_project",
    "let_in",
    "move_task",
    "release_departed",
    "remove_member",
    "remove_project_team",
    "share_task",
    "unshare_task",
    "update_label",
    "update_project",
    "update_state",
    "update_task",
]
