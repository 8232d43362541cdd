"""Account deletion: an account is closed at once, can be reopened for 14 days, and is then erased."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import CASCADE, F, Q

from accounts import events
from accounts.api_keys.services import revoke_all_keys
from accounts.auth import account_emails, one_time_tokens
from accounts.auth.sessions import cache
from accounts.auth.sessions.services import revoke_all_sessions
from accounts.events import user_payload
from accounts.models import AccountDeletion, Invitation, User
from accounts.models.users import ERASED_USER_NAME
from accounts.users.administration import get_user_for_update
from accounts.users.services import require_password, save_changes
from core.errors import Invalid, NotAuthenticated, NotFound
from core.privacy import providers
from events.outbox import publish

GRACE_PERIOD = timedelta(days=14)
# Rows of these apps that belong to a user are deleted with the account; the other apps have their own providers.
PERSONAL_APPS = frozenset({"accounts", "account", "mfa", "socialaccount", "admin"})
log = structlog.get_logger(__name__)


@transaction.atomic
def request_deletion(*, actor: User, confirmation: str, now: datetime) -> AccountDeletion:
    """Close the actor's account and schedule its erasure after GRACE_PERIOD; an email tells how to cancel.

    `confirmation` is the password or, for a user without one, the email address.
    Raises Invalid, NotAuthenticated, and Conflict for the last administrator.
    """
    # Locks all administrators as well: the last one cannot close their account.
    user = get_user_for_update(actor.pk, {"is_active": False})
    if not user.is_active:
        raise NotAuthenticated("This account is already closed.")
    if user.has_usable_password():
        require_password(user, confirmation, field="confirmation")
    elif confirmation.strip().lower() != user.email:
        raise Invalid.field("confirmation", "Type your email address.", "another_address")
    link = one_time_tokens.new_token()
    due_at = now + GRACE_PERIOD
    deletion = AccountDeletion.objects.create(user=user, token_hash=link.hash, requested_at=now, due_at=due_at)
    save_changes(user, {"is_active": False}, actor=user)
    # Sessions and keys do not come back with the account: the user signs in again.
    revoke_all_sessions(actor=user, now=now)
    revoke_all_keys(owner=user, actor=user, now=now)
    context = {
        "name": user.name,
        "cancel_path": link.path("cancel-deletion"),
        "deletion_at": due_at.isoformat(),
        "time_zone": user.time_zone,
    }
    account_emails.enqueue(kind="deletion_requested", to=user.email, context=context, dedup_key=link.hash)
    event = events.AccountDeletionRequested(user=user_payload(user), due_at=due_at.isoformat())
    publish(event, actor=user, at=now)
    return deletion


@transaction.atomic
def cancel_deletion(*, token: str, now: datetime) -> User:
    """Reopen a closed account with the token of the email. Raises NotFound."""
    deletions = AccountDeletion.objects.filter(token_hash=one_time_tokens.hash_token(token), due_at__gt=now)
    # The user's row is locked first, in the order of all services that open, close or erase an account. Only then does
    # the delete decide whether the token is still valid.
    locked = User.objects.select_for_update(no_key=True)
    user = locked.filter(pk__in=deletions.values("user")).first()
    if user is None or not deletions.filter(user=user).delete()[0]:
        raise NotFound("This link is no longer valid: it was used already, or the account was erased.")
    save_changes(user, {"is_active": True}, actor=user)
    publish(events.AccountDeletionCancelled(user=user_payload(user)), actor=user, at=now)
    return user


def erase_due_accounts(*, now: datetime) -> int:
    """Erase the accounts that are due, each in its own transaction; return how many."""
    count = 0
    for user_id in list(
        AccountDeletion.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True)
    ):
        try:
            count += _erase_account(user_id, now)
        except Exception:  # boundary: an account that fails is tried again by the next run and must not stop this one
            log.exception("account_erasure_failed", user=str(user_id))
    return count


@transaction.atomic
def _erase_account(user_id: uuid.UUID, now: datetime) -> bool:
    """Erase one account unless its user came back or an administrator reactivated it; return whether it was erased."""
    # skip_locked: an account that is being reopened right now is left for the next run.
    user = User.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=user_id).first()
    due = AccountDeletion.objects.filter(pk=user_id, due_at__lte=now)
    if user is None or not due.exists():
        return False
    if user.is_active:
        due.delete()
        return False
    # The event carries the id only, because the event log is kept.
    publish(events.UserErased(user={"id": str(user_id)}), actor=None, at=now)
    for provider in providers():
        provider.erase(user_id, now)
    log.info("account_erased", user=str(user_id))
    return True


def erase(user_id: uuid.UUID, now: datetime) -> None:
    """Erase this app's data of a user: the row stays without personal data, what belongs to it is deleted."""
    user = User.objects.get(pk=user_id)
    Invitation.objects.filter(Q(inviter=user) | Q(accepted_by=user) | Q(email=user.email)).delete()
    LogEntry.objects.filter(object_id=str(user_id)).delete()
    for relation in User._meta.related_objects:
        is_personal = relation.related_model._meta.app_label in PERSONAL_APPS
        if is_personal and relation.on_delete is CASCADE:
            # _base_manager: a default manager may hide rows.
            relation.related_model._base_manager.filter(**{relation.field.name: user}).delete()
    # The row stays because projects, tasks and comments refer to it.
    user.set_unusable_password()
    User.objects.filter(pk=user_id).update(
        name=ERASED_USER_NAME,
        email=f"{user_id}@erased.invalid",
        handle=f"former-{user_id.hex}",
        avatar="",
        time_zone="UTC",
        language="en",
        role=User.Role.USER,
        tier=User.Tier.FREE,
        password=user.password,
        is_active=False,
        erased_at=now,
        last_login=None,
        version=F("version") + 1,
    )
    cache.invalidate_user(user_id)
