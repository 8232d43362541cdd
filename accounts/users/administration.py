"""What administrators do with the accounts of others. Nobody is deleted: what a person did refers to them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts import events, policies
from accounts.api_keys.services import revoke_all_keys
from accounts.auth import one_time_tokens
from accounts.auth.email_addresses import services as email_addresses
from accounts.auth.passwords import services as passwords
from accounts.auth.passwords.validators import check_breach_first
from accounts.auth.sessions import cache
from accounts.auth.sessions import services as sessions
from accounts.events import user_payload
from accounts.models import AccountDeletion, Session, User
from accounts.users.services import check_password_strength, register
from core.db import violated_constraint
from core.errors import Conflict, Invalid, NotFound, VersionConflict
from events.outbox import publish

ADMIN_EDITABLE_FIELDS = frozenset({"name", "email", "handle", "role", "tier", "is_active", "time_zone", "language"})


@check_breach_first
@transaction.atomic
def create_user_as_admin(
    *, actor: User, email: str, name: str, password: str, role: str, tier: str, now: datetime
) -> User:
    """Register somebody else, with a role and a tier."""
    policies.require_manager(actor)
    user = register(email=email, name=name, password=password)
    return update_user(actor=actor, user_id=user.pk, changes={"role": role, "tier": tier}, now=now)


@transaction.atomic
def update_user(
    *, actor: User, user_id: uuid.UUID, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> User:
    """Change the given fields of PERSON_FIELDS; a person who is deactivated is signed out everywhere.

    To deactivate somebody who is leaving ends their way back; name `is_active` only where that was decided.
    """
    policies.require_manager(actor)
    if unknown := set(changes) - ADMIN_EDITABLE_FIELDS:
        raise ValueError(f"not for an administrator to change: {unknown}")
    user = get_user_for_update(user_id, changes)
    if user.erased_at is not None:
        raise Conflict("This person is gone for good; there is nobody to change.", code="erased")
    if versions is not None and user.version not in versions:
        raise VersionConflict(version=user.version, current={n: getattr(user, n) for n in changes}, wanted=changes)
    if user.is_service and changes.get("role") == User.Role.ADMIN:
        raise Conflict("A service account is never an administrator.", code="service_account")
    changed = {name: [getattr(user, name), value] for name, value in changes.items() if getattr(user, name) != value}
    if changed:
        _save(user, {name: new for name, (_, new) in changed.items()})
        publish(events.UserUpdated(user=user_payload(user), changes=changed), actor=actor, at=now)
    if "email" in changed:
        email_addresses.replace_email_address(user=user, email=user.email)
    if "is_active" in changed:
        _apply_activation(user, actor, now)
    elif changes.get("is_active") is False:
        _invalidate_cancellation_link(user, actor, now)
    return user


@transaction.atomic
def promote_admin(*, email: str, now: datetime) -> User:
    """Make a registered person an administrator: how whoever runs the machine appoints the first one."""
    user: User | None = User.objects.active().select_for_update().filter(email=email.strip().lower()).first()
    if user is None:
        raise NotFound("Nobody active is registered with this address.")
    if not user.is_admin:
        changes = {"role": [user.role, User.Role.ADMIN.value]}
        _save(user, {"role": User.Role.ADMIN})
        publish(events.UserUpdated(user=user_payload(user), changes=changes), actor=None, at=now)
    return user


@check_breach_first
@transaction.atomic
def set_password(*, actor: User, user_id: uuid.UUID, password: str, now: datetime) -> User:
    """Give a person another password and end every session, browsers' too, and what else may be a stranger's way in."""
    policies.require_manager(actor)
    user = get_user_for_update(user_id, {})
    if user.is_service:
        raise Conflict("A service account has no password.", code="no_password")
    check_password_strength(password, user)
    user.set_password(password)
    _save(user, {"password": user.password})
    publish(
        events.UserUpdated(user=user_payload(user), changes={"password": ["hidden", "hidden"]}), actor=actor, at=now
    )
    reason = "password set by an administrator"
    sessions.revoke(Session.objects.open(now).filter(user=user), actor=actor, now=now, reason=reason)
    passwords.remove_other_login_methods(user=user, actor=actor, now=now)
    return user


@transaction.atomic
def revoke_sessions(*, actor: User, session_ids: Collection[uuid.UUID], now: datetime) -> int:
    """End sessions of whomever they belong to; returns how many were open."""
    policies.require_manager(actor)
    chosen = Session.objects.open(now).filter(pk__in=session_ids)
    return sessions.revoke(chosen, actor=actor, now=now, reason="ended by an administrator")


def _apply_activation(user: User, actor: User, now: datetime) -> None:
    if user.is_active:
        AccountDeletion.objects.filter(user=user).delete()
        return
    sessions.revoke(Session.objects.open(now).filter(user=user), actor=actor, now=now, reason="deactivated")
    revoke_all_keys(owner=user, actor=actor, now=now)


def _invalidate_cancellation_link(user: User, actor: User, now: datetime) -> None:
    """The link in the mail of somebody who is leaving opens nothing any more; the erasure stays due."""
    if AccountDeletion.objects.filter(user=user).update(token_hash=one_time_tokens.new_token().hash):
        publish(
            events.UserUpdated(user=user_payload(user), changes={"deletion_link_valid": [True, False]}),
            actor=actor,
            at=now,
        )


def get_user_for_update(user_id: uuid.UUID, changes: dict[str, Any]) -> User:
    """Lock the person and all administrators in one order, so that two of them cannot dismiss each other."""
    admins = Q(role=User.Role.ADMIN, is_active=True)
    locked = {one.pk: one for one in User.objects.select_for_update().filter(admins | Q(pk=user_id)).order_by("pk")}
    user: User | None = locked.get(user_id)
    if user is None:
        raise NotFound("There is no such person.")
    was = user.is_admin and user.is_active
    stays = changes.get("role", user.role) == User.Role.ADMIN and changes.get("is_active", user.is_active)
    others = [one for one in locked.values() if one.pk != user.pk]
    if was and not stays and not others:
        raise Conflict("This is the only active administrator; appoint another one first.", code="last_admin")
    return user


def _save(user: User, columns: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(**columns, version=F("version") + 1)
    except IntegrityError as error:
        name = "handle" if "handle" in violated_constraint(error) else "email"
        raise Invalid.field(name, f"Somebody has this {name} already.", "taken") from error
    user.refresh_from_db()
    cache.invalidate_user(user.pk)
