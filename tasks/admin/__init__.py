"""Projects, and what is in them. Other people's inboxes are as private here as everywhere."""

__all__ = ["access", "invitations", "projects", "tasks"]
