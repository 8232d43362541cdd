"""Projects, and what is in them. Other people's inboxes are as private here as everywhere."""

from tasks.admin import projects, tasks

__all__ = ["projects", "tasks"]
