"""Scheduled jobs of exports."""

from celery import shared_task
from django.utils import timezone

from accounts.privacy.export import services as export


@shared_task(name="accounts.purge_exports")
def purge_exports(**_newer: object) -> None:
    export.purge_exports(now=timezone.now())
