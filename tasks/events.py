"""Events of projects and tasks. A task's events carry its whole state, so no consumer needs its tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import field
from typing import Any, ClassVar, Protocol

from core.serialization import to_json
from events.outbox import DomainEvent

# An event is stored for ever and read by all consumers; the text itself stays in its row.
MAX_EXCERPT_LENGTH = 280
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


class ProjectEvent(DomainEvent, subject_type="project"):
    """Base of project events. `project` is {id, key, name, is_inbox}."""

    project: dict[str, Any]


class ProjectCreated(ProjectEvent, name="project.created"):
    """A project was created, with its creator as its first admin."""


class ProjectUpdated(ProjectEvent, name="project.updated"):
    """Fields or parts of a project changed. `changes` is {field: [old, new]}.

    `part_id` is the label, section or template that changed.
    """

    changes: dict[str, list[Any]]
    part_id: str = ""


class ProjectDeleted(ProjectEvent, name="project.deleted"):
    """A project was moved to the trash; each of its tasks has its own `TaskDeleted`."""


class ProjectRestored(ProjectEvent, name="project.restored"):
    """A project came back from the trash; each of its tasks has its own `TaskRestored`."""


class MemberAdded(ProjectEvent, name="project.member_added"):
    """A user became a member with the effective `role`."""

    user_id: str
    role: str


class MemberChanged(ProjectEvent, name="project.member_changed"):
    """A member's role changed. `role` is the effective one, which a team may raise."""

    user_id: str
    role: str


class MemberRemoved(ProjectEvent, name="project.member_removed"):
    """A member left the project or was removed. `role` is the one until then."""

    user_id: str
    role: str


class ImportRequested(ProjectEvent, name="project.import_requested"):
    """A large file waits for a worker to check it, or to import it."""

    import_id: str


class SharedFieldChanged(DomainEvent, name="field.changed", subject_type="field"):
    """A custom field that projects share was created, changed or deleted. `field` is {id, key, name, kind}."""

    field: dict[str, Any]
    changes: dict[str, list[Any]]


class ProjectTeamEvent(ProjectEvent):
    """Change of a team in a project. `user_ids` are its members, who gained, changed or lost its role."""

    team_id: str
    role: str
    user_ids: list[str]


class ProjectTeamAdded(ProjectTeamEvent, name="project.team_added"):
    """Team added to a project. `new_member_ids` are those of its members who were not in the project before."""

    new_member_ids: list[str]


class ProjectTeamChanged(ProjectTeamEvent, name="project.team_changed"):
    """A team's role in a project changed."""


class ProjectTeamRemoved(ProjectTeamEvent, name="project.team_removed"):
    """A team was removed from a project."""


class SavedFilterEvent(DomainEvent, subject_type="saved_filter"):
    """Base of the events of saved filters. `saved_filter` is {id, owner_id}: its texts are the owner's own."""

    saved_filter: dict[str, Any]


class SavedFilterCreated(SavedFilterEvent, name="saved_filter.created"):
    """A filter was saved."""


class SavedFilterUpdated(SavedFilterEvent, name="saved_filter.updated"):
    """Fields of a saved filter changed; `fields` are their names."""

    fields: list[str]


class SavedFilterDeleted(SavedFilterEvent, name="saved_filter.deleted"):
    """A saved filter was moved to the trash, with the subscriptions to it."""


class SavedFilterRestored(SavedFilterEvent, name="saved_filter.restored"):
    """A saved filter came back from the trash. `fields` has `filter`: what matches is found anew."""

    fields: list[str]


class TaskEvent(DomainEvent, subject_type="task"):
    """Base of task events. `task` is the result of `task_payload`."""

    task: TaskPayload


class TaskCreated(TaskEvent, name="task.created"):
    """A task was created, by hand or by an import."""


class TaskUpdated(TaskEvent, name="task.updated"):
    """Fields of a task changed. `changes` is {field: [old, new]} with JSON values."""

    changes: dict[str, list[Any]]


