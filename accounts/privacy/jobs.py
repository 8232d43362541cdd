"""Scheduled jobs that delete what is no longer needed (GDPR, article 5: storage limitation)."""

from celery import shared_task

from accounts.api_keys import services as api_keys
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import services as login_methods
from accounts.auth.mfa import services as mfa
from accounts.auth.sessions import services as sessions
from accounts.privacy import services
from accounts.users.invitations import services as invitations
from core.db import database_now


@shared_task(name="accounts.purge_api_keys")
def purge_api_keys(**_newer: object) -> None:
    api_keys.purge_keys(now=database_now())


@shared_task(name="accounts.purge_sessions")
def purge_sessions(**_newer: object) -> None:
    sessions.purge_sessions(now=database_now())
    mfa.purge_challenges(now=database_now())
    email_addresses.purge_email_changes(now=database_now())
    login_methods.purge_security_changes(now=database_now())


@shared_task(name="accounts.purge_invitations")
def purge_invitations(**_newer: object) -> None:
    invitations.purge_invitations(now=database_now())


@shared_task(name="accounts.purge_exports")
def purge_exports(**_newer: object) -> None:
    services.purge_exports(now=database_now())


@shared_task(name="accounts.erase_due_accounts")
def erase_due_accounts(**_newer: object) -> None:
    services.erase_due_accounts(now=database_now())
