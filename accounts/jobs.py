from celery import shared_task
from django.utils import timezone

from accounts import services


@shared_task(name="accounts.purge_sessions")
def purge_sessions(**_newer: object) -> None:
    services.purge_sessions(now=timezone.now())
    services.purge_challenges(now=timezone.now())


@shared_task(name="accounts.purge_keys")
def purge_keys(**_newer: object) -> None:
    services.purge_keys(now=timezone.now())


@shared_task(name="accounts.purge_invitations")
def purge_invitations(**_newer: object) -> None:
    services.purge_invitations(now=timezone.now())


@shared_task(name="accounts.purge_exports")
def purge_exports(**_newer: object) -> None:
    services.purge_exports(now=timezone.now())


@shared_task(name="accounts.erase_the_departed")
def erase_the_departed(**_newer: object) -> None:
    services.erase_the_departed(now=timezone.now())
