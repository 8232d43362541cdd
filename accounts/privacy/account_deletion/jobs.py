"""Scheduled jobs of account deletion."""

from celery import shared_task
from django.utils import timezone

from accounts.privacy.account_deletion import services as account_deletion


@shared_task(name="accounts.erase_due_accounts")
def erase_due_accounts(**_newer: object) -> None:
    account_deletion.erase_due_accounts(now=timezone.now())
