"""Events of projects and tasks. A task's events carry its whole state, so no consumer needs its tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from core.serialization import to_json

if TYPE_CHECKING:
    from tasks.models import Project, Task

TaskPayload = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ProjectEvent:
    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "project"
    project: dict[str, str]

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.project["id"])


@dataclass(frozen=True, kw_only=True)
class ProjectCreated(ProjectEvent):
    name: ClassVar[str] = "project.created"


@dataclass(frozen=True, kw_only=True)
class ProjectUpdated(ProjectEvent):
    name: ClassVar[str] = "project.updated"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class ProjectDeleted(ProjectEvent):
    name: ClassVar[str] = "project.deleted"


@dataclass(frozen=True, kw_only=True)
class MemberAdded(ProjectEvent):
    name: ClassVar[str] = "project.member_added"
    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class MemberChanged(ProjectEvent):
    name: ClassVar[str] = "project.member_changed"
    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class MemberRemoved(ProjectEvent):
    name: ClassVar[str] = "project.member_removed"
    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class ProjectTeamEvent(ProjectEvent):
    """Change of a team in a project. `user_ids` are its members, who gained, changed or lost its role."""

    team_id: str
    role: str
    user_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class ProjectTeamAdded(ProjectTeamEvent):
    """Team added to a project. `new_member_ids` are those of its members who were not in the project before."""

    name: ClassVar[str] = "project.team_added"
    new_member_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class ProjectTeamChanged(ProjectTeamEvent):
    name: ClassVar[str] = "project.team_changed"


@dataclass(frozen=True, kw_only=True)
class ProjectTeamRemoved(ProjectTeamEvent):
    name: ClassVar[str] = "project.team_removed"


@dataclass(frozen=True, kw_only=True)
class TaskEvent:
    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "task"
    task: TaskPayload

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.task["id"])


@dataclass(frozen=True, kw_only=True)
class TaskCreated(TaskEvent):
    name: ClassVar[str] = "task.created"


@dataclass(frozen=True, kw_only=True)
class TaskUpdated(TaskEvent):
    name: ClassVar[str] = "task.updated"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class TaskDeleted(TaskEvent):
    name: ClassVar[str] = "task.deleted"


@dataclass(frozen=True, kw_only=True)
class TaskAssigned(TaskEvent):
    name: ClassVar[str] = "task.assigned"
    assignee_id: str


@dataclass(frozen=True, kw_only=True)
class TaskUnassigned(TaskEvent):
    name: ClassVar[str] = "task.unassigned"
    assignee_id: str


@dataclass(frozen=True, kw_only=True)
class TaskCompleted(TaskEvent):
    name: ClassVar[str] = "task.completed"


@dataclass(frozen=True, kw_only=True)
class TaskReopened(TaskEvent):
    name: ClassVar[str] = "task.reopened"


@dataclass(frozen=True, kw_only=True)
class TaskCommented(TaskEvent):
    name: ClassVar[str] = "task.commented"
    comment_id: str
    excerpt: str
    mentioned_ids: list[str]
    audience_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class TaskShared(TaskEvent):
    """A task was shared, or the role of its share changed; then `previous_role` is set."""

    name: ClassVar[str] = "task.shared"
    user_id: str
    role: str
    previous_role: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskUnshared(TaskEvent):
    name: ClassVar[str] = "task.unshared"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class TaskDueSoon(TaskEvent):
    name: ClassVar[str] = "task.due_soon"
    due: str


def project_payload(project: Project) -> dict[str, str]:
    return {"id": str(project.pk), "key": project.key, "name": project.name}


def task_payload(task: Task, *, assignee_ids: Iterable[uuid.UUID], labels: Iterable[str]) -> TaskPayload:
    """Return the whole state of a task; its project and state must be loaded."""
    scalars = [name for name in task.SCALAR_FIELDS if name != "description"]
    times = ["created_at", "started_at", "closed_at", "updated_at"]
    return {
        "id": str(task.pk),
        "key": f"{task.project.key}-{task.number}",
        "number": task.number,
        "project_id": str(task.project_id),
        "project_key": task.project.key,
        "project_name": task.project.name,
        "is_inbox": task.project.is_inbox,
        "status": task.state.slug,
        "category": task.category,
        "assignee_ids": sorted(str(user_id) for user_id in assignee_ids),
        "labels": sorted(labels),
        "creator_id": str(task.creator_id),
        "parent_id": to_json(task.parent_id),
        "version": task.version,
        **{name: to_json(getattr(task, name)) for name in (*scalars, *times)},
    }
