"""Projects, and the tasks in them."""

from tasks.models.attachment import Attachment, StoredFile
from tasks.models.bulk_job import BulkJob
from tasks.models.calendar_feed import CalendarFeed
from tasks.models.checklist import ChecklistItem
from tasks.models.comment import Comment, CommentVersion
from tasks.models.custom_field import CustomField, CustomFieldOption, CustomFieldValue, FieldKind, ProjectField
from tasks.models.favourite import ProjectFavourite
from tasks.models.former_key import FormerTaskKey
from tasks.models.import_job import ImportJob
from tasks.models.imported_record import ImportedRecord
from tasks.models.invitation import ProjectInvitation
from tasks.models.link_share import LinkRole, LinkShare
from tasks.models.project import Category, Label, Project, ProjectMember, Role, State, WipPolicy
from tasks.models.reaction import Reaction
from tasks.models.recurrence import Occurrence, Recurrence, RecurrenceMode
from tasks.models.relation import RelationKind, TaskRelation
from tasks.models.reminder import Reminder
from tasks.models.saved_filter import FilterMatch, FilterSubscription, SavedFilter
from tasks.models.section import Section
from tasks.models.sharing import ProjectTeam, SharedRole, TaskShare
from tasks.models.task import Priority, Task, TaskAssignee
from tasks.models.task_template import TaskTemplate
from tasks.models.time_entry import TimeEntry
from tasks.models.trash import TrashEntry
from tasks.models.watch import TaskWatch

__all__ = [
    "Attachment",
    "BulkJob",
    "CalendarFeed",
    "Category",
    "ChecklistItem",
    "Comment",
    "CommentVersion",
    "CustomField",
    "CustomFieldOption",
    "CustomFieldValue",
    "FieldKind",
    "FilterMatch",
    "FilterSubscription",
    "FormerTaskKey",
    "ImportJob",
    "ImportedRecord",
    "Label",
    "LinkRole",
    "LinkShare",
    "Occurrence",
    "Priority",
    "Project",
    "ProjectFavourite",
    "ProjectField",
    "ProjectInvitation",
    "ProjectMember",
    "ProjectTeam",
    "Reaction",
    "Recurrence",
    "RecurrenceMode",
    "RelationKind",
    "Reminder",
    "Role",
    "SavedFilter",
    "Section",
    "SharedRole",
    "State",
    "StoredFile",
    "Task",
    "TaskAssignee",
    "TaskRelation",
    "TaskShare",
    "TaskTemplate",
    "TaskWatch",
    "TimeEntry",
    "TrashEntry",
    "WipPolicy",
]
