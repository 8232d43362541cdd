import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("taskflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
# Features of accounts have jobs of their own; Celery looks only into installed apps by itself.
app.autodiscover_tasks(
    [
        "accounts.api_keys",
        "accounts.auth.sessions",
        "accounts.privacy.account_deletion",
        "accounts.privacy.export",
        "accounts.users.invitations",
    ],
    related_name="jobs",
)


@task_postrun.connect
def release_connections(sender: Any, **_details: Any) -> None:
    """Leave the pool its connections. Celery's own way is to close the pool after each job, threads and all."""
    if not sender.request.is_eager:
        connections.close_all()
