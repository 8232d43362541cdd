"""The pages of tasks and projects."""

from tasks.views.comments import add_comment, delete_comment, edit_comment
from tasks.views.imports import import_tasks
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
    "change_member",
    "delete_comment",
    "delete_task",
    "edit_comment",
    "edit_project",
    "import_tasks",
    "new_project",
    "new_task",
    "project_list",
    "project_page",
    "remove_member",
    "set_status",
    "task_list",
    "task_page",
]
