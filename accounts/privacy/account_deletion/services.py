"""Leaving: an account is closed at once, can be opened again for a while, and is then erased."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import CASCADE, F

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth import account_emails, one_time_tokens
from accounts.auth.sessions import cache
from accounts.auth.sessions.services import revoke_all_sessions
from accounts.events import user_payload
from accounts.models import AccountDeletion, Invitation, User
from accounts.users.administration import get_user_for_update
from accounts.users.services import require_password
from core.errors import Invalid, NotAuthenticated, NotFound
from core.privacy import providers
from events.outbox import publish

GRACE_PERIOD = timedelta(days=14)
ERASED_USER_NAME = "Former member"
# What hangs on a person in these apps is about the person alone, and goes along; others say for themselves.
PERSONAL_APPS = frozenset({"accounts", "account", "mfa", "socialaccount", "admin"})
ERASED_FIELDS = {"avatar": "", "time_zone": "UTC", "language": "en", "role": User.Role.USER, "tier": User.Tier.FREE}
log = structlog.get_logger(__name__)


@transaction.atomic
def request_deletion(*, actor: User, confirmation: str, now: datetime) -> AccountDeletion:
    """Close one's own account, and erase it after GRACE; the mail tells how to come back until then.

    `confirmation` is the password or, for somebody who signs in without one, the e-mail address.
    """
    user = get_user_for_update(actor.pk, {"is_active": False})
    if not user.is_active:
        raise NotAuthenticated("This account is closed already.")
    _check_confirmation(user, confirmation)
    link = one_time_tokens.new_token()
    deletion = AccountDeletion.objects.create(
        user=user, token_hash=link.hash, requested_at=now, due_at=now + GRACE_PERIOD
    )
    _set_active(user, False)
    revoke_all_sessions(actor=user, now=now)
    revoke_all_keys(owner=user, actor=user, now=now)
    words = {
        "name": user.name,
        "cancel_path": link.path("cancel-deletion"),
        "deletion_at": deletion.due_at.isoformat(),
        "time_zone": user.time_zone,
    }
    account_emails.enqueue(kind="deletion_requested", to=user.email, context=words, dedup_key=link.hash)
    publish(
        events.AccountDeletionRequested(user=user_payload(user), due_at=deletion.due_at.isoformat()), actor=user, at=now
    )
    return deletion


@transaction.atomic
def cancel_deletion(*, token: str, now: datetime) -> User:
    """Open a closed account again, by the link in the mail."""
    mine = AccountDeletion.objects.filter(token_hash=one_time_tokens.hash_token(token), due_at__gt=now)
    # The person first, as all who open, close or erase an account do; then whether the link is still good.
    locked = User.objects.select_for_update(no_key=True)
    user: User | None = locked.filter(pk__in=mine.values("user")).first()
    if user is None or not mine.filter(user=user).delete()[0]:
        raise NotFound("This link is not valid: it was used already, or the account is gone.")
    if not user.is_active:
        _set_active(user, True)
    publish(events.AccountDeletionCancelled(user=user_payload(user)), actor=user, at=now)
    return user


def erase_due_accounts(*, now: datetime) -> int:
    """Erase those whose time is over, each in a transaction of its own; returns how many."""
    due = AccountDeletion.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    return sum(_erase_safely(user_id, now) for user_id in list(due))


def _erase_safely(user_id: uuid.UUID, now: datetime) -> bool:
    try:
        return _erase_account(user_id, now)
    except Exception:  # the boundary: whom it cannot erase now must not keep the others, and is tried again
        log.exception("account_erasure_failed", user=str(user_id))
        return False


@transaction.atomic
def _erase_account(user_id: uuid.UUID, now: datetime) -> bool:
    """Whoever came back, or was let in again by an administrator, is not erased."""
    user = User.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=user_id).first()
    due = AccountDeletion.objects.filter(pk=user_id, due_at__lte=now)
    if user is None or not due.exists():
        return False
    if user.is_active:
        due.delete()
        return False
    publish(events.UserErased(user={"id": str(user_id)}), actor=None, at=now)
    for keeper in providers():
        keeper.erase(user_id, now)
    log.info("account_erased", user=str(user_id))
    return True


def erase(user_id: uuid.UUID, now: datetime) -> None:
    """This app's share: the person becomes a row without a name, and what hung on them goes."""
    user: User = User.objects.get(pk=user_id)
    Invitation.objects.filter(inviter=user).delete()
    Invitation.objects.filter(accepted_by=user).delete()
    Invitation.objects.filter(email=user.email).delete()
    LogEntry.objects.filter(object_id=str(user_id)).delete()
    for relation in User._meta.related_objects:
        of_own = relation.related_model._meta.app_label in PERSONAL_APPS
        if of_own and relation.on_delete is CASCADE:
            relation.related_model._base_manager.filter(**{relation.field.name: user}).delete()
    nobody = {
        "name": ERASED_USER_NAME,
        "email": f"{user_id}@erased.invalid",
        "handle": f"former-{user_id.hex}",
        **ERASED_FIELDS,
    }
    user.set_unusable_password()
    columns = {**nobody, "password": user.password, "is_active": False, "erased_at": now, "last_login": None}
    User.objects.filter(pk=user_id).update(**columns, version=F("version") + 1)
    cache.invalidate_user(user_id)


def _check_confirmation(user: User, confirmation: str) -> None:
    if user.has_usable_password():
        require_password(user, confirmation, field="confirmation")
    elif confirmation.strip().lower() != user.email:
        raise Invalid.field("confirmation", "Type your e-mail address.", "another_address")


def _set_active(user: User, active: bool) -> None:
    User.objects.filter(pk=user.pk).update(is_active=active, version=F("version") + 1)
    user.refresh_from_db()
    cache.invalidate_user(user.pk)
    change = {"is_active": [not active, active]}
    publish(events.UserUpdated(user=user_payload(user), changes=change), actor=user)
