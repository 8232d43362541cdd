"""What administrators do with the accounts of others. Nobody is deleted: what a person did refers to them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts import cache, events, policies
from accounts.models import Departure, Session, User
from accounts.services.addresses import take_address
from accounts.services.keys import revoke_all_keys
from accounts.services.sessions import end
from accounts.services.users import check_password_strength, public, register
from core.db import violated_constraint
from core.errors import Conflict, Invalid, NotFound, Stale
from events.publishing import publish

PERSON_FIELDS = frozenset({"name", "email", "handle", "role", "tier", "is_active", "time_zone", "language"})


@transaction.atomic
def create_person(*, actor: User, email: str, name: str, password: str, role: str, tier: str, now: datetime) -> User:
    """Register somebody else, with a role and a tier."""
    _require_admin(actor)
    person = register(email=email, name=name, password=password)
    return update_person(actor=actor, person_id=person.pk, changes={"role": role, "tier": tier}, now=now)


@transaction.atomic
def update_person(
    *, actor: User, person_id: uuid.UUID, changes: dict[str, Any], now: datetime, versions: frozenset[int] | None = None
) -> User:
    """Change the given fields of PERSON_FIELDS; a person who is deactivated is signed out everywhere."""
    _require_admin(actor)
    if unknown := set(changes) - PERSON_FIELDS:
        raise ValueError(f"not for an administrator to change: {unknown}")
    person = lock_person(person_id, changes)
    if person.erased_at is not None:
        raise Conflict("This person is gone for good; there is nobody to change.", code="erased")
    if versions is not None and person.version not in versions:
        raise Stale(version=person.version, current={n: getattr(person, n) for n in changes}, wanted=changes)
    if person.is_service and changes.get("role") == User.Role.ADMIN:
        raise Conflict("A service account is never an administrator.", code="service_account")
    changed = {
        name: [getattr(person, name), value] for name, value in changes.items() if getattr(person, name) != value
    }
    if changed:
        _save(person, {name: new for name, (_, new) in changed.items()})
        publish(events.UserUpdated(user=public(person), changes=changed), actor=actor, at=now)
    if "email" in changed:
        take_address(person=person, email=person.email)
    if "is_active" in changed and person.is_active:
        Departure.objects.filter(user=person).delete()
    elif "is_active" in changed:
        end(Session.objects.open(now).filter(user=person), actor=actor, now=now, reason="deactivated")
        revoke_all_keys(owner=person, actor=actor, now=now)
    return person


@transaction.atomic
def appoint_admin(*, email: str, now: datetime) -> User:
    """Make a registered person an administrator: how whoever runs the machine appoints the first one."""
    person: User | None = User.objects.active().select_for_update().filter(email=email.strip().lower()).first()
    if person is None:
        raise NotFound("Nobody active is registered with this address.")
    if not person.is_admin:
        changes = {"role": [person.role, User.Role.ADMIN.value]}
        _save(person, {"role": User.Role.ADMIN})
        publish(events.UserUpdated(user=public(person), changes=changes), actor=None, at=now)
    return person


@transaction.atomic
def set_password(*, actor: User, person_id: uuid.UUID, password: str, now: datetime) -> User:
    """Give a person another password and end every session, browsers' too."""
    _require_admin(actor)
    person = lock_person(person_id, {})
    if person.is_service:
        raise Conflict("A service account has no password.", code="no_password")
    check_password_strength(password, person)
    person.set_password(password)
    _save(person, {"password": person.password})
    publish(events.UserUpdated(user=public(person), changes={"password": ["hidden", "hidden"]}), actor=actor, at=now)
    reason = "password set by an administrator"
    end(Session.objects.open(now).filter(user=person), actor=actor, now=now, reason=reason)
    return person


@transaction.atomic
def end_sessions(*, actor: User, session_ids: Collection[uuid.UUID], now: datetime) -> int:
    """End sessions of whomever they belong to; returns how many were open."""
    _require_admin(actor)
    chosen = Session.objects.open(now).filter(pk__in=session_ids)
    return end(chosen, actor=actor, now=now, reason="ended by an administrator")


def _require_admin(actor: User) -> None:
    policies.require(actor.is_admin and actor.is_active, "Only administrators may do this.")


def lock_person(person_id: uuid.UUID, changes: dict[str, Any]) -> User:
    """Lock the person and all administrators in one order, so that two of them cannot dismiss each other."""
    admins = Q(role=User.Role.ADMIN, is_active=True)
    locked = {one.pk: one for one in User.objects.select_for_update().filter(admins | Q(pk=person_id)).order_by("pk")}
    person: User | None = locked.get(person_id)
    if person is None:
        raise NotFound("There is no such person.")
    was = person.is_admin and person.is_active
    stays = changes.get("role", person.role) == User.Role.ADMIN and changes.get("is_active", person.is_active)
    others = [one for one in locked.values() if one.pk != person.pk]
    if was and not stays and not others:
        raise Conflict("This is the only active administrator; appoint another one first.", code="last_admin")
    return person


def _save(person: User, columns: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            User.objects.filter(pk=person.pk).update(**columns, version=F("version") + 1)
    except IntegrityError as error:
        name = "handle" if "handle" in violated_constraint(error) else "email"
        raise Invalid.field(name, f"Somebody has this {name} already.", "taken") from error
    person.refresh_from_db()
    cache.forget_person(person.pk)
