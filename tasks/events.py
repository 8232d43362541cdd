"""Events of projects and tasks. A task's events carry its whole state, so no consumer needs its tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from core.serialization import to_json

TaskPayload = dict[str, Any]


# The models import this module, so the payloads are built from whatever has these attributes.
class ProjectData(Protocol):
    """Attributes of a project that its events carry."""

    @property
    def pk(self) -> uuid.UUID: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def is_inbox(self) -> bool: ...


class StateData(Protocol):
    """Attributes of a state that a task's events carry."""

    @property
    def slug(self) -> str: ...


class TaskData(Protocol):
    """Attributes of a task that its events carry. SCALAR_FIELDS names more of them."""

    SCALAR_FIELDS: ClassVar[Any]  # names of fields

    @property
    def pk(self) -> uuid.UUID: ...
    @property
    def project_id(self) -> uuid.UUID: ...
    @property
    def project(self) -> ProjectData: ...
    @property
    def state(self) -> StateData: ...
    @property
    def number(self) -> int: ...
    @property
    def category(self) -> str: ...
    @property
    def creator_id(self) -> uuid.UUID: ...
    @property
    def parent_id(self) -> uuid.UUID | None: ...
    @property
    def version(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class ProjectEvent:
    """Base of project events. `project` is {id, key, name}."""

    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "project"
    project: dict[str, str]

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.project["id"])


@dataclass(frozen=True, kw_only=True)
class ProjectCreated(ProjectEvent):
    """A project was created, with its creator as its first admin."""

    name: ClassVar[str] = "project.created"


@dataclass(frozen=True, kw_only=True)
class ProjectUpdated(ProjectEvent):
    """Fields or labels of a project changed. `changes` is {field: [old, new]}."""

    name: ClassVar[str] = "project.updated"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class ProjectDeleted(ProjectEvent):
    """An empty project was deleted."""

    name: ClassVar[str] = "project.deleted"


@dataclass(frozen=True, kw_only=True)
class MemberAdded(ProjectEvent):
    """A user became a member with the effective `role`."""

    name: ClassVar[str] = "project.member_added"
    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class MemberChanged(ProjectEvent):
    """A member's role changed. `role` is the effective one, which a team may raise."""

    name: ClassVar[str] = "project.member_changed"
    user_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class MemberRemoved(ProjectEvent):
    """A member left the project or was removed. `role` is the one until then."""

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
    """A team's role in a project changed."""

    name: ClassVar[str] = "project.team_changed"


@dataclass(frozen=True, kw_only=True)
class ProjectTeamRemoved(ProjectTeamEvent):
    """A team was removed from a project."""

    name: ClassVar[str] = "project.team_removed"


@dataclass(frozen=True, kw_only=True)
class TaskEvent:
    """Base of task events. `task` is the result of `task_payload`."""

    version: ClassVar[int] = 1
    subject_type: ClassVar[str] = "task"
    task: TaskPayload

    @property
    def subject_id(self) -> uuid.UUID:
        return uuid.UUID(self.task["id"])


@dataclass(frozen=True, kw_only=True)
class TaskCreated(TaskEvent):
    """A task was created, by hand or by an import."""

    name: ClassVar[str] = "task.created"


@dataclass(frozen=True, kw_only=True)
class TaskUpdated(TaskEvent):
    """Fields of a task changed. `changes` is {field: [old, new]} with JSON values."""

    name: ClassVar[str] = "task.updated"
    changes: dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class TaskDeleted(TaskEvent):
    """A task was deleted. `task` is its last state."""

    name: ClassVar[str] = "task.deleted"


@dataclass(frozen=True, kw_only=True)
class TaskAssigned(TaskEvent):
    """A user was assigned; one event for each user."""

    name: ClassVar[str] = "task.assigned"
    assignee_id: str


@dataclass(frozen=True, kw_only=True)
class TaskUnassigned(TaskEvent):
    """A user was unassigned; one event for each user."""

    name: ClassVar[str] = "task.unassigned"
    assignee_id: str


@dataclass(frozen=True, kw_only=True)
class TaskCompleted(TaskEvent):
    """A task was moved to a state of the category done."""

    name: ClassVar[str] = "task.completed"


@dataclass(frozen=True, kw_only=True)
class TaskReopened(TaskEvent):
    """A closed task was moved to an open state."""

    name: ClassVar[str] = "task.reopened"


@dataclass(frozen=True, kw_only=True)
class TaskCommented(TaskEvent):
    """A comment was added. `audience_ids` are its assignees, creator and earlier commenters."""

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
    """A task is no longer shared with a user."""

    name: ClassVar[str] = "task.unshared"
    user_id: str


@dataclass(frozen=True, kw_only=True)
class TaskDueSoon(TaskEvent):
    """A task is due soon. `due` is the ISO instant at which it becomes overdue."""

    name: ClassVar[str] = "task.due_soon"
    due: str


def project_payload(project: ProjectData) -> dict[str, str]:
    """Return {id, key, name}, as the events of a project carry it."""
    return {"id": str(project.pk), "key": project.key, "name": project.name}


def task_payload(task: TaskData, *, assignee_ids: Iterable[uuid.UUID], labels: Iterable[str]) -> TaskPayload:
    """Return the whole state of a task; its project and state must be loaded."""
    # Every event repeats the whole state, and a description may have 50,000 characters.
    scalars = [name for name in task.SCALAR_FIELDS if name != "description"]
    times = ["created_at", "started_at", "closed_at", "updated_at"]
    return {
        "id": str(task.pk),
        "key": f"{task.project.key}-{task.number}",
        "number": task.number,
        "project_id": str(task.project_id),
        "project_key": task.project.key,
        "project_name": task.project.name,
        # Consumers cannot look it up, and must not show a private inbox to anyone else.
        "is_inbox": task.project.is_inbox,
        # The slug, not the id: a name that clients know and that stays when the state is renamed.
        "status": task.state.slug,
        "category": task.category,
        "assignee_ids": sorted(str(user_id) for user_id in assignee_ids),
        "labels": sorted(labels),
        "creator_id": str(task.creator_id),
        "parent_id": to_json(task.parent_id),
        "version": task.version,
        **{name: to_json(getattr(task, name)) for name in (*scalars, *times)},
    }
