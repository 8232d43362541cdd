"""Schedule of periodic jobs: an interval in seconds, or a time of day in UTC."""

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "announce tasks due soon": {"task": "tasks.publish_due_soon", "schedule": 60.0},
    "send reminders": {"task": "tasks.send_reminders", "schedule": 60.0},
    "match filters by the clock": {"task": "tasks.match_filters_by_clock", "schedule": 60.0},
    "advance recurrences": {"task": "tasks.advance_recurrences", "schedule": 60.0},
    # The retry of everything that the broker lost, so it bounds how late an email can be.
    "enqueue pending emails": {"task": "notifications.sweep_emails", "schedule": 10.0},
    "roll up request statistics": {"task": "analytics.roll_up_requests", "schedule": 60.0},
    # At night, because it reads the whole log.
    "reconcile statistics": {"task": "analytics.reconcile", "schedule": crontab(hour=3, minute=10)},
    "delete expired idempotency records": {"task": "core.delete_expired_idempotency_records", "schedule": 3600.0},
    "purge old notifications": {"task": "notifications.purge_old", "schedule": 86400.0},
    "purge API keys": {"task": "accounts.purge_api_keys", "schedule": 86400.0},
    "purge invitations": {"task": "accounts.purge_invitations", "schedule": 86400.0},
    # Hourly: an export holds everything about a user and must not outlive its term by a day.
    "purge data exports": {"task": "accounts.purge_exports", "schedule": 3600.0},
    "erase accounts due for deletion": {"task": "accounts.erase_due_accounts", "schedule": crontab(minute=40)},
    "archive finished projects": {"task": "tasks.archive_finished_projects", "schedule": crontab(hour=2, minute=20)},
    "archive old events": {"task": "events.archive_old", "schedule": crontab(hour=2, minute=40)},
    "purge trash": {"task": "tasks.purge_trash", "schedule": 3600.0},
    "purge import jobs": {"task": "tasks.purge_import_jobs", "schedule": 3600.0},
    # What the scanner could not look at when it came: a file in quarantine is of no use to anyone.
    "scan quarantined files": {"task": "tasks.scan_quarantined_files", "schedule": 60.0},
    "collect orphaned files": {"task": "tasks.collect_orphaned_files", "schedule": crontab(hour=4, minute=20)},
    "purge sessions": {"task": "accounts.purge_sessions", "schedule": 3600.0},
}
