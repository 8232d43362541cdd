"""Projects, and the tasks in them."""

from tasks.models.access import ProjectTeam, SharedRole, TaskShare
from tasks.models.imports import ImportedRecord
from tasks.models.invitations import ProjectInvitation
from tasks.models.project import Category, Label, Project, ProjectMember, Role, State
from tasks.models.task import Comment, Priority, Task, TaskAssignee

__all__ = [
    "Category",
    "Comment",
    "ImportedRecord",
    "Label",
    "Priority",
    "Project",
    "ProjectInvitation",
    "ProjectMember",
    "ProjectTeam",
    "Role",
    "SharedRole",
    "State",
    "Task",
    "TaskAssignee",
    "TaskShare",
]
