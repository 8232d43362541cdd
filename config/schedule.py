"""What happens by the clock. Each line names a job and how often: in seconds, or at which time (UTC)."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "announce what is due soon": {"task": "tasks.announce_due_soon", "schedule": 60.0},
    "send e-mails left behind": {"task": "notifications.sweep_emails", "schedule": 10.0},
    "compare the statistics with the log": {"task": "analytics.reconcile", "schedule": crontab(hour=3, minute=10)},
    "forget idempotency keys": {"task": "gateway.purge_idempotency_records", "schedule": 3600.0},
    "forget old notifications": {"task": "notifications.purge_old", "schedule": 86400.0},
    "remove keys that ended long ago": {"task": "accounts.purge_keys", "schedule": 86400.0},
    "forget old invitations": {"task": "accounts.purge_invitations", "schedule": 86400.0},
    "remove exports whose time is over": {"task": "accounts.purge_exports", "schedule": 3600.0},
    "erase people who left": {"task": "accounts.erase_the_departed", "schedule": crontab(minute=40)},
    "remove ended sessions": {"task": "accounts.purge_sessions", "schedule": 3600.0},
}
