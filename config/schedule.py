"""What happens by the clock. Each line names a job and how often, in seconds."""

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "announce what is due soon": {"task": "tasks.announce_due_soon", "schedule": 60.0},
    "send e-mails left behind": {"task": "notifications.sweep_emails", "schedule": 10.0},
    "forget old notifications": {"task": "notifications.purge_old", "schedule": 86400.0},
    "remove ended sessions": {"task": "accounts.purge_sessions", "schedule": 3600.0},
}
