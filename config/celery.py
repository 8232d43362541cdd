"""Celery application."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, task_postrun
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("taskflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
app.autodiscover_tasks(["accounts.privacy"], related_name="jobs")  # a feature, not an installed app


@celeryd_init.connect
def wait_longer_for_the_broker(**_details: Any) -> None:
    """Give workers, for which no request waits, more time for the broker."""
    options = app.conf.broker_transport_options
    if "socket_timeout" in options:
        options |= {"socket_timeout": 5, "socket_connect_timeout": 1}
        del options["max_retries"]


@task_postrun.connect
def release_connections(sender: Any, **_details: Any) -> None:
    """Return connections to the pool after a job.

    Celery's own cleanup would close the whole pool (see CELERY_DB_REUSE_MAX).
    """
    if not sender.request.is_eager:
        connections.close_all()
