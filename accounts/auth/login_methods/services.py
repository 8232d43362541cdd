"""Undoing what an intruder added: the link in the mail about a new way in takes it away, with all that came with it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import F

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.login_methods import selectors
from accounts.auth.oidc import services as oidc
from accounts.auth.passwords.emails import send_new_password_link
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.auth.sessions import services as sessions
from accounts.events import user_payload
from accounts.models import Session, User
from core.errors import NotFound
from events.outbox import publish

LINK_EXPIRED = "This link is not valid: it was used already, it is older than 7 days, or what it is about is gone."


@transaction.atomic
def revert_login_method(*, token: str, now: datetime, address: str = "") -> User:
    """Take away the way in that a mail told of and all added since, and let nobody in before a new password is chosen.

    Whoever added it knew the password, so it goes too. The link for another one is mailed at once.
    """
    user = _get_user_for_update(token, now)
    added = selectors.get_login_methods_added(token, now)
    if added is None:
        raise NotFound(LINK_EXPIRED)
    Authenticator.objects.filter(pk__in=[one.pk for one in added.mfa_methods]).delete()
    _unlink_identities(user, added.identities, now)
    _disable_password(user, now)
    sessions.revoke(Session.objects.open(now).filter(user=user), actor=user, now=now, reason="this was not me")
    revoke_all_keys(owner=user, actor=user, now=now)
    email_addresses.cancel_email_change(user=user)
    notify_security_change(user=user, what="login_method_reverted", now=now, address=address)
    send_new_password_link(user=user)
    return user


def _get_user_for_update(token: str, now: datetime) -> User:
    """The person first, as all who change somebody's ways in do; what the link is about is read after that."""
    before = selectors.get_login_methods_added(token, now)
    if before is None:
        raise NotFound(LINK_EXPIRED)
    user: User = User.objects.select_for_update(no_key=True).get(pk=before.user.pk)
    return user


def _unlink_identities(user: User, identities: Collection[SocialAccount], now: datetime) -> None:
    for linked in identities:
        oidc.delete_identity(linked, owner=user, actor=user, now=now)


def _disable_password(user: User, now: datetime) -> None:
    user.set_unusable_password()
    User.objects.filter(pk=user.pk).update(password=user.password, version=F("version") + 1)
    cache.invalidate_user(user.pk)
    changes = {"password": ["hidden", "hidden"]}
    publish(events.UserUpdated(user=user_payload(user), changes=changes), actor=user, at=now)
