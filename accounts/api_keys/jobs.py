"""Scheduled jobs of API keys."""

from celery import shared_task
from django.utils import timezone

from accounts.api_keys import services as api_keys


@shared_task(name="accounts.purge_api_keys")
def purge_api_keys(**_newer: object) -> None:
    api_keys.purge_keys(now=timezone.now())
