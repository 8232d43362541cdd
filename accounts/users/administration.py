"""Services by which administrators manage other accounts. Users are deactivated, never deleted."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext

from accounts import events, policies
from accounts.api_keys.services import revoke_all_keys
from accounts.auth import one_time_tokens
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.passwords import services as passwords
from accounts.auth.passwords.validators import check_password_strength
from accounts.auth.security_notifications import notify_security_change
from accounts.auth.sessions import cache
from accounts.auth.sessions import services as sessions
from accounts.events import user_payload
from accounts.models import AccountDeletion, Session, User
from accounts.users.services import create_user_with_password, save_changes
from core.db import get_or_404
from core.errors import Conflict, NotFound
from core.etags import check_version
from core.text import normalize_email
from events.outbox import publish

ADMIN_EDITABLE_FIELDS = frozenset({"name", "email", "handle", "role", "tier", "is_active", "time_zone", "language"})


@transaction.atomic
def create_user_as_admin(
    *, actor: User, email: str, name: str, password: str, role: str, tier: str, now: datetime
) -> User:
    """Create an account for another user. The caller has checked that the password is not breached.

    Raises NotAllowed, Invalid.
    """
    policies.require_manager(actor)
    check_password_strength(password, User(email=normalize_email(email), name=name.strip()))
    user = create_user_with_password(email=email, name=name, password=password)
    notify_security_change(user=user, change="created_by_admin", now=now, actor=actor)
    return update_user(actor=actor, user_id=user.pk, changes={"role": role, "tier": tier}, now=now)


@transaction.atomic
def update_user(
    *, actor: User, user_id: uuid.UUID, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> User:
    """Change fields of ADMIN_EDITABLE_FIELDS; deactivating revokes all sessions and API keys.

    Activating cancels a scheduled deletion. `is_active: False` for an account that is closed already makes the
    cancellation link in the user's email invalid, so pass it only where an administrator decided so.
    Raises NotAllowed, NotFound, Invalid, VersionConflict, and Conflict for the last administrator.
    """
    policies.require_manager(actor)
    if unknown := set(changes) - ADMIN_EDITABLE_FIELDS:
        raise ValueError(f"not editable by administrators: {unknown}")
    user = get_user_for_update(user_id, changes)
    if user.erased_at is not None:
        raise Conflict(gettext("This account was erased and can no longer be changed."), code="erased")
    check_version(user, versions, changes)
    changes = {name: normalize_email(value) if name == "email" else value for name, value in changes.items()}
    if user.is_service and changes.get("role") == User.Role.ADMIN:
        raise Conflict(gettext("A service account cannot be an administrator."), code="service_account")
    # From here on the row is locked and the change is allowed.
    differences = save_changes(user, changes, actor=actor, now=now)
    if "email" in differences:
        email_addresses.follow_email_change(user=user, before=differences["email"][0], actor=actor, now=now)
    if "is_active" in differences and user.is_active:
        AccountDeletion.objects.filter(user=user).delete()
    elif "is_active" in differences:
        sessions.revoke(Session.objects.open(now).filter(user=user), actor=actor, now=now, reason="deactivated")
        revoke_all_keys(owner=user, actor=actor, now=now)
    elif changes.get("is_active") is False:
        # The account was closed by its user before. A token that was never sent keeps them from cancelling the deletion,
        # which stays due.
        is_scheduled = AccountDeletion.objects.filter(user=user).update(token_hash=one_time_tokens.new_token().hash)
        if is_scheduled:
            event = events.UserUpdated(user=user_payload(user), changes={"deletion_link_valid": [True, False]})
            publish(event, actor=actor, at=now)
    return user


@transaction.atomic
def promote_admin(*, email: str, now: datetime) -> User:
    """Make an active user an administrator, on behalf of the operator of the server. Raises NotFound."""
    user = get_or_404(
        User.objects.active().select_for_update().filter(email=normalize_email(email)),
        "There is no active user with this email address.",
    )
    save_changes(user, {"role": User.Role.ADMIN.value}, actor=None, now=now)
    return user


@transaction.atomic
def set_password(*, actor: User, user_id: uuid.UUID, password: str, now: datetime) -> User:
    """Set another user's password, revoke all sessions, and remove unverified login methods.

    The caller has checked that the password is not breached. Raises NotAllowed, NotFound, Conflict, and Invalid for a
    weak password.
    """
    policies.require_manager(actor)
    user = get_user_for_update(user_id, {})
    if user.is_service:
        raise Conflict(gettext("A service account has no password."), code="no_password")
    check_password_strength(password, user)
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password, version=F("version") + 1)
    user.refresh_from_db()
    cache.invalidate_user(user.pk)
    # The event says that the password changed, not how.
    changes = {"password": ["hidden", "hidden"]}
    publish(events.UserUpdated(user=user_payload(user), changes=changes), actor=actor, at=now)
    reason = "password set by an administrator"
    sessions.revoke(Session.objects.open(now).filter(user=user), actor=actor, now=now, reason=reason)
    passwords.remove_other_login_methods(user=user, actor=actor, now=now)
    notify_security_change(user=user, change="password_set_by_admin", now=now, actor=actor)
    return user


@transaction.atomic
def revoke_sessions(*, actor: User, session_ids: Collection[uuid.UUID], now: datetime) -> int:
    """Revoke sessions of any users; return how many were open. Raises NotAllowed."""
    policies.require_manager(actor)
    open_sessions = Session.objects.open(now).filter(pk__in=session_ids)
    return sessions.revoke(open_sessions, actor=actor, now=now, reason="ended by an administrator")


def get_user_for_update(user_id: uuid.UUID, changes: dict[str, Any]) -> User:
    """Lock the user and all administrators, in one order. Raises NotFound.

    Raises Conflict if the changes would leave no active administrator. Locking all of them prevents two administrators
    from demoting each other at the same time.
    """
    # One order for all callers: locking in another order could deadlock.
    admins = Q(role=User.Role.ADMIN, is_active=True)
    locked = {row.pk: row for row in User.objects.select_for_update().filter(admins | Q(pk=user_id)).order_by("pk")}
    user = locked.get(user_id)
    if user is None:
        raise NotFound(gettext("There is no such user."))
    is_admin = user.is_admin and user.is_active
    stays_admin = changes.get("role", user.role) == User.Role.ADMIN and changes.get("is_active", user.is_active)
    if is_admin and not stays_admin and len(locked) == 1:
        raise Conflict(gettext("This is the only active administrator. Appoint another one first."), code="last_admin")
    return user
