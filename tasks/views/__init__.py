"""The pages of tasks and projects."""

from tasks.views.access import (
    add_team,
    change_share,
    change_team,
    remove_team,
    share_task,
    task_access,
    unshare_task,
)
from tasks.views.comments import add_comment, delete_comment, edit_comment
from tasks.views.imports import import_tasks
from tasks.views.invitations import invite
from tasks.views.listing import set_status, task_list
from tasks.views.projects import (
    add_member,
    change_member,
    edit_project,
    new_project,
    project_list,
    project_page,
    remove_member,
)
from tasks.views.task import add_subtask, delete_task, new_task, task_page

__all__ = [
    "add_comment",
    "add_member",
    "add_subtask",
    "add_team",
    "change_member",
    "change_share",
    "change_team",
    "delete_comment",
    "delete_task",
    "edit_comment",
    "edit_project",
    "import_tasks",
    "invite",
    "new_project",
    "new_task",
    "project_list",
    "project_page",
    "remove_member",
    "remove_team",
    "set_status",
    "share_task",
    "task_access",
    "task_list",
    "task_page",
    "unshare_task",
]