class TaskMovedToProject(TaskEvent, name="task.moved_to_project"):
    """A task was moved to another project, where it has the key of `task`.

    `changes` is {field: [old, new]}. `removed_watcher_ids` are those who watched it by choice and do not see it any more.
    """

    changes: dict[str, list[Any]]
    former_project_id: str
    former_key: str
    removed_watcher_ids: list[str]


class TaskMovedWithParent(TaskMovedToProject, name="task.moved_with_parent"):
    """A subtask came along when a task above it was moved to another project."""


class TaskDeleted(TaskEvent, name="task.deleted"):
    """A task was deleted. `task` is its last state."""


class TaskRestored(TaskEvent, name="task.restored"):
    """A deleted task came back from the trash. `task` is its state from now on."""


class TaskAssigned(TaskEvent, name="task.assigned"):
    """A user was assigned; one event for each user. `excerpt` is the beginning of the description."""

    assignee_id: str
    excerpt: str = ""


class TaskUnassigned(TaskEvent, name="task.unassigned"):
    """A user was unassigned; one event for each user."""

    assignee_id: str


class TaskCompleted(TaskEvent, name="task.completed"):
    """A task was moved to a state of the category done."""


class TaskReopened(TaskEvent, name="task.reopened"):
    """A closed task was moved to an open state."""


class TaskCommented(TaskEvent, name="task.commented"):
    """A comment was added. `audience_ids` are those who watch the task, without the author."""

    comment_id: str
    excerpt: str
    mentioned_ids: list[str]
    audience_ids: list[str]


class CommentEdited(TaskEvent, name="task.comment_edited"):
    """A comment was changed by its author. Its texts are not repeated; `TaskMentioned` names whom to notify.

    `comment_version` is its version since then, one more than that of the former text.
    """

    comment_id: str
    comment_version: int = 0


class CommentDeleted(TaskEvent, name="task.comment_deleted"):
    """A comment was deleted, by its author or an admin of the project."""

    comment_id: str
    author_id: str


class BulkEvent(DomainEvent, subject_type="bulk"):
    """Base of events about many tasks. `bulk` is {id}, the same for all events of one change."""

    bulk: dict[str, Any]


class BulkRequested(BulkEvent, name="bulk.requested"):
    """A change of many tasks waits for a worker."""


class BulkUpdated(BulkEvent, name="bulk.updated"):
    """Many tasks were changed in one transaction. Each has its own event, all at the time of this one."""

    task_ids: list[str]


class BulkDeleted(BulkEvent, name="bulk.deleted"):
    """Many tasks were moved to the trash in one transaction, in this order. Each has its own event too."""

    task_ids: list[str]


class BulkRestored(BulkEvent, name="bulk.restored"):
    """Many tasks were restored in one transaction, in this order. Each has its own event too."""

    task_ids: list[str]


class TaskLinkCreated(TaskEvent, name="task.link_created"):
    """A link that shows the task to whoever has it was created."""

    link_id: str
    role: str


class TaskLinkRevoked(TaskEvent, name="task.link_revoked"):
    """A link to the task was revoked."""

    link_id: str


class TaskRelationAdded(TaskEvent, name="task.relation_added"):
    """A task was related to another. One event for each of the two; `kind` is what this one is to the other."""

    kind: str
    related_id: str
    relation_id: str = ""


class TaskRelationRemoved(TaskEvent, name="task.relation_removed"):
    """A relation of two tasks was removed. One event for each of the two."""

    kind: str
    related_id: str
    relation_id: str = ""


class ChecklistItemAdded(TaskEvent, name="task.checklist_item_added"):
    """An item was added to a task's checklist. `excerpt` is its text."""

    item_id: str
    excerpt: str


class ChecklistItemChanged(TaskEvent, name="task.checklist_item_changed"):
    """A checklist item changed. `item_changes` is {field: [old, new]}, `excerpt` its text now."""

    item_id: str
    excerpt: str
    item_changes: dict[str, list[Any]]


