"""Reverting what an intruder did: login methods they added or removed, another address or password."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth import account_emails
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import selectors
from accounts.auth.oidc import services as oidc
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.auth.sessions import services as sessions
from accounts.events import user_payload
from accounts.models import SecurityChange, Session, User
from core.errors import NotFound
from events.outbox import publish

LINK_EXPIRED = gettext_noop(
    "This link is not valid: it was used already, is older than 7 days, or what it is about was removed."
)


@transaction.atomic
def revert_login_method(*, token: str, now: datetime, address: str = "") -> User:
    """Undo a change of login methods or address, and disable the password.

    All methods that were added since go too, and those that were removed come back. Whoever made the change knew the
    password. A link to choose another one is sent at once. Raises NotFound, and Conflict where another account has the
    address.
    """
    added = selectors.get_login_methods_added(token, now)
    if added is None:
        raise NotFound(LINK_EXPIRED)
    user: User = User.objects.select_for_update(no_key=True).get(pk=added.user.pk)
    added = selectors.get_login_methods_added(token, now)  # again, now that they are locked
    if added is None:
        raise NotFound(LINK_EXPIRED)
    if added.email_change:
        email_addresses.restore_email(user=user, change=added.email_change, now=now)
    Authenticator.objects.filter(pk__in=[method.pk for method in added.mfa_methods]).delete()
    Authenticator.objects.bulk_create(added.removed_methods)
    SecurityChange.objects.filter(pk__in=[change.pk for change in added.changes]).delete()
    for identity in added.identities:
        oidc.delete_identity(identity, owner=user, actor=user, now=now)
    # The intruder knows the password: they signed in with it to add the method.
    user.set_unusable_password()
    User.objects.filter(pk=user.pk).update(password=user.password, version=F("version") + 1)
    cache.invalidate_user(user.pk)
    changes = {"password": ["hidden", "hidden"]}
    publish(events.UserUpdated(user=user_payload(user), changes=changes), actor=user, at=now)
    sessions.revoke(Session.objects.open(now).filter(user=user), actor=user, now=now, reason="this was not me")
    revoke_all_keys(owner=user, actor=user, now=now)
    email_addresses.cancel_email_change(user=user)
    notify_security_change(user=user, change="login_method_reverted", now=now, address=address)
    account_emails.send_password_reset(user)
    return user


def purge_security_changes(*, now: datetime) -> int:
    """Delete changes that can't be reverted any more, with the methods kept for it. Returns how many."""
    return SecurityChange.objects.filter(expires_at__lt=now).delete()[0]
