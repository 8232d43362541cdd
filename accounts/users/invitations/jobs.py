"""Scheduled jobs of invitations."""

from celery import shared_task
from django.utils import timezone

from accounts.users.invitations import services as invitations


@shared_task(name="accounts.purge_invitations")
def purge_invitations(**_newer: object) -> None:
    invitations.purge_invitations(now=timezone.now())