class ChecklistItemRemoved(TaskEvent, name="task.checklist_item_removed"):
    """A checklist item was deleted, or became the subtask `subtask_id`."""

    item_id: str
    excerpt: str
    subtask_id: str = ""


class TaskConvertedToItem(TaskEvent, name="task.converted_to_item"):
    """Another task was deleted and became a checklist item of `task`. `excerpt` is its title."""

    item_id: str
    excerpt: str
    converted_id: str
    converted_key: str


class TaskAttachmentAdded(TaskEvent, name="task.attachment_added"):
    """A file was attached. `file_id` is its StoredFile, which may still be in quarantine."""

    attachment_id: str
    file_id: str
    file_name: str
    size: int
    media_type: str


class TaskAttachmentDeleted(TaskEvent, name="task.attachment_deleted"):
    """An attachment was deleted, by its uploader or an admin of the project."""

    attachment_id: str
    file_name: str
    uploader_id: str


class TaskAttachmentInfected(TaskEvent, name="task.attachment_infected"):
    """The scanner found malware in an attachment, and its file was deleted. Nobody is the actor."""

    attachment_id: str
    file_name: str
    uploader_id: str
    malware: str


class TaskAttachmentRestored(TaskEvent, name="task.attachment_restored"):
    """A deleted attachment came back from the trash."""

    attachment_id: str
    file_name: str
    uploader_id: str


class CommentRestored(TaskEvent, name="task.comment_restored"):
    """A deleted comment came back from the trash."""

    comment_id: str
    author_id: str


class TaskMentioned(TaskEvent, name="task.mentioned"):
    """A description or an edited comment names users that it did not name before."""

    excerpt: str
    mentioned_ids: list[str]
    comment_id: str = ""


class TaskShared(TaskEvent, name="task.shared"):
    """A task was shared, or the role of its share changed; then `previous_role` is set."""

    user_id: str
    role: str
    previous_role: str = ""


class TaskUnshared(TaskEvent, name="task.unshared"):
    """A task is no longer shared with a user."""

    user_id: str


class TaskDueSoon(TaskEvent, name="task.due_soon"):
    """Some assignees are reminded of a task. `due` is its due date, or the instant at which it is due."""

    due: str
    user_ids: list[str]


class TaskRecurrenceChanged(TaskEvent, name="task.recurrence_changed"):
    """A task repeats now, repeats otherwise or no longer. `changes` is {"recurrence": [old, new]} in words."""

    changes: dict[str, list[Any]]


class TaskRepeated(TaskEvent, name="task.repeated"):
    """The next task of a series was created. `task` is the one before it."""

    next_id: str
    next_key: str


class TaskRepetitionUndone(TaskEvent, name="task.repetition_undone"):
    """A task is the current one of its series again, since its completion is undone. `next_id` was the next task."""

    next_id: str


class TimeLogged(TaskEvent, name="task.time_logged"):
    """A user logged time on a task, or restored an entry; `source` is "user", "timer" or "trash"."""

    entry_id: str
    minutes: int
    source: str = "timer"


class TimeEntryChanged(TaskEvent, name="task.time_entry_changed"):
    """A time entry was changed by its author. `entry_changes` is {field: [old, new]}."""

    entry_id: str
    entry_changes: dict[str, list[Any]] = field(default_factory=dict)


class TimeEntryDeleted(TaskEvent, name="task.time_entry_deleted"):
    """A time entry was deleted, by its author or an admin of the project."""

    entry_id: str
    minutes: int


class TaskReminderDue(TaskEvent, name="task.reminder_due"):
    """The time of a user's own reminder has come."""

    user_id: str
    reminder_id: str


class TaskEnteredFilter(TaskEvent, name="task.entered_filter"):
    """A task entered a saved filter to which users subscribe. `filter_name` is its name then."""

    filter_id: str
    filter_name: str
    user_ids: list[str]


def project_payload(project: ProjectData) -> dict[str, Any]:
    """Return {id, key, name, is_inbox}, as the events of a project carry it."""
    return {"id": str(project.pk), "key": project.key, "name": project.name, "is_inbox": project.is_inbox}


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
