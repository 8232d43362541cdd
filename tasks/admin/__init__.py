"""Projects, and what is in them. Other people's inboxes are as private here as everywhere."""

from tasks.admin import access, invitations, projects, tasks

__all__ = ["access", "invitations", "projects", "tasks"]
