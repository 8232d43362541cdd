from __future__ import annotations

import uuid
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import F

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.oidc import services as oidc
from accounts.auth.passwords.validators import check_breach_first
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.auth.sessions import services as sessions
from accounts.events import user_payload
from accounts.models import User
from accounts.users.services import check_password_strength
from core.errors import NotAllowed, NotFound
from events.outbox import publish


@check_breach_first
@transaction.atomic
def change_password(*, user: User, password: str, now: datetime, keep: uuid.UUID | None = None) -> None:
    """Give oneself another password and end every session but the one to keep, and a proposal; the person is changed in place."""
    if user.kind != User.Kind.HUMAN:
        raise NotAllowed("A service account signs in with its keys alone.")
    check_password_strength(password, user)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password, version=F("version") + 1)
    cache.invalidate_user(user.pk)
    publish(events.UserUpdated(user=user_payload(user), changes={"password": ["hidden", "hidden"]}), actor=user, at=now)
    sessions.revoke_other_sessions(actor=user, keep=keep, now=now, reason="password changed")


@check_breach_first
@transaction.atomic
def reset_password(*, user: User, password: str, now: datetime) -> None:
    """Give oneself another password by a link in a mail: whoever knew the old one is out, with all they left behind.

    `person` is as they were when the link was found good: of two that use it at once, the later one finds them changed.
    """
    same = User.objects.active().filter(pk=user.pk, password=user.password, email=user.email)
    if not same.select_for_update(no_key=True).values_list("pk").first():
        raise NotFound("This link is not valid: it was used already, or is too old.")
    change_password(user=user, password=password, now=now)
    remove_other_login_methods(user=user, actor=user, now=now)
    if not email_addresses.is_email_verified(user):
        _verify_email_after_reset(user, now)


@transaction.atomic
def remove_other_login_methods(*, user: User, actor: User, now: datetime) -> None:
    """End what somebody else may have left in an account to come back by; second factors stay."""
    revoke_all_keys(owner=user, actor=actor, now=now)
    email_addresses.cancel_email_change(user=user)
    oidc.unlink_unverified_identities(owner=user, actor=actor, now=now)


def _verify_email_after_reset(user: User, now: datetime) -> None:
    """Whoever opened the link has the mailbox. Factors from before that may be of somebody who never had it."""
    removed, _ = Authenticator.objects.filter(user=user).delete()
    if removed:
        notify_security_change(user=user, what="unverified_mfa_removed", now=now)
    email_addresses.mark_email_verified(user=user, now=now)
