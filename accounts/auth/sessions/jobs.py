from celery import shared_task
from django.utils import timezone

from accounts.auth.mfa import services as mfa
from accounts.auth.sessions import services


@shared_task(name="accounts.purge_sessions")
def purge_sessions(**_newer: object) -> None:
    services.purge_sessions(now=timezone.now())
    mfa.purge_challenges(now=timezone.now())
