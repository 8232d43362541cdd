"""Celery queues by purpose: slow work of one kind does not delay others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kombu import Exchange, Queue

DEFAULT = "default"
# A mail server may hang; statistics and exports take long. Inbox notices and reminders wait for none of them.
MAIL, STATISTICS, BULK = "mail", "statistics", "bulk"
QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in (DEFAULT, MAIL, STATISTICS, BULK)]
JOB_QUEUES = {
    "notifications.send_email": MAIL,
    "notifications.purge_old": BULK,
    "analytics.reconcile": STATISTICS,
    "analytics.roll_up_requests": STATISTICS,
    "accounts.erase_due_accounts": BULK,
    "accounts.purge_exports": BULK,
    "tasks.purge_import_jobs": BULK,
    "tasks.match_filters_by_clock": BULK,
    "tasks.scan_quarantined_files": BULK,
    "tasks.collect_orphaned_files": BULK,
}
CONSUMER_QUEUES = {
    "analytics.handlers.": STATISTICS,
    "accounts.privacy.handlers.": BULK,
    "tasks.imports.handlers.": BULK,
    "tasks.bulk.handlers.": BULK,
    "tasks.attachments.handlers.": BULK,
}


def route(
    name: str, args: Any, kwargs: Mapping[str, Any] | None, options: Any, task: Any = None, **_newer: Any
) -> dict[str, str]:
    """Return the queue of a job (a Celery router); events go to the queue of their consumer."""
    if name == "events.deliver":
        consumer = (kwargs or {}).get("consumer", "")
        return {"queue": next((q for prefix, q in CONSUMER_QUEUES.items() if consumer.startswith(prefix)), DEFAULT)}
    return {"queue": JOB_QUEUES.get(name, DEFAULT)}
