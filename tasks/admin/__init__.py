"""Register projects, tasks and what belongs to them with the Django admin.

The inbox projects of other users are as private here as everywhere.
"""

from tasks.admin import invitations, projects, sharing, tasks

__all__ = ["invitations", "projects", "sharing", "tasks"]
