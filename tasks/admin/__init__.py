"""Register projects, tasks and what belongs to them with the Django admin.

The inbox projects of other users are as private here as everywhere.
"""

from tasks.admin import (
    custom_fields,
    invitations,
    projects,
    recurrence,
    saved_filters,
    sharing,
    tasks,
    time_tracking,
    trash,
)

__all__ = [
    "custom_fields",
    "invitations",
    "projects",
    "recurrence",
    "saved_filters",
    "sharing",
    "tasks",
    "time_tracking",
    "trash",
]
